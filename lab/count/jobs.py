"""The jobs that count, and what their reports say.

A trial's job with its command line wrapped. Natively valgrind's cachegrind counts each instruction that the process
executes; under WebAssembly Wasmtime counts fuel. Guest, files, output and walls are those of a trial. Both get a clock
that stands still and random bytes that are zeros: hash maps are laid out by random keys, which moves the counts of
loading by half a per cent, and longer numbers take longer to print.
"""

from __future__ import annotations

import re

import msgspec

from lab.core.probe import ProbeReport
from lab.engines.engine import Job

# Eight bytes at a time: what the C library asks for at once; the standard library of Rust asks again for more.
_FIXED = (
    *("/usr/bin/strace", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=getrandom,clock_gettime"),
    *("-e", f"inject=getrandom:retval=8:poke_exit=@arg1={bytes(8).hex()}"),
    *("-e", f"inject=clock_gettime:retval=0:poke_exit=@arg2={bytes(16).hex()}"),
)
# Neither caches nor branches are simulated: instructions alone, and only their sum.
_CACHEGRIND = (
    *("/usr/bin/valgrind", "--tool=cachegrind", "--cache-sim=no", "--branch-sim=no"),
    "--cachegrind-out-file=/dev/null",
)
_FUEL_COUNTER = ("/usr/bin/python3", "/usr/local/lib/lab/count-fuel.py")
_INSTRUCTIONS = re.compile(r"^==\d+== I\s+refs:\s+([\d,]+)\s*$", re.MULTILINE)
_VALGRIND = re.compile(r"^==\d+== Using Valgrind-([\w.]+)", re.MULTILINE)
_FUEL = re.compile(r"^fuel (\d+) (wasmtime \S+)\s*$", re.MULTILINE)


def instructions_job(job: Job, image: str) -> Job:
    """The job of a native trial with its instructions counted.

    Args:
        job: as the trial has it.
        image: with what counts in it.
    """
    return msgspec.structs.replace(job, image=image, argv=(*_FIXED, *_CACHEGRIND, *job.argv))


def fuel_module_job(job: Job, image: str) -> Job:
    """The job that precompiles a guest so that it counts its fuel.

    Args:
        job: that precompiles it for Wasmtime as it is.
        image: as above.
    """
    *_, module, guest = job.argv
    return msgspec.structs.replace(job, image=image, argv=(*_FUEL_COUNTER, "compile", guest, module))


def fuel_job(job: Job, image: str, module: str) -> Job:
    """The job of a trial of Wasmtime, ahead of time, with its fuel counted.

    Args:
        job: as the trial has it, with a module that counts fuel.
        image: as above.
        module: the module's file, as the job's command line names it.
    """
    arguments = job.argv[job.argv.index(module) + 1 :]
    return msgspec.structs.replace(job, image=image, argv=(*_FUEL_COUNTER, "run", module, *arguments))


def instructions_in(report: ProbeReport) -> tuple[int, str] | None:
    """The instructions that a report of `instructions_job` states, and what counted them; None if it states none."""
    found = _INSTRUCTIONS.findall(report.stderr_tail)
    release = _VALGRIND.search(report.stderr_tail)
    if not found:
        return None
    return int(found[-1].replace(",", "")), "valgrind" if release is None else f"valgrind {release[1]}"


def fuel_in(report: ProbeReport) -> tuple[int, str] | None:
    """The fuel that a report of `fuel_job` states, and what counted it; None if it states none."""
    found = _FUEL.findall(report.stderr_tail)
    return (int(found[-1][0]), found[-1][1]) if found else None
