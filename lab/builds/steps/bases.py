"""Base images: pulled by digest where an image registry answers, else bootstrapped from Debian packages.

A base that is already here is kept, whichever way it came: builds must not change because a network came or went.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import IO

from lab.builds.pins import Base
from lab.builds.steps.step import PREFIX, BuildStep
from lab.core.errors import BuildFailed, LabError, NoSpace
from lab.core.progress import Progress
from lab.disk.content import file_sha256
from lab.disk.locks import lock
from lab.disk.paths import home
from lab.engines.docker_sdk import SILENCE_S, DockerClient, connect, failures_as_lab_errors

REGISTRY_TIMEOUT_S = 6
# Kept inside the base, so that packages installed later obey too: no flush to disk after every file (a broken build is
# thrown away anyhow), no manuals, no translations.
_OPTIONS = (
    "--variant=minbase",
    "--include=ca-certificates",
    '--aptopt=Acquire::Languages "none"',
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
)
_NO_SPACE = "No space left on device"
GET_MMDEBSTRAP = (
    "install mmdebstrap (`sudo apt-get install mmdebstrap`), or give the engine access to an image registry "
    "so that the base can be pulled"
)
SEE_LOG = "see that log; the same command goes on from here"
FREE_DISK = "free some disk, or set LAB_HOME to a larger one"


class BaseStep(BuildStep, frozen=True, kw_only=True):
    """How this machine gets a base image: by pulling it, or by bootstrapping Debian.

    Attributes:
        base: its pins.
    """

    base: Base

    @property
    def is_pulled(self) -> bool:
        """Whether it comes from an image registry, by digest."""
        return "@sha256:" in self.tag

    def build(self, client: DockerClient, progress: Progress) -> None:  # noqa: ARG002 - its calls take longer
        """See `BuildStep.build`.

        Raises:
            BuildFailed: the engine's registry broke off, or mmdebstrap is missing or failed; the log says more.
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
            _require_mmdebstrap(log_file)
            _run_mmdebstrap(self.base, tar, log_file)
            labels = {"lab.base": self.base.suite, "lab.base.tar_sha256": file_sha256(tar)}
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


def base_step(name: str, base: Base, client: DockerClient, reachable: bool | None = None) -> BaseStep:
    """How this machine gets a base: kept if here, pulled if an image registry answers, else bootstrapped.

    Args:
        name: the base image's name in the pins.
        base: its pins.
        client: connection to the container engine.
        reachable: what a question to the image registry would answer; None asks it.
    """
    bootstrapped = _bootstrapped(name, base)
    pulled = BaseStep(f"base:{name}", hashlib.sha256(base.pinned.encode()).hexdigest(), base.pinned, base=base)
    for step in (pulled, bootstrapped):
        if _is_here(client, step.tag):
            return step
    if registry_answers(base.pinned) if reachable is None else reachable:
        return pulled
    return bootstrapped


def _bootstrapped(name: str, base: Base) -> BaseStep:
    key = hashlib.sha256(" ".join(("mmdebstrap", base.suite, str(base.epoch), *_OPTIONS)).encode()).hexdigest()
    return BaseStep(f"base:{name}", key, f"{PREFIX}/base:{base.suite}-{key[:16]}", base=base)


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


def _run_mmdebstrap(base: Base, tar: Path, log: IO[str]) -> None:
    argv = ["mmdebstrap", *_OPTIONS, base.suite, str(tar)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(base.epoch)}
    done = subprocess.run(argv, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        if _NO_SPACE in Path(log.name).read_text(errors="replace"):
            raise NoSpace(f"bootstrapping Debian {base.suite} filled the disk", FREE_DISK)
        raise BuildFailed(f"mmdebstrap {base.suite} failed: {log.name}", SEE_LOG)


def _require_mmdebstrap(log: IO[str]) -> None:
    with lock("apt"):
        if shutil.which("mmdebstrap"):
            return
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise BuildFailed("no image registry answers, and mmdebstrap is missing to do without", GET_MMDEBSTRAP)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for argv in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "mmdebstrap"]):
            done = subprocess.run(argv, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False)
            if done.returncode != 0:
                raise BuildFailed(f"`{' '.join(argv)}` failed: {log.name}", GET_MMDEBSTRAP)
