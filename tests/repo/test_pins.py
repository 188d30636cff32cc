"""The pins file, the Dockerfile and the flake say the same thing."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from lab.builds.debian.lock import BASE_STAGE, LOCK_PATH, architecture, load_lock
from lab.builds.debian.requests import asked_for, requests
from lab.builds.pins import PINS_PATH, Supply, load_pins, stage_args
from lab.builds.steps import planner, stages
from lab.builds.steps.step import BuildStep
from lab.core.errors import ExperimentError

ROOT = Path(__file__).parents[2]
PINS = load_pins()
DOCKERFILE = stages.parse((ROOT / "Dockerfile").read_text())
IMAGES = [(edition, runtime) for edition, pins in PINS.editions.items() for runtime in pins.runtimes]
NIX_CHECKED = "((import ./flake.nix).outputs {{ self = {{}}; nixpkgs = {0}; nixpkgs-2023 = {0}; }}).{1}"
NO_PACKAGES = "{ legacyPackages.x86_64-linux = {}; }"


def base(name: str) -> BuildStep:
    return BuildStep(f"base:{name}", name, f"base-{name}:1")


def supplies_of(edition: str, runtime: str) -> list[Supply | None]:
    pin = PINS.edition(edition).runtime(runtime)
    found: list[Supply | None] = [supply for supply in Supply if getattr(pin, supply.value) is not None]
    return found or [None]


def tool(name: str) -> str:
    beside_python = str(Path(sys.executable).parent)
    path = shutil.which(name, path=os.pathsep.join([beside_python, os.environ.get("PATH", "")]))
    if path is None:
        pytest.skip(f"{name} is not installed here, so what it would check stays unchecked")
    return path


def test_the_dockerfiles_defaults_are_the_current_editions_pins() -> None:
    wanted: dict[str, str] = {}
    for runtime in PINS.editions["current"].runtimes:
        wanted |= stage_args(PINS, "current", runtime, None if runtime == "native" else Supply.REGISTRY)
    for name, value in DOCKERFILE.defaults.items():
        pinned = wanted[name]
        if pinned.startswith("base:"):
            pinned = PINS.bases[pinned.removeprefix("base:")].pinned
        assert value == pinned, name


@pytest.mark.parametrize(("edition", "runtime"), IMAGES)
def test_every_image_can_be_planned_through_every_supply_it_pins(edition: str, runtime: str) -> None:
    for supply in supplies_of(edition, runtime):
        planned = planner.plan(DOCKERFILE, runtime, stage_args(PINS, edition, runtime, supply), base)
        assert planned.name == runtime
        assert all(step.key for step in planned.closure().values())


@pytest.mark.parametrize(("edition", "runtime"), IMAGES)
def test_every_final_image_is_unprivileged_and_starts_the_probe(edition: str, runtime: str) -> None:
    for supply in supplies_of(edition, runtime):
        text = planner.plan(DOCKERFILE, runtime, stage_args(PINS, edition, runtime, supply), base).dockerfile
        assert "\nUSER 65534:65534\n" in text
        assert 'ENTRYPOINT ["/usr/local/bin/probe"]' in text
        assert "ca/host.crt" not in text


@pytest.mark.parametrize(("edition", "runtime"), IMAGES)
def test_no_final_image_rests_on_a_builder(edition: str, runtime: str) -> None:
    for supply in supplies_of(edition, runtime):
        bound = stages.bind(DOCKERFILE, runtime, stage_args(PINS, edition, runtime, supply))
        while bound.base in DOCKERFILE.stages:
            bound = stages.bind(DOCKERFILE, bound.base, stage_args(PINS, edition, runtime, supply))
        assert bound.base == f"base:{PINS.edition(edition).runtime(runtime).base or PINS.edition(edition).base}"


@pytest.mark.parametrize("stage", ["probe", "fixture"])
def test_what_no_binary_is_made_from_rebuilds_no_image(stage: str) -> None:
    step = planner.plan(DOCKERFILE, stage, stage_args(PINS, "current", "native", None), base)
    sources = {name for name in step.files if name.startswith(f"rust-guest/{stage}/")}
    assert f"rust-guest/{stage}/src/main.rs" in sources
    assert {Path(name).suffix for name in sources} == {".rs", ".toml"}
    assert not [name for name in step.files if "/tests/" in name]


def test_the_dockerfile_keeps_to_what_the_classic_builder_takes() -> None:
    for stage in DOCKERFILE.stages.values():
        for instruction in stage.instructions:
            assert not re.match(r"RUN\s+--mount|(COPY|ADD)\s+--(chmod|link)|(RUN|COPY)\s[^\n]*<<", instruction), (
                instruction
            )


def test_every_package_that_a_stage_asks_for_is_locked_in_the_version_of_the_pins() -> None:
    lock = load_lock()
    for request in requests(DOCKERFILE, PINS):
        there = lock.of(request.suite, BASE_STAGE, request.stage, *request.continues).packages
        if architecture() not in {package.architecture for package in lock.packages}:
            pytest.skip(f"LEFT OUT: no package of {architecture()} is locked")
        versions = {package.name: package.version for package in there}
        for asked in request.packages:
            name, _, version = asked.partition("=")
            assert name in versions, f"`lab build --lock-packages` is to lock {asked} of stage {request.stage}"
            assert fnmatch.fnmatchcase(versions[name], version or "*"), f"{request.stage}: {asked}"


def test_packages_are_installed_by_one_script_that_is_given_the_stages_name() -> None:
    for stage in DOCKERFILE.stages.values():
        named = {name for name, _ in asked_for(stage.instructions, {})}
        assert named <= {stage.name}
        by_hand = [text for text in stage.instructions if re.search(r"\b(apt|apt-get|dpkg)\b", text)]
        assert not by_hand, (
            f"{stage.name}: install by `COPY packages/ /packages/` and `RUN /packages/install {stage.name} …`"
        )
        assert bool(named) == any(text.startswith("COPY packages/") for text in stage.instructions)


def test_the_lock_is_written_as_the_program_writes_it() -> None:
    assert load_lock().text() == LOCK_PATH.read_text()


def test_every_stage_that_downloads_crates_or_wheels_copies_todays_certificates() -> None:
    downloads = re.compile(r"cargo (build|install \S|info)|pip (download|install)")
    downloading = [stage for stage in DOCKERFILE.stages.values() if any(map(downloads.search, stage.instructions))]
    assert len(downloading) > 13
    for stage in downloading:
        assert "COPY ca/host.crt /opt/ca/host.crt" in stage.instructions, stage.name


def test_a_crate_is_compared_with_its_checksum_before_anything_of_it_is_compiled() -> None:
    for runtime in ("wasmtime", "wasmer", "wamr", "wavm"):
        (fetched,) = (text for text in DOCKERFILE.stages[f"{runtime}-source"].instructions if text.startswith("RUN"))
        assert fetched.index("sha256sum -c") < fetched.index("tar -x")
        assert not re.search(r"cargo (build|install|run|check)", fetched)
        built = DOCKERFILE.stages[f"{runtime}-registry"].instructions
        assert any(text.startswith(f"COPY --from={runtime}-source /source") for text in built)
        assert not any(re.search(r"cargo install (?!--path \.)", text) for text in built)
        assert all("--locked" in text for text in built if "cargo install" in text)


def test_every_checksum_is_one() -> None:
    text = PINS_PATH.read_text()
    checksums = re.findall(r'sha256 = "(.*)"', text) + re.findall(r'digest = "sha256:(.*)"', text)
    assert len(checksums) > 10
    assert all(re.fullmatch(r"[0-9a-f]{64}", checksum) for checksum in checksums)


def test_every_patch_that_is_pinned_is_copied_and_explained() -> None:
    explained = (ROOT / "patches" / "README.md").read_text()
    for patch in sorted((ROOT / "patches").glob("*.patch")):
        name, _, version = patch.stem.partition("-sys-")
        pins = [edition.runtimes[name] for edition in PINS.editions.values()]
        assert all(pin.patched and pin.version == version for pin in pins)
        assert f"COPY patches/{patch.name} " in (ROOT / "Dockerfile").read_text()
        assert f"`{patch.name}`" in explained


def test_an_unknown_edition_or_runtime_is_an_error_with_the_choices() -> None:
    with pytest.raises(ExperimentError) as caught:
        PINS.edition("tomorrow")
    assert "current, 2026-11, paper" in caught.value.remedy
    with pytest.raises(ExperimentError) as caught:
        PINS.edition("paper").runtime("v8")
    assert "wasmtime" in caught.value.remedy


def test_a_misspelt_pin_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.toml.decode(PINS_PATH.read_text().replace("crate_sha256", "crate_sha265"), type=type(PINS))


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    done = subprocess.run([tool("hadolint"), "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def nix(expression: str) -> object:
    argv = [tool("nix-instantiate"), "--eval", "--strict", "--json", "-E", expression]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_flake_parses() -> None:
    done = subprocess.run(
        [tool("nix-instantiate"), "--parse", "flake.nix"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_flake_sees_the_pins_of_the_pins_file() -> None:
    seen = nix(NIX_CHECKED.format(NO_PACKAGES, "pins"))
    assert seen == msgspec.toml.decode(PINS_PATH.read_bytes())


def test_the_flake_offers_a_package_and_an_image_for_every_pinned_runtime() -> None:
    stub = "{ legacyPackages.x86_64-linux = { writeShellApplication = x: x; rustPlatform.buildRustPackage = x: x; }; }"
    names = nix(f"builtins.attrNames ({NIX_CHECKED.format(stub, 'packages.x86_64-linux')})")
    assert isinstance(names, list)
    for edition, runtime in IMAGES:
        if runtime != "native":
            assert {f"{edition}-{runtime}", f"image-{edition}-{runtime}"} <= set(names)
