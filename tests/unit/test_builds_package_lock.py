"""The lock of Debian packages: read, written, and resolved from what apt says."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.builds.debian import resolve
from lab.builds.debian.lock import LockedPackage, PackageLock, architecture, parse_lock
from lab.builds.debian.requests import Request, requests
from lab.builds.pins import load_pins
from lab.builds.steps import stages
from lab.core.errors import BuildFailed, SupplyError

SUM = "0123456789abcdef" * 4
MAKE = LockedPackage(
    "trixie", "amd64", "toolchain", "make", "4:4.4.1-2+b1", SUM, "debian/pool/main/m/make_4.4_amd64.deb"
)
SPACE = " "
ANSWER = f"""#stage base
Inst libc6 (2.41-12{SPACE}
#stage builder
NOTE: This is only a simulation!
Inst make (4.4.1-2 Debian:13.8/stable [amd64])
Conf make (4.4.1-2 Debian:13.8/stable [amd64])
#stage tool
Inst make (4.4.1-2 Debian:13.8/stable [amd64])
Inst libc6 [2.41-12] (2.41-13 Debian-Security:13/stable-security [amd64])
#stage dates
Sat, 14 Nov 2026 09:00:00 UTC
Fri, 27 Nov 2026 08:08:01 UTC
#stage{SPACE}
Package: make
Version: 4.4.1-2
Filename: pool/main/m/make_4.4.1-2_amd64.deb
SHA256: {SUM}
Description: a text: with colons
 Version: of a description

Package: libc6
Version: 2.41-13
Filename: pool/updates/main/g/libc6_2.41-13_amd64.deb
SHA256: {SUM}

Package: libc6
Version: 2.41-12
Filename: pool/main/g/libc6_2.41-12_amd64.deb
SHA256: {SUM}
"""
REQUESTS = (Request("trixie", "builder", ("make",)), Request("trixie", "tool", ("x",), ("make",), ("builder",)))


def test_a_lock_is_read_as_it_was_written() -> None:
    lock = PackageLock({"trixie": "20261127T120000Z"}, (MAKE,))
    assert parse_lock(lock.text()) == lock


def test_a_lock_says_which_state_of_each_suite_it_is_of() -> None:
    with pytest.raises(SupplyError, match="which state of trixie it is of"):
        parse_lock(PackageLock({"bookworm": "20261127T120000Z"}, (MAKE,)).text())


@pytest.mark.parametrize(
    "line",
    [
        MAKE.line.replace(SUM, SUM[:-1]),
        MAKE.line.replace(SUM, SUM.upper()),
        MAKE.line.replace("debian/pool", "http://elsewhere/pool"),
        MAKE.line.replace(" make ", " $(reboot) "),
        MAKE.line + " more",
        "trixie",
    ],
)
def test_a_line_that_is_none_of_a_lock_is_refused_by_its_number(line: str) -> None:
    with pytest.raises(SupplyError, match="line 4") as caught:
        parse_lock(PackageLock({"trixie": "20261127T120000Z"}).text() + line + "\n", Path("packages/lock"))
    assert "--lock-packages" in caught.value.remedy


def test_a_stage_gets_the_lines_of_its_suite_and_of_this_architecture() -> None:
    there = [
        LockedPackage(suite, machine, stage, "make", "1", SUM, MAKE.path)
        for suite in ("trixie", "bookworm")
        for machine in (architecture(), "other")
        for stage in ("toolchain", "base", "wamr")
    ]
    chosen = PackageLock({}, tuple(there)).of("trixie", "base", "toolchain").packages
    assert {(p.suite, p.architecture) for p in chosen} == {("trixie", architecture())}
    assert [p.stage for p in chosen] == ["toolchain", "base"]


def test_what_apt_answers_becomes_the_files_of_each_stage() -> None:
    stamp, packages = resolve.read_answer(ANSWER, "trixie", REQUESTS)
    found = {(p.stage, p.name): p for p in packages}
    assert stamp == "20261127T080801Z", "the newest of the archive's dates names its state"
    assert set(found) == {("base", "libc6"), ("builder", "make"), ("tool", "libc6")}, "make is there from the builder"
    assert found["builder", "make"].path == "debian/pool/main/m/make_4.4.1-2_amd64.deb"
    assert found["tool", "libc6"].version == "2.41-13"
    assert found["tool", "libc6"].path.startswith("debian-security/pool/updates/")


def test_a_package_whose_file_apt_does_not_describe_is_no_line_of_the_lock() -> None:
    with pytest.raises(BuildFailed, match="describes no file of make"):
        resolve.read_answer(ANSWER.replace("Package: make", "Package: cmake"), "trixie", REQUESTS)


def test_a_request_comes_after_those_that_its_stage_continues() -> None:
    dockerfile = stages.parse(
        "ARG BASE=x\nFROM ${BASE} AS builder\nRUN /packages/install builder a \\\n    b && true\n"
        'FROM builder AS native\nARG GUEST_RUST\nRUN if true; then /packages/install native "c=${GUEST_RUST}*"; fi\n'
        + "".join(f"FROM scratch AS {name}\n" for name in load_pins().edition("current").runtimes if name != "native")
    )
    pins = load_pins()
    native = next(found for found in requests(dockerfile, pins) if found.stage == "native" and found.suite == "trixie")
    assert native.before == ("a", "b")
    assert native.packages == (f"c={pins.edition('current').guest_rust}*",)
    assert native.continues == ("builder",)
