"""Which packages the stages of the Dockerfile ask for, with the arguments of both editions filled in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from itertools import chain

import msgspec

from lab.builds.pins import Pins, Supply, stage_args
from lab.builds.steps import stages
from lab.core.arm import NATIVE_RUNTIME
from lab.core.errors import BuildFailed

_INSTALL = re.compile(r"/packages/install\s+([\w-]+)((?:\\\n|[^&;\n])*)")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
# Stages that no runtime's image is made from, by what their names begin with.
_TOOLS = ("toolchain", "count")


class Request(msgspec.Struct, frozen=True, order=True):
    """What one stage installs on one suite.

    Attributes:
        suite: the Debian suite of the stage's base.
        stage: name of the stage.
        packages: as apt-get is asked for them: ``rustc=1.85.1*``.
        before: what the stages that it continues have asked for, the first one's first.
        continues: names of those stages.
    """

    suite: str
    stage: str
    packages: tuple[str, ...]
    before: tuple[str, ...] = ()
    continues: tuple[str, ...] = ()


def asked_for(instructions: tuple[str, ...], args: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Every call of ``packages/install``: the stage that it names, and its packages."""
    for instruction in instructions:
        for stage, words in _INSTALL.findall(instruction):
            filled = _VARIABLE.sub(lambda match: args.get(match[1], ""), words.replace("\\\n", " "))
            yield stage, shlex.split(filled)


def requests(dockerfile: stages.Dockerfile, pins: Pins) -> tuple[Request, ...]:
    """What all stages of both editions install, sorted by suite; stages that install nothing are left out.

    Raises:
        BuildFailed: two editions want different packages in one stage on one suite; the lock has no place for both.
    """
    found: dict[tuple[str, str], Request] = {}
    for edition, edition_pins in pins.editions.items():
        for runtime, pin in edition_pins.runtimes.items():
            supply = Supply.REGISTRY if pin.registry is not None else Supply.ARTIFACT
            args = dockerfile.defaults | stage_args(pins, edition, runtime, supply)
            tools = [name for name in dockerfile.stages if name.startswith(_TOOLS)]
            targets = [runtime, *tools] if runtime == NATIVE_RUNTIME else [runtime]
            for name in chain.from_iterable(_built(dockerfile, target, args) for target in targets):
                request = _request(dockerfile, name, args, pins)
                known = found.setdefault((request.suite, name), request)
                if known != request:
                    differing = f"{' '.join(known.packages)} or {' '.join(request.packages)}"
                    raise BuildFailed(
                        f"stage {name} installs, on {request.suite}, {differing}, by the edition",
                        "give one edition a stage of its own: the lock distinguishes stages, not editions",
                    )
    return tuple(sorted(request for request in found.values() if request.packages))


def _built(dockerfile: stages.Dockerfile, target: str, args: Mapping[str, str]) -> Iterator[str]:
    """The stages that a target is built from, itself included."""
    bound = stages.bind(dockerfile, target, args)
    yield target
    for name in (bound.base, *bound.copied_stages):
        if name in dockerfile.stages:
            yield from _built(dockerfile, name, args)


def _request(dockerfile: stages.Dockerfile, name: str, args: Mapping[str, str], pins: Pins) -> Request:
    bound = stages.bind(dockerfile, name, args)
    own = tuple(package for _, packages in asked_for(bound.instructions, args) for package in packages)
    if bound.base not in dockerfile.stages:
        base = pins.bases.get(bound.base.removeprefix("base:"))
        return Request(base.suite if base is not None else bound.base, name, own)
    parent = _request(dockerfile, bound.base, args, pins)
    return Request(parent.suite, name, own, parent.before + parent.packages, (*parent.continues, parent.stage))
