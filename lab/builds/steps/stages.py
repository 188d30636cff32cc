"""The Dockerfile taken apart into stages that are built one by one, each keyed by everything that goes into it.

The classic builder builds *every* stage above its target, needed or not. So the lab never hands it the whole file: a
stage becomes a Dockerfile of its own, in which the stages it rests on are replaced by the images already built of them.
What is left is a tree of small builds that can be cached, run side by side, and fail alone. Pure functions only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from lab.core.errors import BuildFailed

_FROM = re.compile(r"FROM\s+(?P<base>\S+)\s+AS\s+(?P<name>\S+)", re.IGNORECASE)
_ARG = re.compile(r"ARG\s+(?P<name>\w+)(?:=(?P<value>.*))?")
_COPY_FROM = re.compile(r"(?P<head>COPY\s+--from=)(?P<name>[\w.-]+)(?P<tail>\s.*)", re.DOTALL)
_COPY = re.compile(r"COPY\s+(?!--from)(?P<paths>.+)", re.DOTALL)
_VARIABLE = re.compile(r"\$\{(\w+)\}")
FIX_DOCKERFILE = "correct the Dockerfile, or the pins that fill its arguments; `hadolint Dockerfile` helps"


class Stage(msgspec.Struct, frozen=True):
    """One stage as written: its FROM, and its other instructions, each with its continuation lines."""

    name: str
    base: str
    instructions: tuple[str, ...]


class Dockerfile(msgspec.Struct, frozen=True):
    """A parsed Dockerfile: defaults of the arguments above the first FROM, and the stages in order."""

    defaults: dict[str, str]
    stages: dict[str, Stage]


class BoundStage(msgspec.Struct, frozen=True):
    """A stage whose arguments have values.

    Attributes:
        name: name of the stage, as the Dockerfile writes it.
        base: its FROM: a stage's name, or an image.
        instructions: with every ARG set.
        copied_stages: names of the stages that it copies from.
        copied_files: paths that it copies from the build context; directories with their trailing slash removed.
    """

    name: str
    base: str
    instructions: tuple[str, ...]
    copied_stages: tuple[str, ...]
    copied_files: tuple[str, ...]


def parse(text: str) -> Dockerfile:
    """Take a Dockerfile apart.

    Raises:
        BuildFailed: a FROM has no ``AS name``, or an instruction stands before the first FROM.
    """
    defaults: dict[str, str] = {}
    stages: dict[str, Stage] = {}
    for instruction in _instructions(text):
        head = _FROM.fullmatch(instruction)
        argument = _ARG.fullmatch(instruction)
        if head is not None:
            stages[head["name"]] = Stage(head["name"], head["base"], ())
        elif not stages and argument is not None:
            defaults[argument["name"]] = (argument["value"] or "").strip('"')
        elif not stages or instruction.upper().startswith("FROM"):
            raise BuildFailed(f"the Dockerfile has an instruction out of place: {instruction[:60]}", FIX_DOCKERFILE)
        else:
            name = next(reversed(stages))
            stage = stages[name]
            stages[name] = Stage(name, stage.base, (*stage.instructions, instruction))
    return Dockerfile(defaults, stages)


def _instructions(text: str) -> list[str]:
    lines: list[str] = []
    open_line = False
    for line in text.splitlines():
        if line.lstrip().startswith("#") or not line.strip():
            continue
        if open_line:
            lines[-1] += "\n" + line
        else:
            lines.append(line.strip())
        open_line = line.rstrip().endswith("\\")
    return lines


def bind(dockerfile: Dockerfile, name: str, args: Mapping[str, str]) -> BoundStage:
    """Give a stage's arguments their values: those of `args`, else the file's defaults.

    Raises:
        BuildFailed: there is no such stage, or one of its arguments has no value.
    """
    if name not in dockerfile.stages:
        raise BuildFailed(f"the Dockerfile has no stage '{name}'", FIX_DOCKERFILE)
    stage = dockerfile.stages[name]
    values = {**dockerfile.defaults, **args}
    copied_stages: list[str] = []
    copied_files: list[str] = []
    instructions: list[str] = []
    for instruction in stage.instructions:
        argument, copied, files = (pattern.fullmatch(instruction) for pattern in (_ARG, _COPY_FROM, _COPY))
        if argument is not None:
            instructions.append(f'ARG {argument["name"]}="{_value(values, argument["name"], name)}"')
            continue
        if copied is not None:
            copied_stages.append(copied["name"])
        elif files is not None:
            copied_files += [path.rstrip("/") for path in files["paths"].split()[:-1]]
        instructions.append(instruction)
    base = _VARIABLE.sub(lambda match: _value(values, match[1], name), stage.base)
    return BoundStage(name, base, tuple(instructions), tuple(dict.fromkeys(copied_stages)), tuple(copied_files))


def _value(values: Mapping[str, str], argument: str, stage: str) -> str:
    if argument not in values:
        raise BuildFailed(f"stage '{stage}' of the Dockerfile has no value for {argument}", FIX_DOCKERFILE)
    return values[argument]


def render(stage: BoundStage, images: Mapping[str, str]) -> str:
    """The stage as a Dockerfile of its own.

    Args:
        stage: name of the stage to build.
        images: the image of every stage (and base) that it rests on, by name; a name that is missing stays as it is.
    """
    lines = [f"FROM {images.get(stage.base, stage.base)}"]
    for instruction in stage.instructions:
        copied = _COPY_FROM.fullmatch(instruction)
        if copied is not None:
            instruction = f"{copied['head']}{images.get(copied['name'], copied['name'])}{copied['tail']}"  # noqa: PLW2901
        lines.append(instruction)
    return "\n".join(lines) + "\n"
