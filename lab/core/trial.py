"""A trial: one fresh container that runs one case once, and what was measured in it.

Version history of `TRIAL_SCHEMA`:
    1  first
"""

from __future__ import annotations

import statistics
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from lab.core.arm import Arm, GuestProfile, Mode
from lab.core.case import Case

TRIAL_SCHEMA = 1
Natural = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
UNNUMBERED = -1
"""The `number` of a trial that no journal holds yet."""


class Outcome(StrEnum):
    """How a trial, or a whole cell, ended. Only `OK` trials enter statistics."""

    OK = "ok"
    WRONG_OUTPUT = "wrong-output"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out-of-memory"
    CRASHED = "crashed"
    UNSUPPORTED = "unsupported"
    OVER_BUDGET = "over-budget"


class Kind(StrEnum):
    """What a trial does: run the guest, or precompile it (a measured trial of its own)."""

    RUN = "run"
    COMPILE = "compile"


class Trial(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of ``trials.jsonl``. A quantity that was not measured is absent (None), never 0.

    Identity:
        schema: `TRIAL_SCHEMA`.
        number: position in the journal, from 0; the journal gives it when it stores the trial.
        block: which block; compile trials and predictions carry the block they were made in.
        kind: run or compile.
        runtime, mode, backend, guest, model, batch: the case. A compile trial's model is ``""`` and its batch 0.
        label: in calibrations, which of the arms that run the very same command this trial belongs to; otherwise None.
        started_at: UTC, ISO 8601.
    Verdict:
        outcome: see `Outcome`.
        why: one line for every outcome that is not ok; for `over-budget` the predicted cost and its basis.
        output_sha256: of all output tensors' bytes.
        flags: interference seen (``cpu-contended``, ``throttled``); flagged trials are kept.
    Time, in ns:
        total_ns: exec of the runtime to its exit; no container start in it.
        startup_ns: exec to the guest's first instruction: runtime start, module load, JIT compilation.
        read_ns, decode_ns, build_ns, optimise_ns: the guest's loading phases, by the guest's clock.
        infer_ns: each inference in the process, in order: the first is colder than the rest.
        output_ns: hashing and writing the output tensors.
        compile_ns: precompilation (compile trials only).
        predicted_ns: what was foreseen before it ran, to be compared with total_ns: in block 0 only. Of an over-budget
            cell, what it would have cost the budget: precompilation and container start are in it.
    Memory, in bytes:
        rss_peak_bytes: the paper's maximum resident set size.
        phase_rss_peak_bytes: peak per phase, by name; a repeated phase keeps its largest.
        cgroup_peak_bytes: peak of the container's cgroup, the probe and charged page cache included.
        cgroup_anon_bytes, cgroup_file_bytes: the most of each of its parts that was seen during the run.
        linear_memory_bytes: the guest's ``memory.size``.
        artifact_bytes: size of the precompiled module (compile trials only).
    Processor:
        user_ns, system_ns: cpu time of the runtime.
        minor_faults, major_faults, voluntary_switches, involuntary_switches: as rusage.
        throttled_ns: kept from running by the cpu quota.
    """

    schema: int = TRIAL_SCHEMA
    number: int = UNNUMBERED
    block: int
    kind: Kind
    runtime: str
    mode: Mode
    backend: str | None = None
    guest: GuestProfile
    model: str
    batch: int
    started_at: str
    outcome: Outcome
    why: str | None = None
    label: str | None = None
    output_sha256: str | None = None
    flags: tuple[str, ...] = ()
    total_ns: Natural | None = None
    startup_ns: Natural | None = None
    read_ns: Natural | None = None
    decode_ns: Natural | None = None
    build_ns: Natural | None = None
    optimise_ns: Natural | None = None
    infer_ns: tuple[Natural, ...] = ()
    output_ns: Natural | None = None
    compile_ns: Natural | None = None
    predicted_ns: Natural | None = None
    rss_peak_bytes: Natural | None = None
    phase_rss_peak_bytes: dict[str, int] | None = None
    cgroup_peak_bytes: Natural | None = None
    cgroup_anon_bytes: Natural | None = None
    cgroup_file_bytes: Natural | None = None
    linear_memory_bytes: Natural | None = None
    artifact_bytes: Natural | None = None
    user_ns: Natural | None = None
    system_ns: Natural | None = None
    minor_faults: int | None = None
    major_faults: int | None = None
    voluntary_switches: int | None = None
    involuntary_switches: int | None = None
    throttled_ns: Natural | None = None

    @classmethod
    def of(cls, case: Case, **rest: Any) -> Trial:
        """A trial of a case: the case's parts, and everything else by name."""
        arm = case.arm
        return cls(
            runtime=arm.runtime,
            mode=arm.mode,
            backend=arm.backend,
            guest=arm.guest,
            model=case.model,
            batch=case.batch,
            **rest,
        )

    @property
    def arm(self) -> Arm:
        """The arm that ran."""
        return Arm(self.runtime, self.mode, self.backend, self.guest)

    @property
    def case(self) -> Case:
        """The case that ran."""
        return Case(self.arm, self.model, self.batch)

    @property
    def load_ns(self) -> int | None:
        """Read + decode + build + optimise: the paper's "loading", as the guest sees it."""
        parts = (self.read_ns, self.decode_ns, self.build_ns, self.optimise_ns)
        return None if any(part is None for part in parts) else sum(part for part in parts if part is not None)

    @property
    def first_infer_ns(self) -> int | None:
        """The first inference of the process."""
        return self.infer_ns[0] if self.infer_ns else None

    @property
    def steady_infer_ns(self) -> int | None:
        """Median of the inferences after the first; None if there was only one."""
        rest = self.infer_ns[1:]
        return round(statistics.median(rest)) if rest else None

    @property
    def inference_share(self) -> float | None:
        """Table II: first inference / (load + first inference), as the guest sees it, without runtime start-up."""
        load, infer = self.load_ns, self.first_infer_ns
        return None if load is None or infer is None or load + infer == 0 else infer / (load + infer)

    @property
    def inference_share_of_total(self) -> float | None:
        """First inference / (total minus the further inferences): start-up and JIT count as load."""
        total, infer = self.single_total_ns, self.first_infer_ns
        return None if total is None or infer is None or infer > total else infer / total

    @property
    def cpu_share(self) -> float | None:
        """Processor time over time: more than 1 where threads work side by side; None if either was not measured."""
        if self.user_ns is None or self.system_ns is None or not self.total_ns:
            return None
        return (self.user_ns + self.system_ns) / self.total_ns

    @property
    def single_total_ns(self) -> int | None:
        """total_ns less the inferences after the first: one cold inference end to end (the paper's overall time).

        None where the guest's clock says that these took as long as the whole run, or longer.
        """
        if self.total_ns is None:
            return None
        single = self.total_ns - sum(self.infer_ns[1:])
        return single if single > 0 or self.total_ns == 0 else None
