"""A trial: one fresh container that runs one case once, and what was measured in it.

Version history of `TRIAL_SCHEMA`:
    1  first
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any, TypeAlias, get_args, get_type_hints

import msgspec

from lab.core.arm import Arm, GuestProfile, Mode
from lab.core.case import Case
from lab.core.names import Flag
from lab.core.quantity import Quantity

TRIAL_SCHEMA = 1
Natural = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Measured: TypeAlias = Natural | None
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
    """What a trial does: run the guest, or, in trials of their own, precompile it or write its loaded model into it."""

    RUN = "run"
    COMPILE = "compile"
    PREPARE = "prepare"

    @property
    def noun(self) -> str:
        """What people call it: ``preparation``."""
        return {Kind.RUN: "run", Kind.COMPILE: "precompilation", Kind.PREPARE: "preparation"}[self]


class Trial(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of ``trials.jsonl``. A quantity that was not measured is absent (None), never 0.

    Identity:
        schema: `TRIAL_SCHEMA`.
        number: position in the journal, from 0; the journal gives it when it stores the trial.
        block: which block; compile trials, preparations and predictions carry the block they were made in.
        kind: run, compile or prepare.
        runtime, mode, backend, guest, model, batch: the case. A compile trial's model is ``""`` and its batch 0, unless
            the guest is prepared: its module holds the model.
        label: in calibrations, which of the arms that run the very same command this trial belongs to; otherwise None.
        replicate: which of the campaign's worlds it ran in, from 0; None where the campaign has but one.
        started_at: UTC, ISO 8601.
    Verdict:
        outcome: see `Outcome`.
        why: one line for every outcome that is not ok; for `over-budget` the predicted cost and its basis.
        output_sha256: hash of all output tensors' bytes.
        flags: interference seen (``cpu-contended``, ``throttled``); flagged trials are kept.
    Time, in ns:
        total_ns: exec of the runtime to its exit; no container start in it.
        startup_ns: exec to the guest's first instruction: runtime start, module load, JIT compilation.
        read_ns, decode_ns, build_ns, optimise_ns: the guest's loading phases, by the guest's clock; a prepared guest
            has the first alone.
        infer_ns: each inference in the process, in order: the first is colder than the rest.
        output_ns: hashing and writing the output tensors.
        compile_ns: precompilation (compile trials only).
        prepare_ns: loading the model and writing it down (preparations only).
        predicted_ns: the time predicted before it ran, to be compared with total_ns: in block 0 only. Of an over-budget
            cell, what it would have cost the budget: precompilation and container start are in it.
    Memory, in bytes:
        rss_peak_bytes: the paper's maximum resident set size.
        phase_rss_peak_bytes: peak per phase, by name; a repeated phase keeps its largest.
        cgroup_peak_bytes: peak of the container's cgroup, the probe and charged page cache included.
        cgroup_anon_bytes, cgroup_file_bytes: the most of each of its parts that was seen during the run.
        linear_memory_bytes: the guest's ``memory.size``.
        artifact_bytes: size of the module, or heap, that was made (compile trials and preparations only).
    Processor:
        user_ns, system_ns: cpu time of the runtime.
        minor_faults, major_faults, voluntary_switches, involuntary_switches: as rusage.
        throttled_ns: kept from running by the cpu quota.
    Machine, before and meanwhile:
        gate_wait_ns: how long the lab waited for a quiet machine before it started the trial; None without a gate.
        pressure_ns: for how long some task of the machine waited for a processor.
        steal_ns: processor time that a hypervisor gave to others, summed over processors.
        temperature_mc: of the machine's hottest sensor when the trial had ended, in thousandths of a degree Celsius.
        energy_uj: that the processors' packages took, container start and removal included, in microjoules.
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
    replicate: Natural | None = None
    output_sha256: str | None = None
    flags: tuple[str, ...] = ()
    total_ns: Annotated[Measured, Quantity("time from exec to exit", "total_ns")] = None
    startup_ns: Annotated[Measured, Quantity("start-up", compared=True)] = None
    read_ns: Annotated[Measured, Quantity("reading the model file")] = None
    decode_ns: Annotated[Measured, Quantity("decoding the protobuf")] = None
    build_ns: Annotated[Measured, Quantity("building the graph")] = None
    optimise_ns: Annotated[Measured, Quantity("optimising the graph")] = None
    infer_ns: tuple[Natural, ...] = ()
    output_ns: Annotated[Measured, Quantity("hashing and writing the output")] = None
    compile_ns: Annotated[Measured, Quantity("precompilation")] = None
    prepare_ns: Annotated[Measured, Quantity("preparation")] = None
    predicted_ns: Annotated[Measured, Quantity("predicted time")] = None
    rss_peak_bytes: Annotated[Measured, Quantity("peak memory", "rss_peak_bytes", compared=True)] = None
    phase_rss_peak_bytes: dict[str, int] | None = None
    cgroup_peak_bytes: Annotated[
        Natural | None, Quantity("peak memory of the container's cgroup", "cgroup.peak_bytes")
    ] = None
    cgroup_anon_bytes: Annotated[Natural | None, Quantity("anonymous memory of the cgroup", "cgroup.anon_bytes")] = None
    cgroup_file_bytes: Annotated[Natural | None, Quantity("page cache of the cgroup", "cgroup.file_bytes")] = None
    linear_memory_bytes: Annotated[Natural | None, Quantity("the guest's linear memory", "linear_memory_bytes")] = None
    artifact_bytes: Annotated[Measured, Quantity("size of the precompiled or prepared module")] = None
    user_ns: Annotated[Measured, Quantity("processor time in user mode", "rusage.user_ns")] = None
    system_ns: Annotated[Measured, Quantity("processor time in the kernel", "rusage.system_ns")] = None
    minor_faults: Annotated[Measured, Quantity("minor page faults", "rusage.minor_faults")] = None
    major_faults: Annotated[Measured, Quantity("major page faults", "rusage.major_faults")] = None
    voluntary_switches: Annotated[
        Natural | None, Quantity("voluntary context switches", "rusage.voluntary_switches")
    ] = None
    involuntary_switches: Annotated[
        Natural | None, Quantity("involuntary context switches", "rusage.involuntary_switches")
    ] = None
    throttled_ns: Annotated[Natural | None, Quantity("time throttled by the cpu quota", "cgroup.throttled_ns")] = None
    gate_wait_ns: Annotated[Measured, Quantity("wait for a quiet machine")] = None
    pressure_ns: Annotated[Measured, Quantity("time in which some task waited for a processor")] = None
    steal_ns: Annotated[Measured, Quantity("processor time given to others by the hypervisor", "steal_ns")] = None
    temperature_mc: Annotated[Measured, Quantity("temperature of the hottest sensor in thousandths of a degree")] = None
    energy_uj: Annotated[Measured, Quantity("energy of the processors in microjoules")] = None

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
    def cpu_ns(self) -> int | None:
        """Processor time of the runtime, in user mode and in the kernel, every inference of the process included."""
        return None if self.user_ns is None or self.system_ns is None else self.user_ns + self.system_ns

    @property
    def load_ns(self) -> int | None:
        """Read + decode + build + optimise: the paper's "loading", as the guest sees it; if it is prepared, read."""
        decoding = () if self.guest.is_prepared else (self.decode_ns, self.build_ns, self.optimise_ns)
        parts = (self.read_ns, *decoding)
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
    def startup_share(self) -> float | None:
        """Start-up, in which a JIT translates the module, / (total minus the further inferences)."""
        total, startup = self.single_total_ns, self.startup_ns
        return None if total is None or startup is None or startup > total else startup / total

    @property
    def read_share(self) -> float | None:
        """Reading the model file, which goes through WASI, / all of loading, as the guest sees it."""
        load, read = self.load_ns, self.read_ns
        return None if not load or read is None else read / load

    @property
    def single_total_ns(self) -> int | None:
        """total_ns less the inferences after the first: one cold inference end to end (the paper's overall time).

        None where the guest's clock says that these took as long as the whole run, or longer.
        """
        if self.total_ns is None:
            return None
        single = self.total_ns - sum(self.infer_ns[1:])
        return single if single > 0 or self.total_ns == 0 else None


