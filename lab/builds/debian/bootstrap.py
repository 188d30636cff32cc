"""Debian systems made by mmdebstrap: out of the packages of the lock, or out of the archive where it locks none."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from lab.builds.debian.lock import WRITE_AGAIN
from lab.builds.debian.sources import default_sources
from lab.core.errors import BuildFailed, NoSpace
from lab.disk.locks import lock

# Kept inside the base, so that packages installed later obey too: no flush to disk after every file (a broken build is
# thrown away anyhow), no manuals, no translations.
OPTIONS = (
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


def bootstrap(suite: str, epoch: int, packages: Sequence[Path], tar: Path, log: IO[str]) -> None:
    """Make a minimal system.

    Args:
        suite: the Debian suite.
        epoch: SOURCE_DATE_EPOCH: no file is younger.
        packages: the .deb files that it shall consist of, their checksums known to be right; none takes what the
            archive has.
        tar: the file it becomes; files beside it are written, too.
        log: what mmdebstrap prints.

    Raises:
        BuildFailed: mmdebstrap is missing or failed; the log says more.
        NoSpace: the disk is full.
    """
    require_mmdebstrap(log)
    argv = ["mmdebstrap", *OPTIONS, suite, str(tar)]
    wanted: set[str] = set()
    installed = tar.with_name("installed")
    if packages:
        archive, sources = tar.with_name("archive"), tar.with_name("sources.list")
        wanted = make_archive(archive, suite, packages)
        sources.write_text(default_sources(suite))
        argv[-2:-2] = [
            "--include=apt",  # the priority within a package may be lower than that in Debian's own index
            f"--customize-hook=upload {sources} /etc/apt/sources.list",
            f"--customize-hook=chroot \"$1\" dpkg-query -W -f '${{Package}} ${{Version}}\\n' > {installed}",
        ]
        argv.append(f"deb [trusted=yes] copy:{archive} ./")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    done = subprocess.run(argv, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        if _NO_SPACE in Path(log.name).read_text(errors="replace"):
            raise NoSpace(f"bootstrapping Debian {suite} filled the disk", FREE_DISK)
        raise BuildFailed(f"mmdebstrap {suite} failed: {log.name}", SEE_LOG)
    left_out = wanted - set(installed.read_text().splitlines()) if wanted else set()
    if left_out:
        named = ", ".join(sorted(left_out))
        raise BuildFailed(f"mmdebstrap {suite} left out packages of the lock: {named}", WRITE_AGAIN)


def make_archive(directory: Path, suite: str, packages: Sequence[Path]) -> set[str]:
    """Make a package archive for apt that holds these files and nothing else; their names and versions."""
    directory.mkdir()
    records = []
    held = set()
    for package in packages:
        file = directory / package.name
        shutil.copyfile(package, file)
        said = subprocess.run(["dpkg-deb", "--field", str(file)], capture_output=True, text=True, check=True).stdout
        fields = dict(line.split(": ", 1) for line in said.splitlines() if re.match(r"\w+: ", line))
        held.add(f"{fields['Package']} {fields['Version']}")
        checksum = hashlib.sha256(file.read_bytes()).hexdigest()
        records.append(f"{said}Filename: ./{file.name}\nSize: {file.stat().st_size}\nSHA256: {checksum}\n")
    index = "\n".join(records).encode()
    (directory / "Packages").write_bytes(index)
    # mmdebstrap chooses the essential packages of a suite by its code name
    listed = f" {hashlib.sha256(index).hexdigest()} {len(index)} Packages\n"
    (directory / "Release").write_text(f"Codename: {suite}\nSHA256:\n{listed}")
    return held


def require_mmdebstrap(log: IO[str]) -> None:
    """Have mmdebstrap on this machine: installed by apt where the lab is root.

    Raises:
        BuildFailed: it is missing, and cannot be installed.
    """
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
