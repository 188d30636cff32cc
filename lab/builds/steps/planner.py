"""From a wanted image to the tree of builds behind it: pure planning, nothing is built here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from lab.builds.debian.lock import PackageLock
from lab.builds.steps import context, stages
from lab.builds.steps.step import PREFIX, BuildStep, StageStep
from lab.core.errors import BuildFailed
from lab.core.names import Edition
from lab.disk.paths import ROOT


class PrebuiltFiles(msgspec.Struct, frozen=True):
    """A runtime's files from outside, to be laid out under ``supply/RUNTIME``.

    Attributes:
        identity: what they are keyed by: the checksum of what they were taken from.
        directory: directory that holds them; None while only the key is of interest.
    """

    identity: str
    directory: Path | None = None


# What these stages took where they were tried; only the order of builds rests on it.
STAGE_MINUTES = {"toolchain": 2.0, "runtime-rust": 1.5, "probe": 0.7}


def plan(
    dockerfile: stages.Dockerfile,
    target: str,
    args: Mapping[str, str],
    base: Callable[[str], BuildStep],
    prebuilt: Mapping[str, PrebuiltFiles] | None = None,
    root: Path = ROOT,
    *,
    minutes: Mapping[str, float] | None = None,
    edition: str = Edition.CURRENT,
    locked: Callable[[str, str], PackageLock] | None = None,
) -> StageStep:
    """The build of `target` and everything under it.

    Args:
        dockerfile: the parsed Dockerfile.
        target: name of the stage to build.
        args: values of arguments (`pins.stage_args`).
        base: makes the step of a base image out of its name in the pins.
        prebuilt: files from outside, by runtime.
        root: directory that the checkout's files are copied from.
        minutes: CPU-minutes that stages take, by name, where it is known.
        edition: whose arguments these are; progress names it where it is not `current`.
        locked: the lock's lines that concern a stage, by the name of the base that it stands on and its own; None:
            none does.

    Raises:
        BuildFailed: the Dockerfile does not fit.
    """
    nothing = PackageLock({})
    planner = _Planner(
        dockerfile, args, base, prebuilt or {}, minutes or {}, root, edition, locked or (lambda *_: nothing)
    )
    step = planner.stage(target)
    if not isinstance(step, StageStep):
        raise BuildFailed(
            f"stage {target} of the Dockerfile adds nothing to its base", "name a stage with instructions"
        )
    return step


class _Planner:
    def __init__(
        self,
        dockerfile: stages.Dockerfile,
        args: Mapping[str, str],
        base: Callable[[str], BuildStep],
        prebuilt: Mapping[str, PrebuiltFiles],
        minutes: Mapping[str, float],
        root: Path,
        edition: str,
        locked: Callable[[str, str], PackageLock],
    ) -> None:
        self._dockerfile, self._args, self._base, self._prebuilt, self._root = dockerfile, args, base, prebuilt, root
        self._minutes, self._edition, self._locked = minutes, edition, locked
        self._planned: dict[str, BuildStep] = {}

    def stage(self, name: str) -> BuildStep:
        if name not in self._planned:
            self._planned[name] = self._plan(name)
        return self._planned[name]

    def _plan(self, name: str) -> BuildStep:
        bound = stages.bind(self._dockerfile, name, self._args)
        parents = {parent: self.stage(parent) for parent in bound.copied_stages}
        if bound.base.startswith("base:"):
            parents[bound.base] = self._base(bound.base.removeprefix("base:"))
        elif bound.base in self._dockerfile.stages:
            parents[bound.base] = self.stage(bound.base)
        if not bound.instructions:
            return parents[bound.base]  # another name for a stage
        whole = hashlib.sha256(stages.render(bound, {name: parent.key for name, parent in parents.items()}).encode())
        files: dict[str, context.Content] = {}
        lock = self._locked(self._stands_on(name), name) if context.PACKAGES in bound.copied_files else PackageLock({})
        for path in bound.copied_files:
            identity, path_files = self._packages(lock) if path == context.PACKAGES else self._context(path)
            whole.update(identity.encode())
            files |= path_files
        key = whole.hexdigest()
        text = stages.render(bound, {name: parent.tag for name, parent in parents.items()})
        return StageStep(
            name,
            key,
            f"{PREFIX}/{name}:{key[:16]}",
            tuple(parents.values()),
            dockerfile=text,
            files=files,
            packages=lock.packages,
            edition=self._edition,
            cpu_minutes=self._minutes.get(name, STAGE_MINUTES.get(name)),
        )

    def _stands_on(self, name: str) -> str:
        """The name of the base image that a stage rests on by its FROMs."""
        base = stages.bind(self._dockerfile, name, self._args).base
        return self._stands_on(base) if base in self._dockerfile.stages else base.removeprefix("base:")

    def _packages(self, lock: PackageLock) -> tuple[str, dict[str, context.Content]]:
        """The script that installs packages, and the lines of the lock that concern a stage; see `_context`."""
        script = context.files_under(self._root, f"{context.PACKAGES}/install")
        lines = "".join(f"{package.line}\n" for package in lock.packages)
        return context.digest(script) + lines, {**script, f"{context.PACKAGES}/lock": lock.text().encode()}

    def _context(self, path: str) -> tuple[str, Mapping[str, context.Content]]:
        """What a copied path counts for in the key, and its files."""
        if path == context.CA_FILE:
            # It lets a build through a proxy and changes nothing of what is built.
            return "", {path: context.ca_bundle()}
        if path.startswith("supply/"):
            prebuilt = self._prebuilt.get(path.removeprefix("supply/"), PrebuiltFiles("none"))
            if prebuilt.directory is None:
                return prebuilt.identity, {}
            files = context.files_under(prebuilt.directory, ".")
            return prebuilt.identity, {f"{path}/{name.removeprefix('./')}": file for name, file in files.items()}
        files = context.files_under(self._root, path)
        return context.digest(files), files
