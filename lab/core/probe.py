"""The probe's report: the wire format between `rust-guest/probe`, inside the container, and the lab.

Version history of `PROBE_SCHEMA`:
    1  first
    2  a nonce; the probe hashes the output file itself; pressure and steal time of the machine
"""

from __future__ import annotations

import msgspec

PROBE_SCHEMA = 2


class PhaseMark(msgspec.Struct, frozen=True):
    """One JSON line of the guest, as the probe saw it arrive.

    Attributes:
        name: ``start``, ``read``, ``decode``, ``build``, ``optimise``, ``infer``, ``output``. A mark is printed when
            its phase has *ended*; ``start`` is the guest's first instruction.
        seen_ns: nanoseconds from exec to the arrival of the line, by the probe's monotonic clock.
        guest_ns: the phase's length by the guest's own monotonic clock; None for ``start``.
        rss_peak_bytes: /proc VmHWM since the previous mark; None where it could not be read.
    """

    name: str
    seen_ns: int
    guest_ns: int | None = None
    rss_peak_bytes: int | None = None


class Rusage(msgspec.Struct, frozen=True):
    """wait4's figures for the runtime and the children it waited for (getrusage(2))."""

    maxrss_bytes: int
    user_ns: int
    system_ns: int
    minor_faults: int
    major_faults: int
    voluntary_switches: int
    involuntary_switches: int


class CgroupFigures(msgspec.Struct, frozen=True):
    """What the container's own cgroup says of the run; a figure the kernel does not offer is None.

    Attributes:
        version: 1 or 2.
        peak_bytes: v1 ``memory.max_usage_in_bytes``, v2 ``memory.peak``. Includes the probe and page cache charged.
        anon_bytes: the most anonymous memory seen at a change of phase, every quarter of a second, or at the end: a
            shorter peak is missed, and a child that has ended has given its memory back.
        file_bytes: the most page cache charged to this cgroup, seen at the same instants.
        oom_kills: processes the kernel killed in this cgroup because memory ran out.
        cpu_ns: cpu time of the whole cgroup.
        throttled_ns: time it was kept from running by its cpu quota.
    """

    version: int
    peak_bytes: int | None = None
    anon_bytes: int | None = None
    file_bytes: int | None = None
    oom_kills: int | None = None
    cpu_ns: int | None = None
    throttled_ns: int | None = None


class ProbeReport(msgspec.Struct, frozen=True):
    """One run of one command line, measured.

    Attributes:
        schema: `PROBE_SCHEMA`.
        exit_code: None if a signal ended it.
        signal: None if it exited.
        timed_out: the probe killed its process group at the timeout.
        output_limited: the child wrote more than the limit and was killed.
        total_ns: exec to exit.
        marks: the guest's lines in order of arrival.
        rss_peak_bytes: the child's peak resident set over the whole run: the largest VmHWM of any phase (each reset
            would otherwise lower what ``ru_maxrss`` says), or ``ru_maxrss`` if that is larger.
        linear_memory_bytes: the guest's ``memory.size`` at its end; None natively.
        output_sha256: of the output tensors, as the guest claims; None if it claimed nothing.
        output_base64: the output file's bytes if they were asked for.
        stdout_tail: last lines that were no marks.
        stderr_tail: last lines.
        launch_error: why the command could not even be executed; every other figure is then meaningless.
        nonce: what the lab gave the probe, and nobody else knows; None if it gave none.
        file_sha256: of the output file, by the probe; None if none was asked for, or `file_error` says why not.
        file_bytes: its length.
        file_error: why the output file was not hashed: missing, a link, no regular file, too large.
        psi_cpu_us, psi_io_us, psi_memory_us: how long some task of the machine waited for that resource during the run,
            in microseconds; None where the kernel does not say.
        steal_ns: processor time that a hypervisor gave to others meanwhile, in steps of 10 ms.
    """

    schema: int
    exit_code: int | None
    signal: int | None
    timed_out: bool
    output_limited: bool
    total_ns: int
    marks: tuple[PhaseMark, ...]
    rusage: Rusage | None
    rss_peak_bytes: int | None
    cgroup: CgroupFigures | None
    linear_memory_bytes: int | None = None
    output_sha256: str | None = None
    output_base64: str | None = None
    stdout_tail: str = ""
    stderr_tail: str = ""
    launch_error: str | None = None
    nonce: str | None = None
    file_sha256: str | None = None
    file_bytes: int | None = None
    file_error: str | None = None
    psi_cpu_us: int | None = None
    psi_io_us: int | None = None
    psi_memory_us: int | None = None
    steal_ns: int | None = None
