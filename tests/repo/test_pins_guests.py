"""Each edition's guest: the tract that the pins name, the same sources and profiles, a place of its own."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from lab.builds import guests
from lab.builds.pins import load_pins
from lab.core.arm import GuestProfile
from lab.core.guest import ALL_GUESTS, GuestId
from lab.core.names import GraphFormat

ROOT = Path(__file__).parents[2]
RUST = ROOT / "rust-guest"
EDITIONS = sorted(load_pins().editions)
TRACTS = load_pins().tracts
NEWEST = "0.23"
OLDER = sorted(set(TRACTS) - {NEWEST})
WORKSPACES = {NEWEST: RUST, **{tract: RUST / f"tract-{tract}" for tract in OLDER}}
PACKAGES = {**WORKSPACES, NEWEST: RUST / "infer"}


def toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text())


def locked(tract: str) -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for package in toml(WORKSPACES[tract] / "Cargo.lock")["package"]:
        versions.setdefault(package["name"], set()).add(package["version"])
    return versions


def profiles(tract: str) -> dict[str, Any]:
    found: dict[str, Any] = toml(WORKSPACES[tract] / "Cargo.toml")["profile"]
    return {name: profile for name, profile in found.items() if name.startswith("guest-")}


@pytest.mark.parametrize("tract", sorted(TRACTS))
def test_the_pinned_tract_is_the_one_the_guest_asks_for_and_gets(tract: str) -> None:
    pinned = TRACTS[tract].version
    assert pinned.startswith(f"{tract}.")
    manifest = toml(WORKSPACES[tract] / "Cargo.toml")
    declared = {**manifest.get("workspace", {}).get("dependencies", {}), **manifest.get("dependencies", {})}
    asked = [
        wanted if isinstance(wanted, str) else wanted["version"]
        for name, wanted in declared.items()
        if "tract-tensorflow" in (name, wanted.get("package") if isinstance(wanted, dict) else None)
    ]
    assert asked == [f"={pinned}"]
    tracts = {name: versions for name, versions in locked(tract).items() if name.startswith("tract-")}
    assert {"tract-core", "tract-linalg", "tract-tensorflow"} <= set(tracts)
    assert all(versions == {pinned} for versions in tracts.values()), tracts


def test_every_tract_that_an_edition_or_a_guest_names_is_pinned() -> None:
    named = {load_pins().edition(edition).tract for edition in EDITIONS}
    named |= {profile.tract for profile in GuestProfile if profile.tract is not None}
    assert named == set(TRACTS)


@pytest.mark.parametrize("tract", OLDER)
def test_every_tract_gets_the_very_same_source(tract: str) -> None:
    programs = [program["path"] for program in toml(WORKSPACES[tract] / "Cargo.toml")["bin"]]
    assert [(WORKSPACES[tract] / path).resolve() for path in programs] == [RUST / "infer" / "src" / "main.rs"]


@pytest.mark.parametrize("tract", OLDER)
def test_every_test_of_the_guest_runs_on_every_tract(tract: str) -> None:
    tests = toml(WORKSPACES[tract] / "Cargo.toml")["test"]
    named = {(WORKSPACES[tract] / test["path"]).resolve() for test in tests}
    assert named == set((RUST / "infer" / "tests").glob("*.rs"))


@pytest.mark.parametrize("tract", OLDER)
def test_every_tract_is_optimised_in_the_same_way(tract: str) -> None:
    newest = profiles(NEWEST)
    # a kernel that only the newest has
    del newest["guest-o3"]["package"]["dense"]
    assert profiles(tract) == newest
    assert set(newest) == {"guest-dev", "guest-o0", "guest-o3"}


@pytest.mark.parametrize("tract", sorted(TRACTS))
def test_a_guests_key_reads_what_it_is_built_from_and_no_tests(tract: str) -> None:
    plain = (g for g in ALL_GUESTS if not g.profile.is_prepared and g.profile.graph_format is GraphFormat.PB)
    on_it = next(g for g in plain if guests.tract_of("current", g) == tract)
    sources = guests.sources("current", on_it)
    own = {WORKSPACES[tract] / "Cargo.lock", PACKAGES[tract] / "Cargo.toml", RUST / "build.sh"}
    assert own | set((RUST / "infer" / "src").rglob("*.rs")) <= set(sources.values())
    assert not any("tests" in path.parts for path in sources.values())


def test_the_prepared_guest_is_built_from_the_plain_ones_sources_and_crates() -> None:
    build = GuestId.parse("native/o3+tract-0.23+prepared")
    sources = set(guests.sources("current", build).values())
    assert set((RUST / "infer" / "src").rglob("*.rs")) | set((RUST / "prepared" / "src").rglob("*.rs")) <= sources
    assert guests.place("one compiler", "current", build) != guests.place("one compiler", "current", build.plain)
    crates = {package["name"]: package["version"] for package in toml(RUST / "prepared" / "Cargo.lock")["package"]}
    assert all({crates[name]} <= locked(NEWEST)[name] for name in crates if name in locked(NEWEST))
    profile = toml(RUST / "prepared" / "Cargo.toml")["profile"]["guest-o3"]
    assert profile == profiles(NEWEST)["guest-o3"], "like is compared with like"


def test_the_guests_of_other_formats_share_tract_profile_and_sources() -> None:
    front = toml(RUST / "front" / "Cargo.toml")
    tract = GuestProfile.O3_ONNX.tract
    assert tract is not None
    assert front["profile"]["guest-o3"]["opt-level"] == profiles(tract)["guest-o3"]["opt-level"]
    crates = {package["name"]: package["version"] for package in toml(RUST / "front" / "Cargo.lock")["package"]}
    assert all({crates[name]} <= locked(tract)[name] for name in crates if name in locked(tract))
    assert set(front["features"]) - {"lean"} == set(GraphFormat) - {GraphFormat.PB}
    for build in (build for build in ALL_GUESTS if build.profile.graph_format is not GraphFormat.PB):
        sources = set(guests.sources("current", build).values())
        shared = {RUST / "infer" / "src" / f"{name}.rs" for name in ("args", "marks", "model", "output", "read")}
        assert shared | set((RUST / "front" / "src").rglob("*.rs")) <= sources
        assert not any("tests" in path.parts for path in sources)
        assert str(build.profile.graph_format) in guests.place("one compiler", "current", build).name


def test_guests_of_two_editions_share_a_place_if_they_are_the_same_build() -> None:
    builds = [GuestId.parse(text) for text in ("native/o0", "native/o3", "wasm/o0", "wasm/o3")]
    places = {guests.place("one compiler", edition, build) for edition in EDITIONS for build in builds}
    assert len({place.name for place in places}) == len({place.name.rsplit("-", 1)[0] for place in places})
    assert len(places) == len({load_pins().edition(edition).tract for edition in EDITIONS}) * len(builds)


def test_a_guest_that_names_its_tract_is_the_guest_of_an_edition_on_that_tract() -> None:
    for edition in EDITIONS:
        named = GuestId.parse(f"wasm/o3+tract-{load_pins().edition(edition).tract}")
        assert guests.place("one compiler", edition, named) == guests.place(
            "one compiler", edition, GuestId.parse("wasm/o3")
        )


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("o3", "wasm", "out", "1.0"), "unknown tract 1.0: expected 0.20, 0.22 or 0.23"),
        (("o4", "wasm", "out"), "unknown variant o4"),
        (("o3", "gpu", "out"), "unknown target gpu: expected wasm or native"),
    ],
)
def test_an_unknown_guest_is_refused_by_the_build_script(
    words: tuple[str, ...], complaint: str, tmp_path: Path
) -> None:
    script = (RUST / "build.sh").read_text().replace("/src", str(RUST))
    (tmp_path / "build.sh").write_text(script)
    done = subprocess.run(["sh", str(tmp_path / "build.sh"), *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"error: {complaint}\n")
