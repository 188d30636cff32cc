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
from lab.builds.steps import PREFIX, Recipe
from lab.core.errors import BuildFailed, LabError, NoSpace
from lab.core.progress import Progress
from lab.disk.locks import lock
from lab.disk.paths import home
from lab.engines.docker_sdk import DockerClient, connect, failures_as_lab_errors

REGISTRY_PATIENCE_S = 6
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


def base_recipe(name: str, base: Base, client: DockerClient, reachable: bool | None = None) -> Recipe:
    """How this machine gets a base: kept if here, pulled if an image registry answers, else bootstrapped.

    Args:
        name: in the pins.
        base: its pins.
        client: of the engine.
        reachable: what a question to the image registry would answer; None asks it.
    """
    bootstrapped = _bootstrap_recipe(name, base)
    pulled = Recipe(f"base:{name}", hashlib.sha256(base.pinned.encode()).hexdigest(), base.pinned)
    for recipe in (pulled, bootstrapped):
        if _is_here(client, recipe.tag):
            return recipe
    if registry_answers(base.pinned) if reachable is None else reachable:
        return pulled
    return bootstrapped


def _bootstrap_recipe(name: str, base: Base) -> Recipe:
    key = hashlib.sha256(" ".join(("mmdebstrap", base.suite, str(base.epoch), *_OPTIONS)).encode()).hexdigest()
    return Recipe(f"base:{name}", key, f"{PREFIX}/base:{base.suite}-{key[:16]}")


def _is_here(client: DockerClient, tag: str) -> bool:
    # The engine lists by reference without an error for what it does not have.
    with failures_as_lab_errors():
        return bool(client.images.list(filters={"reference": tag})) or _has_digest(client, tag)


def _has_digest(client: DockerClient, tag: str) -> bool:
    reference, _, digest = tag.partition("@")
    host, slash, name = reference.rpartition("/")  # a host may have a port, so only the last part has a tag
    wanted = f"{host}{slash}{name.partition(':')[0]}@{digest}"
    return bool(digest) and any(wanted in (image.attrs.get("RepoDigests") or []) for image in client.images.list())


def registry_answers(pinned: str) -> bool:
    """Whether the engine can reach the image registry that holds this image, within a few seconds."""
    try:
        client = connect()
        client.api.timeout = REGISTRY_PATIENCE_S
        with failures_as_lab_errors():
            client.images.get_registry_data(pinned)
    except LabError:
        return False
    return True


def build_base(recipe: Recipe, base: Base, client: DockerClient, log: Path, progress: Progress) -> None:
    """Pull or bootstrap a base.

    Raises:
        BuildFailed: the engine's registry broke off, or mmdebstrap is missing or failed; the log says more.
        NoSpace: the disk is full.
    """
    if "@sha256:" in recipe.tag:
        progress(recipe.name, f"pulling {base.reference}")
        with failures_as_lab_errors():
            client.images.pull(recipe.tag)
        return
    progress(recipe.name, f"bootstrapping Debian {base.suite}")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as log_file, tempfile.TemporaryDirectory(dir=_scratch()) as directory:
        tar = Path(directory) / "base.tar"
        _require_mmdebstrap(log_file)
        _run_mmdebstrap(base, tar, log_file)
        labels = {
            "lab.base": base.suite,
            "lab.base.tar_sha256": hashlib.sha256(tar.read_bytes()).hexdigest(),
        }
        repository, tag = recipe.tag.split(":")
        changes = [f'LABEL {name}="{value}"' for name, value in labels.items()] + ['CMD ["/bin/bash"]']
        with failures_as_lab_errors():
            client.api.import_image(str(tar), repository, tag, changes=changes)


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


def describe_base(recipe: Recipe, base: Base) -> str:
    """What an image stands on, for a person: how the base came, and for which it stands in."""
    if "@sha256:" in recipe.tag:
        return base.pinned
    made = f"Debian {base.suite}, bootstrapped"
    return f"{made}, in place of {base.reference}" if base.stand_in else made
