"""Builds a Dockerfile on the engine: what it says becomes a log, progress, and the reason of a failure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

from lab.builds.debian.fetch import packages_missing
from lab.builds.steps import context
from lab.core.errors import BuildFailed, NoSpace
from lab.core.progress import Progress
from lab.engines.docker_sdk import SILENCE_S, DockerClient, failures_as_lab_errors

# What a long step says of itself: cargo's crates, make's percentage, apt's packages.
_WITHIN = re.compile(
    r"^\s*(?:Compiling\s+)?(?P<crate>[\w-]+ v\d[\d.]+)\s*$|\[\s*(?P<percent>\d+)%\]|^Setting up (?P<package>\S+)",
    re.MULTILINE,
)
_EXIT = re.compile(r"returned a non-zero code: (\d+)")
# What packages/install says of each package that it found nowhere.
_MISSING = re.compile(r"^package-missing (?P<file>\S+) (?P<name>\S+) (?P<wanted>\S+) (?P<there>\S+)$", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_STEP = re.compile(r"Step (\d+)/(\d+) : (.*)", re.DOTALL)
FREE_DISK = "free some disk (`docker system df` shows what the engine holds)"


def has_image(client: DockerClient, tag: str) -> bool:
    """Whether the engine holds an image of that tag."""
    with failures_as_lab_errors():
        return bool(client.api.images(filters={"reference": tag}))


def build_dockerfile(
    client: DockerClient,
    name: str,
    tag: str,
    dockerfile: str,
    files: Mapping[str, context.Content],
    log: Path,
    progress: Progress,
    *,
    no_cache: bool = False,
) -> None:
    """Build a Dockerfile into a tag.

    Args:
        client: connection to the container engine.
        name: the build's name in progress and errors.
        tag: tag of the image; its parents must exist.
        dockerfile: the text.
        files: files of its build context, by their path in it.
        log: file that the engine's lines are written to.
        progress: called with each step.
        no_cache: run every instruction, also those whose result the engine has kept.

    Raises:
        BuildFailed: a step failed; the message names it and the log.
        PackagesMissing: a step wants Debian packages that no archive has any more.
        NoSpace: the disk is full.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as log_file, context.pack(dockerfile, files) as packed, failures_as_lab_errors():
        lines = client.api.build(
            fileobj=packed,
            custom_context=True,
            tag=tag,
            nocache=no_cache,
            timeout=SILENCE_S,
            rm=True,
            forcerm=True,
            decode=True,
        )
        follow(lines, name, log_file, progress)


def follow(lines: Iterable[Mapping[str, str]], name: str, log: IO[str], progress: Progress) -> None:
    """Write the engine's lines into the log, and call `progress` with the step and how much is done.

    Args:
        lines: the build's output, as the engine's API decodes it.
        name: the build's name in progress and errors.
        log: open for writing.
        progress: its fraction is 1 after the last line only.

    Raises:
        BuildFailed, PackagesMissing, NoSpace: a line says so.
    """
    step, number, count = "before its first step", 0, 1
    missing: list[re.Match[str]] = []
    for line in lines:
        said = _COLOUR.sub("", line.get("stream") or line.get("error") or "")
        log.write(said)
        log.flush()
        missing += _MISSING.finditer(said)
        match = _STEP.match(said)
        if match is not None:
            number, count, instruction = int(match[1]), int(match[2]), " ".join(match[3].split())
            step = f"at step {number} of {count} ({instruction[:70]})"
            progress(name, f"step {number}/{count} {instruction[:50]}", (number - 1) / count)
        elif (within := _WITHIN.search(said)) is not None:
            part = int(within["percent"] or 0) / 100
            what = within["crate"] or within["package"] or f"{within['percent']} %"
            # only the end of it all is 1.0: a compiler that says 100 % may have several parts
            progress(name, f"step {number}/{count} {what}", min((max(number, 1) - 1 + part) / count, 0.99))
        if "error" in line:
            if "no space left" in said.lower():
                raise NoSpace(f"building {name} filled the disk {step}", FREE_DISK)
            if missing:
                versions = {(found["name"], found["wanted"]): _known(found["there"]) for found in missing}
                raise packages_missing(f"building {name}", versions, (found["file"] for found in missing))
            code = _EXIT.search(said)
            reason = f"exit code {code[1]}" if code is not None else " ".join(said.split())[:200] or "no reason given"
            raise BuildFailed(
                f"building {name} failed {step}: {reason}",
                f"see {log.name}; the same command goes on from the last good step",
            )
    progress(name, "built", 1.0)


def _known(version: str) -> tuple[str, ...]:
    return () if version in {"none", "(none)"} else (version,)
