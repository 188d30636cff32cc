"""Pins that have newer versions in the package registries: asked of the tools that install them, nothing is changed.

What is pinned is read from the Dockerfile, where each package is installed by its exact version. The registries are the
ones that cargo, pip and apt are set up for, on this machine and in the images of the bases.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum

import msgspec

from lab.builds.pins import Pins, stage_args
from lab.builds.steps import stages
from lab.builds.steps.bases import base_step
from lab.core.arm import NATIVE_RUNTIME
from lab.core.errors import LabError
from lab.core.names import Edition
from lab.disk.paths import ROOT
from lab.engines.docker_sdk import DockerClient, failures_as_lab_errors
from lab.engines.owner import owner_labels

_TIMEOUT_S = 120
_LONGEST = 160


class Source(StrEnum):
    """Who is asked."""

    CRATES = "crates"
    PYPI = "pypi"
    DEBIAN = "debian"


_VERSION = r"""["']?\$\{(?P<variable>\w+)\}\*?["']?"""
_INSTALLED: tuple[tuple[Source, re.Pattern[str]], ...] = (
    (Source.CRATES, re.compile(rf"cargo install (?P<package>[\w-]+) --version {_VERSION}")),
    (Source.CRATES, re.compile(rf"cargo info [^\n]*?[\"' ](?P<package>[\w-]+)@{_VERSION}")),
    (Source.PYPI, re.compile(rf"[\"' ](?P<package>[\w.-]+)=={_VERSION}")),
    (Source.DEBIAN, re.compile(rf"[\"' ](?P<package>[a-z0-9][a-z0-9.+-]*)=(?!=){_VERSION}")),
)
_GUEST_CRATE = "tract-tensorflow"


class Pinned(msgspec.Struct, frozen=True, order=True):
    """A package that an edition installs by its exact version."""

    edition: str
    source: Source
    package: str
    version: str


class Newest(msgspec.Struct, frozen=True):
    """What a registry says of a pin.

    Attributes:
        pinned: what was asked about.
        newest: the newest version that is no pre-release; None if that could not be asked.
        is_newer: whether it is newer than the pin.
        problem: why it could not be asked; None if it could.
    """

    pinned: Pinned
    newest: str | None = None
    is_newer: bool = False
    problem: str | None = None


class CannotAsk(Exception):
    """A registry gave no answer; the text says why."""


Answers = dict[str, str | CannotAsk]
Ask = Callable[[list[str]], Answers]
"""From names of packages to the newest version of each, or why that could not be asked."""


def pinned_packages(pins: Pins, dockerfile: stages.Dockerfile | None = None) -> list[Pinned]:
    """Every package that is pinned by version, in every edition, each once."""
    chosen = dockerfile or stages.parse((ROOT / "Dockerfile").read_text(encoding="utf-8"))
    found: set[Pinned] = set()
    for edition, pin in pins.editions.items():
        args = {**chosen.defaults, **stage_args(pins, edition, NATIVE_RUNTIME, None)}
        for stage in chosen.stages.values():
            for instruction in stage.instructions:
                found |= set(_installed(instruction, edition, args))
        found.add(Pinned(edition, Source.CRATES, _GUEST_CRATE, pins.tracts[pin.tract].version))
    return sorted(each for each in found if each.version)


def _installed(instruction: str, edition: str, args: dict[str, str]) -> Iterator[Pinned]:
    for source, pattern in _INSTALLED:
        for match in pattern.finditer(instruction):
            yield Pinned(edition, source, match["package"], args.get(match["variable"], ""))


def newer(pinned: Iterable[Pinned], ask: Mapping[Source, Ask]) -> list[Newest]:
    """Ask about each pin; what could not be asked says why, and stops nothing.

    Args:
        pinned: the pins; a package that several editions pin is asked about once.
        ask: whom to ask, by source.
    """
    pins = list(pinned)
    answers: dict[Source, Answers] = {}
    for source in dict.fromkeys(pin.source for pin in pins):
        packages = list(dict.fromkeys(pin.package for pin in pins if pin.source is source))
        answers[source] = ask[source](packages)
    return [_compared(pin, answers[pin.source][pin.package]) for pin in pins]


def _compared(pin: Pinned, answer: str | CannotAsk) -> Newest:
    if isinstance(answer, CannotAsk):
        return Newest(pin, problem=str(answer))
    return Newest(pin, answer, _numbers(answer) > _numbers(pin.version))


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version without its epoch, its packaging revision and what stands after a sign: 1:2.3-4+b1."""
    upstream = re.split(r"[-+~]", version.partition(":")[2] if ":" in version else version)[0]
    return tuple(int(number) for number in re.findall(r"\d+", upstream))


# -- the tools --


def ask_cargo(crates: list[str]) -> Answers:
    """The newest version of each crate; cargo shows it beside the newest that this compiler takes."""

    def newest(crate: str) -> str:
        said = _said(["cargo", "info", "--registry", "crates-io", crate])
        match = re.search(r"^version: (\S+)(?: \(latest (\S+)\))?", said, re.MULTILINE)
        if match is None:
            raise CannotAsk(f"cargo describes no crate {crate}")
        return match[2] or match[1]

    return _each(newest, crates)


def ask_pip(packages: list[str]) -> Answers:
    """The newest version of each Python package that is no pre-release."""

    def newest(package: str) -> str:
        said = _said(["python3", "-m", "pip", "index", "versions", "--disable-pip-version-check", package])
        match = re.match(r"\S+ \((\S+)\)", said.strip())
        if match is None:
            raise CannotAsk(f"pip finds no package {package}")
        return match[1]

    return _each(newest, packages)


def ask_apt(packages: list[str], suite: str, run: Callable[[str], str]) -> Answers:
    """The newest version of each Debian package, in the base's suite and in testing.

    Args:
        packages: their names.
        suite: of the image that `run` uses.
        run: runs a shell script in a container of a Debian image; returns what it prints, or raises `CannotAsk`.
    """
    # where packages come from is the image's own affair: the same place is asked for another suite
    script = f"""
        cd /etc/apt
        sed -nE 's/^(deb .*) {suite} (.*)$/\\1 testing \\2/p' sources.list > sources.list.d/newer.list 2>/dev/null
        for file in sources.list.d/*.sources; do
            [ -f "$file" ] && sed -E 's/^Suites: {suite}.*/Suites: testing/' "$file" > sources.list.d/newer.sources
        done
        apt-get update -qq -o Acquire::Check-Valid-Until=false >&2 || exit 1
        apt-cache madison {" ".join(packages)}
    """
    try:
        said = run(script)
    except CannotAsk as problem:
        return dict.fromkeys(packages, problem)

    def newest(package: str) -> str:
        versions = re.findall(rf"^\s*{re.escape(package)} \| (\S+) \|", said, re.MULTILINE)
        if not versions:
            raise CannotAsk(f"apt finds no package {package}")
        return str(max(versions, key=_numbers))

    return _each(newest, packages)


def in_base(pins: Pins, client: DockerClient) -> Callable[[str], str]:
    """What runs a script in a throw-away container of the current edition's base, if that image is here."""
    name = pins.edition(Edition.CURRENT).base
    base = base_step(name, pins.bases[name], client, reachable=False)

    def run(script: str) -> str:
        if not base.is_there(client):
            raise CannotAsk(f"the base image of {name} is not here: `lab build native` makes it")
        try:
            with failures_as_lab_errors():
                said = client.containers.run(
                    base.tag, ["sh", "-c", script], remove=True, stderr=False, labels=owner_labels("build")
                )
        except LabError as error:
            said_last = str(error).strip().splitlines()[-1].strip()
            raise CannotAsk(f"apt gave no answer in a container of {name}: {said_last[-_LONGEST:]}") from error
        return bytes(said).decode()

    return run


def _each(newest: Callable[[str], str], packages: list[str]) -> Answers:
    answers: Answers = {}
    for package in packages:
        try:
            answers[package] = newest(package)
        except CannotAsk as problem:
            answers[package] = problem
    return answers


def _said(argv: list[str]) -> str:
    environment = {**os.environ, "CARGO_TERM_COLOR": "never", "NO_COLOR": "1"}
    try:
        # not here: cargo would take a workspace's compiler into account
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False, env=environment, cwd="/"
        )
    except FileNotFoundError as error:
        raise CannotAsk(f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise CannotAsk(f"{argv[0]} gave no answer within {_TIMEOUT_S} s") from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith(("error", "ERROR"))]
        raise CannotAsk(f"{' '.join(argv[:3])}: {lines[0].strip() if lines else 'it failed without a word'}")
    return done.stdout
