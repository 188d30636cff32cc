"""The process engine: the same probe on the host itself, for machines without a container engine.

Nothing is pinned by image and no memory limit is enforced; campaigns run this way are marked ``process``.
"""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import msgspec

from lab.core.errors import EngineFailed
from lab.core.probe import ProbeReport
from lab.engines.engine import (
    NONCE_VARIABLE,
    OUT_DIR,
    WORK_DIR,
    Engine,
    Job,
    JobResult,
    Mount,
    decode_report,
    new_nonce,
    probe_argv,
)

GRACE_PERIOD_S = 60.0


class ProcessEngine(Engine):
    """Jobs as host processes, each in a scratch directory of its own.

    Args:
        probe: the probe's host binary.
        scratch: where the directories are made; on the file system of the models, so that files can be hard-linked.
    """

    isolation = "process"

    def __init__(self, probe: Path, scratch: Path) -> None:
        self._probe = probe
        self._scratch = scratch

    def run(self, job: Job) -> JobResult:
        """See `Engine.run`."""
        self._scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._scratch, prefix=f"{job.campaign}-") as name:
            work = Path(name)
            for mount in job.mounts:
                _place(mount, work)
            (work / OUT_DIR).mkdir(exist_ok=True)
            return JobResult(self._launch(job, work), oom_killed=False)

    def remove_leftovers(self, campaign: str) -> int:
        """See `Engine.remove_leftovers`."""
        leftovers = list(self._scratch.glob(f"{glob.escape(campaign)}-*"))
        for directory in leftovers:
            shutil.rmtree(directory, ignore_errors=True)
        return len(leftovers)

    def describe(self) -> str:
        """See `Engine.describe`."""
        return "host processes"

    def _launch(self, job: Job, work: Path) -> ProbeReport:
        program, *words = (_below(argument, work) for argument in job.argv)
        arguments = probe_argv(msgspec.structs.replace(job, argv=(_on_this_host(program, work), *words)))
        nonce, env = new_nonce(), {name: _below(value, work) for name, value in job.env.items()}
        # a lab that is killed takes the probe with it, as the probe takes the job
        leash = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        pin = ["taskset", "-c", ",".join(map(str, job.cpus))] if job.cpus else []
        try:
            done = subprocess.run(
                [*leash, *pin, str(self._probe), *arguments],
                cwd=work,
                env={"PATH": os.environ.get("PATH", ""), "HOME": str(work), **env, NONCE_VARIABLE: nonce},
                capture_output=True,
                timeout=job.timeout_s + GRACE_PERIOD_S,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise EngineFailed(f"the probe {self._probe} failed: {error}", "rebuild it with `lab build`") from error
        report = decode_report(done.stdout, nonce)
        if report is None:
            raise EngineFailed(f"the probe {self._probe} said nothing", "rebuild it with `lab build`")
        # Here the cgroup is the lab's own, with everything else that runs in it: its figures are not the job's.
        return msgspec.structs.replace(report, cgroup=None)


def _below(argument: str, work: Path) -> str:
    """An argument of a command line with the containers' working directory replaced by the job's own."""
    path, rest = argument[: len(WORK_DIR)], argument[len(WORK_DIR) :]
    return f"{work}{rest}" if path == WORK_DIR and rest[:1] in ("", "/", ":") else argument


def _place(mount: Mount, work: Path) -> None:
    target = work / mount.name
    if mount.writable:
        target.symlink_to(mount.source)
        return
    if mount.source.is_dir():
        shutil.copytree(mount.source, target)
        return
    try:
        target.hardlink_to(mount.source)
    except OSError:  # another file system
        shutil.copyfile(mount.source, target)
        target.chmod(0o755)


def _on_this_host(executable: str, work: Path) -> str:
    """Images keep runtimes at fixed paths; a host has them on PATH. Relative names are files of the job."""
    if not executable.startswith("/") or executable.startswith(f"{work}/"):
        return str(work / executable)
    path = shutil.which(Path(executable).name)
    if path is None:
        raise EngineFailed(
            f"{Path(executable).name} is not installed on this host", "install it and put it on PATH, or use containers"
        )
    return path
