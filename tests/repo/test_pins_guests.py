"""Each edition's guest: the tract that the pins name, the same sources and profiles, a place of its own."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from lab.builds import guests
from lab.builds.pins import load_pins
from lab.core.guest import GuestId

ROOT = Path(__file__).parents[2]
RUST = ROOT / "rust-guest"
EDITIONS = sorted(load_pins().editions)
WORKSPACES = {"current": RUST, "paper": RUST / "paper"}
PACKAGES = {"current": RUST / "infer", "paper": RUST / "paper"}


def toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text())


def locked(edition: str) -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for package in toml(WORKSPACES[edition] / "Cargo.lock")["package"]:
        versions.setdefault(package["name"], set()).add(package["version"])
    return versions


def profiles(edition: str) -> dict[str, Any]:
    found: dict[str, Any] = toml(WORKSPACES[edition] / "Cargo.toml")["profile"]
    return {name: profile for name, profile in found.items() if name.startswith("guest-")}


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_pinned_tract_is_the_one_the_guest_asks_for_and_gets(edition: str) -> None:
    pinned = load_pins().edition(edition).tract
    manifest = toml(WORKSPACES[edition] / "Cargo.toml")
    declared = {**manifest.get("workspace", {}).get("dependencies", {}), **manifest.get("dependencies", {})}
    asked = [
        wanted if isinstance(wanted, str) else wanted["version"]
        for name, wanted in declared.items()
        if "tract-tensorflow" in (name, wanted.get("package") if isinstance(wanted, dict) else None)
    ]
    assert asked == [f"={pinned}"]
    tracts = {name: versions for name, versions in locked(edition).items() if name.startswith("tract-")}
    assert {"tract-core", "tract-linalg", "tract-tensorflow"} <= set(tracts)
    assert all(versions == {pinned} for versions in tracts.values()), tracts


def test_every_edition_builds_the_very_same_source() -> None:
    programs = [program["path"] for program in toml(RUST / "paper" / "Cargo.toml")["bin"]]
    assert [(RUST / "paper" / path).resolve() for path in programs] == [RUST / "infer" / "src" / "main.rs"]


def test_every_test_of_the_guest_runs_in_every_edition() -> None:
    named = {(RUST / "paper" / test["path"]).resolve() for test in toml(RUST / "paper" / "Cargo.toml")["test"]}
    assert named == set((RUST / "infer" / "tests").glob("*.rs"))


def test_every_edition_optimises_its_guest_in_the_same_way() -> None:
    assert profiles("paper") == profiles("current")
    assert set(profiles("current")) == {"guest-dev", "guest-o0", "guest-o3"}


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_guests_key_reads_what_it_is_built_from_and_no_tests(edition: str) -> None:
    sources = guests.sources(edition)
    own = {WORKSPACES[edition] / "Cargo.lock", PACKAGES[edition] / "Cargo.toml", RUST / "build.sh"}
    assert own | set((RUST / "infer" / "src").rglob("*.rs")) <= set(sources.values())
    assert not any("tests" in path.parts for path in sources.values())


def test_guests_of_two_editions_share_no_place() -> None:
    builds = [GuestId.parse(text) for text in ("native/o0", "native/o3", "wasm/o0", "wasm/o3")]
    places = {guests.place("one compiler", edition, build) for edition in EDITIONS for build in builds}
    assert len({place.name for place in places}) == len({place.name.rsplit("-", 1)[0] for place in places})
    assert len(places) == len(EDITIONS) * len(builds)


def test_an_unknown_edition_is_refused_by_the_build_script() -> None:
    argv = ["sh", str(RUST / "build.sh"), "o3", "wasm", "out", "tomorrow"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "error: unknown edition tomorrow: expected current or paper\n")
