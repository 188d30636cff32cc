"""What apt would install today: the files behind every request, out of a suite that is bootstrapped for the purpose.

mmdebstrap makes the base as for an image, and keeps none of it. While its package lists are there, apt itself resolves
what each stage asks for.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from email.utils import parsedate_to_datetime
from pathlib import Path

from lab.builds.debian.bootstrap import OPTIONS, require_mmdebstrap
from lab.builds.debian.lock import BASE_STAGE, LOCK_PATH, LockedPackage, PackageLock, architecture, load_lock
from lab.builds.debian.requests import Request, requests
from lab.builds.pins import load_pins
from lab.builds.steps import stages
from lab.core.errors import BuildFailed
from lab.core.progress import Progress
from lab.disk.paths import LOGS, ROOT
from lab.disk.whole import write_whole

_SECTION = "#stage "
_DATES = "dates"
# The lock names the state that was resolved by its date, so that an archive which stopped at one does no harm.
_STALE_IS_FINE = '--aptopt=Acquire::Check-Valid-Until "false"'
_INSTALLS = re.compile(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) ", re.MULTILINE)
_SECURITY = "pool/updates/"
SEE_LOG = "see that log; the lock is as it was"


def lock_packages(progress: Progress) -> tuple[PackageLock, PackageLock]:
    """Write the checkout's lock again, from today's archive; the lock as it was, and as it is.

    Raises:
        BuildFailed, SupplyError: as `resolve` and `requests`; the lock is as it was.
    """
    pins = load_pins()
    wanted = requests(stages.parse((ROOT / "Dockerfile").read_text()), pins)
    before = load_lock() if LOCK_PATH.is_file() else PackageLock({})
    after = resolve(wanted, {base.suite for base in pins.bases.values()}, before, progress)
    write_whole(LOCK_PATH, after.text().encode())
    return before, after


def resolve(
    requested: Iterable[Request], suites: Iterable[str], previous: PackageLock, progress: Progress
) -> PackageLock:
    """The lock that today's archive gives on this machine's architecture; that of other architectures is kept.

    Args:
        requested: what the stages install.
        suites: those to resolve, each bootstrapped once; the lines of others are kept.
        previous: the lock as it is.
        progress: called with each suite.

    Raises:
        BuildFailed: mmdebstrap is missing, or a suite cannot be bootstrapped or holds no package that is asked for.
    """
    wanted = list(requested)
    chosen = sorted(set(suites))
    kept = [p for p in previous.packages if p.architecture != architecture() or p.suite not in chosen]
    snapshots = dict(previous.snapshots)
    for suite in chosen:
        progress(f"packages of {suite}", "resolving")
        snapshots[suite], packages = _resolve(suite, [request for request in wanted if request.suite == suite])
        kept += packages
        progress(f"packages of {suite}", "resolved", 1.0)
    return PackageLock(snapshots, tuple(sorted(kept)))


def question(requested: Sequence[Request]) -> str:
    """The script that asks apt, within the new system, what is in the base and what each request would add."""
    lines = ["set -e", f"echo '{_SECTION}{BASE_STAGE}'", "dpkg-query -W -f 'Inst ${Package} (${Version} \\n'"]
    for request in requested:
        packages = " ".join(f"'{package}'" for package in (*request.before, *request.packages))
        lines += [
            f"echo '{_SECTION}{request.stage}'",
            f"apt-get install -s -y --no-install-recommends {packages} > /tmp/answer",
            "cat /tmp/answer",
            "sed -n -E 's/^Inst (\\S+) (\\[\\S+\\] )?\\((\\S+) .*/\\1=\\3/p' /tmp/answer >> /tmp/names",
        ]
    lines += [
        f"echo '{_SECTION}{_DATES}'",
        "sed -n 's/^Date: //p' /var/lib/apt/lists/*Release",
        "dpkg-query -W -f '${Package}=${Version}\\n' >> /tmp/names",
        f"echo '{_SECTION}'",
        "sort -u /tmp/names | xargs apt-cache show",
        "rm /tmp/answer /tmp/names",
    ]
    return "\n".join(lines) + "\n"


def _resolve(suite: str, requested: Sequence[Request]) -> tuple[str, list[LockedPackage]]:
    log = LOGS / f"packages-{suite}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, log.open("w") as log_file:
        require_mmdebstrap(log_file)
        script, answer = Path(directory, "question"), Path(directory, "answer")
        script.write_text(question(requested))
        hook = f'--customize-hook=chroot "$1" sh < {script} > {answer}'
        argv = ["mmdebstrap", *OPTIONS, _STALE_IS_FINE, hook, "--format=null", suite, "/dev/null"]
        done = subprocess.run(argv, env=os.environ, stdout=log_file, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise BuildFailed(f"the packages of {suite} cannot be resolved: {log}", SEE_LOG)
        return read_answer(answer.read_text(), suite, requested)


def read_answer(text: str, suite: str, requested: Sequence[Request]) -> tuple[str, list[LockedPackage]]:
    """The state of the archive, and the packages of a suite's base and stages, out of what the script printed.

    Raises:
        BuildFailed: apt named a package and did not say which file it is.
    """
    parts = [part.partition("\n") for part in text.split(_SECTION)[1:]]
    dates = next(body for name, _, body in parts if name == _DATES).splitlines()
    stamp = max(parsedate_to_datetime(date) for date in dates).strftime("%Y%m%dT%H%M%SZ")
    sections = {name: _INSTALLS.findall(body) for name, _, body in parts if name != _DATES}
    files = _files(next(body for name, _, body in parts if not name))
    continued = {request.stage: request.continues for request in requested}
    found = []
    for stage, installs in sections.items():
        there = {package for name in continued.get(stage, ()) for package in sections.get(name, ())}
        for name, version in installs:
            if (name, version) in there:
                continue
            if (name, version) not in files:
                raise BuildFailed(f"apt describes no file of {name} {version} in {suite}", SEE_LOG)
            sha256, path = files[name, version]
            found.append(LockedPackage(suite, architecture(), stage, name, version, sha256, path))
    return stamp, found


def _files(records: str) -> dict[tuple[str, str], tuple[str, str]]:
    """sha256 and path, its archive included, by name and version."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for record in records.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in record.splitlines() if ": " in line and line[0] != " ")
        if {"Package", "Version", "SHA256", "Filename"} <= set(fields):
            path = fields["Filename"]
            archive = "debian-security" if path.startswith(_SECURITY) else "debian"
            found.setdefault((fields["Package"], fields["Version"]), (fields["SHA256"], f"{archive}/{path}"))
    return found
