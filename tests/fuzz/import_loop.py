"""Imports one graph after the other, each in a child of a process that has TensorFlow: run in the importer's container.

``python -m import_loop DIRECTORY COUNT LIMIT_S OUTPUT SHAPE…``; prints what `loop.sh` prints.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path

from lab.core.errors import LabError
from lab.zoo.tensorflow.import_worker import adopt
from lab.zoo.worker import ImportJob

REFUSED, FAILED = 4, 70
_OUT = "/work/out"


def main(directory: str, count: int, limit_s: float, output: str, shape: tuple[int, ...]) -> None:
    """Print a line for each case."""
    for number in range(count):
        began = time.monotonic()
        with tempfile.TemporaryDirectory(dir=_OUT) as place:
            pid = os.fork()
            if pid == 0:
                _import(ImportJob("fuzz", f"{directory}/{number}", place, shape, (output,)), Path(place) / "why")
            code = _code(pid, began + limit_s)
            why = Path(place) / "why"
            said = why.read_text() if why.is_file() else "-"
        left = sum(name.isdigit() for name in os.listdir("/proc")) - 2  # noqa: PTH208 - names are enough
        sys.stdout.write(f"fuzz {number} {code} {round(1000 * (time.monotonic() - began))} {left} - {said}\n")
        sys.stdout.flush()


def _import(job: ImportJob, why: Path) -> None:
    """Never returns: what is cleaned up at the end of a process belongs to the parent."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    code, said = 0, "-"
    try:
        adopt(job)
    except LabError as error:
        code, said = REFUSED, error.message
    except BaseException as error:
        # whatever it is, it is a finding
        code, said = FAILED, f"{type(error).__name__}: {error}"
    why.write_text(" ".join(said.split())[:200], errors="replace")
    os._exit(code)


def _code(pid: int, deadline: float) -> int:
    """The exit code of a child as a shell writes it; one that is late is killed."""
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return 128 + signal.SIGKILL


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4], tuple(map(int, sys.argv[5:])))
