"""Base images: pulled by digest where an image registry answers, else bootstrapped from Debian packages.

A base that is already here is kept, whichever way it came: builds must not change because a network came or went.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from lab.builds.debian.bootstrap import OPTIONS, bootstrap, require_mmdebstrap
from lab.builds.debian.fetch import fetch
from lab.builds.debian.lock import PackageLock
from lab.builds.pins import Base
from lab.builds.steps.step import PREFIX, BuildStep
from lab.core.errors import BuildFailed, LabError
from lab.core.progress import Progress
from lab.disk.content import file_sha256
from lab.disk.paths import home
from lab.engines.docker_sdk import SILENCE_S, DockerClient, connect, failures_as_lab_errors

REGISTRY_TIMEOUT_S = 6
TAR_LABEL = "lab.base.tar_sha256"
NONE_LOCKED = PackageLock({})


class BaseStep(BuildStep, frozen=True, kw_only=True):
    """How this machine gets a base image: by pulling it, or by bootstrapping Debian.

    Attributes:
        base: its pins.
        locked: the packages that it is bootstrapped from; none takes what the archive has.
    """

    base: Base
    locked: PackageLock = NONE_LOCKED

    @property
    def is_pulled(self) -> bool:
        """Whether it comes from an image registry, by digest."""
        return "@sha256:" in self.tag

    def build(self, client: DockerClient, progress: Progress) -> None:  # noqa: ARG002 - its calls take longer
        """See `BuildStep.build`.

        Raises:
            BuildFailed: the engine's registry broke off, or mmdebstrap is missing or failed; the log says more.
            PackagesMissing: packages of the lock are neither in an archive nor in LAB_ARTIFACTS.
            NoSpace: the disk is full.
        """
        if self.is_pulled:
            progress(self.name, f"pulling {self.base.reference}")
            with failures_as_lab_errors():
                connect(SILENCE_S).images.pull(self.tag)
            return
        progress(self.name, f"bootstrapping Debian {self.base.suite}")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("w") as log_file, tempfile.TemporaryDirectory(dir=_scratch()) as directory:
            tar = Path(directory) / "base.tar"
            require_mmdebstrap(log_file)
            packages = fetch(self.locked.packages, self.locked.snapshots, home() / "packages", progress)
            bootstrap(self.base.suite, self.base.epoch, packages, tar, log_file)
            labels = {"lab.base": self.base.suite, TAR_LABEL: file_sha256(tar)}
            repository, tag = self.tag.split(":")
            changes = [f'LABEL {name}="{value}"' for name, value in labels.items()] + ['CMD ["/bin/bash"]']
            with failures_as_lab_errors():
                connect(SILENCE_S).api.import_image(str(tar), repository, tag, changes=changes)

    def describe(self) -> str:
        """Describe a base image for readers: how it was obtained, and which image it stands in for."""
        if self.is_pulled:
            return self.base.pinned
        made = f"Debian {self.base.suite}, bootstrapped"
        return f"{made}, in place of {self.base.reference}" if self.base.stand_in else made


def base_step(
    name: str, base: Base, client: DockerClient, locked: PackageLock = NONE_LOCKED, reachable: bool | None = None
) -> BaseStep:
    """How this machine gets a base: kept if here, pulled if an image registry answers, else bootstrapped.

    Args:
        name: the base image's name in the pins.
        base: its pins.
        client: connection to the container engine.
        locked: the packages that a bootstrap takes; none takes what the archive has.
        reachable: what a question to the image registry would answer; None asks it.

    Raises:
        BuildFailed: an image has the bootstrapped base's tag and is another one.
    """
    bootstrapped = _bootstrapped(name, base, locked)
    pulled = BaseStep(f"base:{name}", hashlib.sha256(base.pinned.encode()).hexdigest(), base.pinned, base=base)
    if _is_here(client, pulled.tag):
        return pulled
    if _is_here(client, bootstrapped.tag):
        _require_own(client, bootstrapped.tag)
        return bootstrapped
    if registry_answers(base.pinned) if reachable is None else reachable:
        return pulled
    return bootstrapped


def _bootstrapped(name: str, base: Base, locked: PackageLock) -> BaseStep:
    lines = (package.line for package in locked.packages)
    key = hashlib.sha256(" ".join(("mmdebstrap", base.suite, str(base.epoch), *OPTIONS, *lines)).encode()).hexdigest()
    return BaseStep(f"base:{name}", key, f"{PREFIX}/base:{base.suite}-{key[:16]}", base=base, locked=locked)


def _require_own(client: DockerClient, tag: str) -> None:
    """Make sure that an image of a bootstrapped base's tag is the tarball that its label names, and nothing more.

    Raises:
        BuildFailed: it is another image, which somebody gave that tag.
    """
    with failures_as_lab_errors():
        found = client.images.get(tag)
    if found.attrs["RootFS"].get("Layers") != [f"sha256:{found.labels.get(TAR_LABEL)}"]:
        raise BuildFailed(
            f"the image {tag} is not the base that was bootstrapped under that name: it holds other layers",
            f"remove it with `docker rmi {tag}`; the same command bootstraps the base again",
        )


def _is_here(client: DockerClient, tag: str) -> bool:
    # The engine lists by reference without an error for what it does not have. `client.images.list` would ask for the
    # details of each image, a request apiece.
    with failures_as_lab_errors():
        return bool(client.api.images(filters={"reference": tag})) or _has_digest(client, tag)


def _has_digest(client: DockerClient, tag: str) -> bool:
    reference, _, digest = tag.partition("@")
    host, slash, name = reference.rpartition("/")  # a host may have a port, so only the last part has a tag
    wanted = f"{host}{slash}{name.partition(':')[0]}@{digest}"
    return bool(digest) and any(wanted in (image.get("RepoDigests") or []) for image in client.api.images())


def registry_answers(pinned: str) -> bool:
    """Whether the engine can reach the image registry that holds this image, within a few seconds."""
    try:
        client = connect(REGISTRY_TIMEOUT_S)
        with failures_as_lab_errors():
            client.images.get_registry_data(pinned)
    except LabError:
        return False
    return True


def _scratch() -> Path:
    scratch = home() / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    return scratch