def replaced(trials: Iterable[Trial]) -> set[int]:
    """Numbers of the trials that were disturbed and have been repeated well in the same block: the repeat counts.

    Which trial is disturbed is decided by signals that are blind to its duration (`lab.campaign.noise.repeats`).
    """
    waiting: dict[tuple[Case, int, str | None], int] = {}
    found: set[int] = set()
    for trial in trials:
        if trial.kind is Kind.RUN and trial.outcome is Outcome.OK and trial.flags:
            place = (trial.case, trial.block, trial.label)
            if Flag.REPEAT in trial.flags and place in waiting:
                found.add(waiting.pop(place))
            elif Flag.DISTURBED in trial.flags:
                waiting[place] = trial.number
    return found


def counted(trials: Sequence[Trial]) -> list[Trial]:
    """The trials without those that a repeat stands for."""
    without = replaced(trials)
    return [trial for trial in trials if trial.number not in without]


_DERIVED = {
    "single_total_ns": Quantity("overall time", after="total_ns", compared=True),
    "load_ns": Quantity("loading", after="optimise_ns", compared=True),
    "first_infer_ns": Quantity("first inference", after="load_ns", column="infer_first_ns", compared=True),
    "steady_infer_ns": Quantity("steady inference", after="first_infer_ns", column="infer_steady_ns", compared=True),
    "cpu_ns": Quantity("processor time", after="system_ns", compared=True),
    "inference_share": Quantity("share of inference in loading and inference", after="predicted_ns"),
    "inference_share_of_total": Quantity("share of inference in the overall time", after="inference_share"),
    "startup_share": Quantity("share of start-up in the overall time", after="inference_share_of_total"),
    "read_share": Quantity("share of reading the model file in loading", after="startup_share"),
}


def _registry() -> Mapping[str, Quantity]:
    """Every quantity by name: the fields of `Trial` that carry one, each followed by what is derived from it."""
    names: list[str] = []
    found: dict[str, Quantity] = {}
    for name, hint in get_type_hints(Trial, include_extras=True).items():
        for note in get_args(hint):
            if isinstance(note, Quantity):
                names.append(name)
                found[name] = note
    for name, derived in _DERIVED.items():
        names.insert(names.index(str(derived.after)) + 1, name)
        found[name] = derived
    return {name: replace(found[name], name=name) for name in names}


QUANTITIES: Mapping[str, Quantity] = _registry()
"""Every scalar quantity of a trial, by the name of its attribute, in the order of tables and exports."""
