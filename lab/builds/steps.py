"""From a wanted image to the tree of builds behind it: pure planning, nothing is built here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from lab.builds import build_context, stages
from lab.disk.paths import ROOT

PREFIX = "wasm-edge-lab"


class Recipe(msgspec.Struct, frozen=True):
    """One build: a stage of the Dockerfile, or a base image.

    Attributes:
        name: the stage; ``base:NAME`` for a base image.
        key: sha256 over everything that goes into it: its text, its files, its parents' keys.
        tag: the image it becomes.
        dockerfile: what the builder gets; empty for a base.
        files: of its context, by name there.
        parents: builds it rests on.
    """

    name: str
    key: str
    tag: str
    dockerfile: str = ""
    files: dict[str, Path] = {}
    parents: tuple[Recipe, ...] = ()

    def closure(self) -> dict[str, Recipe]:
        """It and all it rests on, by tag."""
        found = {self.tag: self}
        for parent in self.parents:
            found |= parent.closure()
        return found


class Given(msgspec.Struct, frozen=True):
    """A runtime's files from outside, to be laid out under ``supply/RUNTIME``.

    Attributes:
        identity: what they are keyed by: the checksum of what they were taken from.
        directory: where they lie; None while only the key is of interest.
    """

    identity: str
    directory: Path | None = None


def plan(
    dockerfile: stages.Dockerfile,
    target: str,
    args: Mapping[str, str],
    base: Callable[[str], Recipe],
    given: Mapping[str, Given] | None = None,
    root: Path = ROOT,
) -> Recipe:
    """The build of `target` and everything under it.

    Args:
        dockerfile: all stages.
        target: one of them.
        args: values of arguments (`pins.stage_args`).
        base: makes the recipe of a base image out of its name in the pins.
        given: files from outside, by runtime.
        root: where files of the checkout are copied from.

    Raises:
        BuildFailed: the Dockerfile does not fit.
    """
    return _Planner(dockerfile, args, base, given or {}, root).stage(target)


class _Planner:
    def __init__(
        self,
        dockerfile: stages.Dockerfile,
        args: Mapping[str, str],
        base: Callable[[str], Recipe],
        given: Mapping[str, Given],
        root: Path,
    ) -> None:
        self._dockerfile, self._args, self._base, self._given, self._root = dockerfile, args, base, given, root
        self._planned: dict[str, Recipe] = {}

    def stage(self, name: str) -> Recipe:
        if name not in self._planned:
            self._planned[name] = self._plan(name)
        return self._planned[name]

    def _plan(self, name: str) -> Recipe:
        bound = stages.bind(self._dockerfile, name, self._args)
        parents = {parent: self.stage(parent) for parent in bound.copied_stages}
        if bound.base.startswith("base:"):
            parents[bound.base] = self._base(bound.base.removeprefix("base:"))
        elif bound.base in self._dockerfile.stages:
            parents[bound.base] = self.stage(bound.base)
        if not bound.instructions:
            return parents[bound.base]  # another name for a stage
        whole = hashlib.sha256(stages.render(bound, {name: one.key for name, one in parents.items()}).encode())
        files: dict[str, Path] = {}
        for path in bound.copied_files:
            identity, found = self._context(path)
            whole.update(identity.encode())
            files |= found
        key = whole.hexdigest()
        text = stages.render(bound, {name: one.tag for name, one in parents.items()})
        return Recipe(name, key, f"{PREFIX}/{name}:{key[:16]}", text, files, tuple(parents.values()))

    def _context(self, path: str) -> tuple[str, dict[str, Path]]:
        """What a copied path counts for in the key, and its files."""
        if path == build_context.CA_FILE:
            # It lets a build through a proxy and changes nothing of what is built.
            return "", {path: build_context.ca_bundle()}
        if path.startswith("supply/"):
            given = self._given.get(path.removeprefix("supply/"), Given("none"))
            if given.directory is None:
                return given.identity, {}
            files = build_context.files_under(given.directory, ".")
            return given.identity, {f"{path}/{name.removeprefix('./')}": file for name, file in files.items()}
        files = build_context.files_under(self._root, path)
        return build_context.digest(files), files
