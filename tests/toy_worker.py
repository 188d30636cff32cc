"""A worker process whose host answers from a fake engine: ``python -m tests.toy_worker ADDRESS NAME DIRECTORY``.

With a file ``die-in-the-next-trial`` in the directory the process ends in the middle of its next trial, for good.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lab.cluster.dask_worker import serve
from lab.cluster.host_side import HostSide
from lab.cluster.invitation import find_invitation, parse_address
from lab.engines.engine import Job, JobResult
from tests.fakes import FakeEngine, LoggingObserver, make_materials
from tests.hosts import NoImages


class _Engine(FakeEngine):
    """Writes down each start; may end the process instead of a trial."""

    def __init__(self, directory: Path) -> None:
        super().__init__(make_materials(directory / "made"))
        self._directory = directory

    def run(self, job: Job) -> JobResult:
        with (self._directory / "starts").open("a") as file:
            file.write(f"{job.case}\n")
        fatal = self._directory / "die-in-the-next-trial"
        if fatal.exists():
            fatal.unlink()
            os._exit(9)
        return super().run(job)


def _main(address: str, name: str, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    place, home = parse_address(address), directory / "home"
    home.mkdir(exist_ok=True)
    host = HostSide(name, home, _Engine(directory), NoImages(), LoggingObserver([]), locks=directory)
    invitation = find_invitation(directory, place)
    serve(host, place, invitation, lambda text: print(text, flush=True), once=True)  # noqa: T201 - for whoever looks


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
