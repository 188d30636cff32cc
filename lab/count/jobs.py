"""The jobs that count, and what their reports say.

A trial's job, its command line wrapped: natively by valgrind's cachegrind, which counts each instruction that the
process executes; under WebAssembly by a search for the least fuel with which Wasmtime ends. The guest, its files, its
output and the walls around it are those of a trial.
"""

from __future__ import annotations

import re

import msgspec

from lab.core.probe import ProbeReport
from lab.disk.paths import ROOT
from lab.engines.engine import Job, Mount

# Neither caches nor branches are simulated: instructions alone, and only their sum.
_CACHEGRIND = (
    *("/usr/bin/valgrind", "--tool=cachegrind", "--cache-sim=no", "--branch-sim=no"),
    "--cachegrind-out-file=/dev/null",
)
_INSTRUCTIONS = re.compile(r"^==\d+== I\s+refs:\s+([\d,]+)\s*$", re.MULTILINE)
_VALGRIND = re.compile(r"^==\d+== Using Valgrind-([\w.]+)", re.MULTILINE)
_FUEL = re.compile(r"^fuel (\d+)\s*$", re.MULTILINE)
_SEARCH = "count-fuel"
# Fuel is counted in code that Wasmtime adds when it compiles.
_WITH_FUEL = ("-W", "fuel=1")


def instructions_job(job: Job, image: str) -> Job:
    """The job of a native trial with its instructions counted.

    Args:
        job: as the trial has it.
        image: with valgrind and the probe in it.
    """
    return msgspec.structs.replace(job, image=image, argv=(*_CACHEGRIND, *job.argv))


def fuel_module_job(job: Job) -> Job:
    """The job that precompiles a guest so that it counts its fuel.

    Args:
        job: that precompiles it without.
    """
    program, command, *options = job.argv
    return msgspec.structs.replace(job, argv=(program, command, *_WITH_FUEL, *options))


def fuel_job(job: Job, guess: int) -> Job:
    """The job that finds out the fuel of a trial of Wasmtime, ahead of time, on a module that counts fuel.

    Args:
        job: as the trial has it.
        guess: of the fuel; a good one makes the search short.
    """
    search = Mount(ROOT / "launchers" / _SEARCH, _SEARCH)
    argv = ("/bin/sh", _SEARCH, str(guess), *job.argv)
    return msgspec.structs.replace(job, argv=argv, mounts=(*job.mounts, search))


def instructions_in(report: ProbeReport) -> int | None:
    """The instructions that a report of `instructions_job` states; None if it states none."""
    found = _INSTRUCTIONS.findall(report.stderr_tail)
    return int(found[-1].replace(",", "")) if found else None


def valgrind_in(report: ProbeReport) -> str:
    """Name and version of what counted, as far as the report says it."""
    found = _VALGRIND.search(report.stderr_tail)
    return "valgrind" if found is None else f"valgrind {found[1]}"


def fuel_in(report: ProbeReport) -> int | None:
    """The fuel that a report of `fuel_job` states; None if it states none."""
    found = _FUEL.findall(report.stderr_tail)
    return int(found[-1]) if found else None
