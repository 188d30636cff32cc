"""A build step makes one image out of others: a stage, a base (`bases`), or labels (`lab.builds.images.labels`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from lab.builds.debian.fetch import saved
from lab.builds.debian.lock import LockedPackage
from lab.builds.steps.context import PACKAGES, Content
from lab.builds.steps.dockerfile import build_dockerfile, has_image
from lab.core.errors import PackagesMissing
from lab.core.names import Edition
from lab.core.progress import Progress
from lab.disk.paths import LOGS
from lab.engines.docker_sdk import DockerClient

PREFIX = "wasm-edge-lab"
# Of a step that nobody measured; only the order of builds rests on it.
FEW_MINUTES = 0.2


class BuildStep(msgspec.Struct, frozen=True):
    """One step towards an image.

    Attributes:
        name: the stage of the Dockerfile; ``base:NAME`` for a base image.
        key: sha256 over everything that goes into it: its text, its files, its parents' keys.
        tag: the image it makes.
        parents: steps whose images it rests on.
    """

    name: str
    key: str
    tag: str
    parents: tuple[BuildStep, ...] = ()

    @property
    def title(self) -> str:
        """What progress and errors call it."""
        return self.name

    @property
    def minutes(self) -> float:
        """CPU-minutes that the step takes by itself, roughly."""
        return FEW_MINUTES

    @property
    def log(self) -> Path:
        """Path of the build's log; its name holds the key, since two editions may build a stage at once."""
        return LOGS / f"{self.name.replace(':', '-')}-{self.key[:8]}.log"

    def is_there(self, client: DockerClient) -> bool:
        """Whether what it makes is here already."""
        return has_image(client, self.tag)

    def build(self, client: DockerClient, progress: Progress) -> None:
        """Make the image; those of its parents are there.

        Args:
            client: connection to the container engine.
            progress: called with each step of the build.

        Raises:
            BuildFailed: it could not be made; the message names the log.
            PackagesMissing: Debian packages of the lock are neither in an archive nor in LAB_ARTIFACTS.
            NoSpace: the disk is full.
        """
        raise NotImplementedError

    def closure(self) -> dict[str, BuildStep]:
        """It and all it rests on, by tag."""
        steps: dict[str, BuildStep] = {self.tag: self}
        for parent in self.parents:
            steps |= parent.closure()
        return steps


class StageStep(BuildStep, frozen=True, kw_only=True):
    """A stage of the Dockerfile.

    Attributes:
        dockerfile: the text that the engine gets.
        files: files of its build context, by their path in it.
        packages: Debian packages that it may install, and no others of this suite.
        edition: name of the edition it was first planned for.
        cpu_minutes: see `minutes`; None if nobody measured it.
    """

    dockerfile: str
    files: dict[str, Content] = {}
    packages: tuple[LockedPackage, ...] = ()
    edition: str = Edition.CURRENT
    cpu_minutes: float | None = None

    @property
    def title(self) -> str:
        """Its name, and the edition if that is not the current one: two editions may build a stage at once."""
        return self.name if self.edition == Edition.CURRENT else f"{self.name} ({self.edition})"

    @property
    def minutes(self) -> float:
        """See `BuildStep.minutes`."""
        return FEW_MINUTES if self.cpu_minutes is None else self.cpu_minutes

    def build(self, client: DockerClient, progress: Progress, *, no_cache: bool = False) -> None:
        """See `BuildStep.build`; `no_cache` runs every instruction, also those whose result the engine has kept."""

        def build_with(files: Mapping[str, Content]) -> None:
            build_dockerfile(
                client, self.title, self.tag, self.dockerfile, files, self.log, progress, no_cache=no_cache
            )

        try:
            build_with(self.files)
        except PackagesMissing as error:
            kept = saved(package for package in self.packages if package.file in error.files)
            if set(kept) != set(error.files):
                raise
            progress(self.title, f"with {len(kept)} packages out of LAB_ARTIFACTS")
            build_with(self.files | {f"{PACKAGES}/debs/{file}": path for file, path in kept.items()})
