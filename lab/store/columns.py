"""A campaign's trials as columns: what reports and comparisons compute on, some 300 bytes a trial.

A million trials as objects would need gigabytes; as numpy columns with codes for what repeats they need about 350 MB,
and reading them is one pass over the journal, a bounded number of lines at a time.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.names import Flag
from lab.core.trial import QUANTITIES, Kind, Outcome, Trial, replaced
from lab.store.journal_format import JOURNAL_NAME, read_batches

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

OUTCOMES: tuple[Outcome, ...] = tuple(Outcome)
KINDS: tuple[Kind, ...] = tuple(Kind)
_OUTCOME_CODE = {outcome: code for code, outcome in enumerate(OUTCOMES)}
_KIND_CODE = {kind: code for code, kind in enumerate(KINDS)}
_case_key = attrgetter("runtime", "mode", "backend", "guest", "model", "batch")


@dataclass(frozen=True)
class TrialTable:
    """Trials in journal order; all arrays have one entry per trial unless said otherwise.

    Attributes:
        cases: distinct cases in order of first appearance; a compile trial's case has model ``""`` and batch 0, unless
            its guest is prepared.
        case: index into `cases`.
        kind: index into `KINDS`.
        block: the block's number.
        outcome: index into `OUTCOMES`.
        quantities: by name in `lab.core.trial.QUANTITIES`, in the unit of the name; NaN where not measured. ns are
            exact below 2**53.
        infer_ns: all inferences of all trials, end to end; those of trial i are
            ``infer_ns[infer_start[i]:infer_start[i + 1]]``.
        infer_start: one entry more than there are trials.
        outputs: distinct output_sha256.
        output: index into `outputs`; -1 where there is none.
        flags: distinct sets of flags, the empty set among them if any trial has none.
        flag: index into `flags`.
        why: latest reason by (case index, outcome).
        is_replaced: a later trial of the same case and block stands for this one, which was disturbed.
        replicate: the world it ran in; -1 in a campaign of one world.
    """

    cases: tuple[Case, ...]
    case: Ints
    kind: npt.NDArray[np.int8]
    block: Ints
    outcome: npt.NDArray[np.int8]
    quantities: dict[str, Floats]
    infer_ns: Floats
    infer_start: npt.NDArray[np.int64]
    outputs: tuple[str, ...]
    output: Ints
    flags: tuple[tuple[str, ...], ...]
    flag: Ints
    why: dict[tuple[int, Outcome], str]
    is_replaced: Mask
    replicate: Ints

    def __len__(self) -> int:
        """How many trials."""
        return len(self.case)

    def ok(self) -> Mask:
        """The trials that enter statistics."""
        return np.equal(self.outcome, _OUTCOME_CODE[Outcome.OK]) & ~self.is_replaced

    def rows_by_case(self, kind: Kind) -> dict[Case, npt.NDArray[np.int64]]:
        """Row numbers of each case that has trials of that kind, in journal order."""
        rows = np.flatnonzero(np.equal(self.kind, _KIND_CODE[kind]))
        order = rows[np.argsort(self.case[rows], kind="stable")]
        edges = np.searchsorted(self.case[order], np.arange(len(self.cases) + 1)).tolist()
        spans = zip(self.cases, edges, edges[1:], strict=False)
        return {case: order[begin:end] for case, begin, end in spans if end > begin}


@dataclass
class _Codes:
    """Distinct values numbered in order of appearance."""

    code_of: dict[Hashable, int] = field(default_factory=dict)

    def encode(self, values: Iterable[Hashable]) -> Ints:
        known = self.code_of
        return np.fromiter((known.setdefault(value, len(known)) for value in values), dtype=np.int32)


class _Builder:
    """Collects columns batch by batch."""

    def __init__(self) -> None:
        self.cases, self.outputs, self.flags = _Codes(), _Codes(), _Codes()
        self.parts: dict[str, list[npt.NDArray[Any]]] = {}
        self.why: dict[tuple[int, Outcome], str] = {}
        # few: kept as they are, to find which of them stands for which
        self.rows = 0
        self.gated: list[tuple[int, Trial]] = []

    def _put(self, name: str, part: npt.NDArray[Any]) -> None:
        self.parts.setdefault(name, []).append(part)

    def add(self, trials: list[Trial]) -> None:
        case = self.cases.encode(map(_case_key, trials))
        self._put("case", case)
        self._put("kind", np.array([_KIND_CODE[trial.kind] for trial in trials], dtype=np.int8))
        self._put("block", np.array([trial.block for trial in trials], dtype=np.int32))
        self._put("outcome", np.array([_OUTCOME_CODE[trial.outcome] for trial in trials], dtype=np.int8))
        self._put("flag", self.flags.encode(trial.flags for trial in trials))
        output = self.outputs.encode(trial.output_sha256 or "" for trial in trials)
        self._put("output", output)
        for name in QUANTITIES:
            self._put(name, np.array(list(map(attrgetter(name), trials)), dtype=np.float64))
        self._put("infer_count", np.array([len(trial.infer_ns) for trial in trials], dtype=np.int32))
        self._put("infer_ns", np.array([ns for trial in trials for ns in trial.infer_ns], dtype=np.float64))
        replicates = [-1 if trial.replicate is None else trial.replicate for trial in trials]
        self._put("replicate", np.array(replicates, dtype=np.int32))
        gated = (place for place, trial in enumerate(trials) if {Flag.DISTURBED, Flag.REPEAT} & {*trial.flags})
        self.gated += [(self.rows + place, trials[place]) for place in gated]
        self.rows += len(trials)
        for code, trial in zip(case.tolist(), trials, strict=True):
            if trial.why is not None:
                self.why[code, trial.outcome] = trial.why

    def _take(self, name: str, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        parts = self.parts.pop(name, [])
        return np.concatenate(parts) if parts else np.empty(0, dtype=dtype)

    def build(self) -> TrialTable:
        counts = self._take("infer_count", np.int32)
        outputs = list(self.outputs.code_of)
        names = tuple(str(text) for text in outputs if text)
        # the empty text stands for "no output": moved to -1, and the codes after it close up
        new_code = np.cumsum([bool(text) for text in outputs], dtype=np.int32) - 1
        new_code[[not text for text in outputs]] = -1
        output = self._take("output", np.int32)
        return TrialTable(
            cases=tuple(_case(key) for key in self.cases.code_of),
            case=self._take("case", np.int32),
            kind=self._take("kind", np.int8),
            block=self._take("block", np.int32),
            outcome=self._take("outcome", np.int8),
            quantities={name: self._take(name, np.float64) for name in QUANTITIES},
            infer_ns=self._take("infer_ns", np.float64),
            infer_start=np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]),
            outputs=names,
            output=new_code[output] if len(output) else output,
            flags=tuple(map(_flags, self.flags.code_of)),
            flag=self._take("flag", np.int32),
            why=self.why,
            is_replaced=self._replaced(),
            replicate=self._take("replicate", np.int32),
        )

    def _replaced(self) -> Mask:
        found = np.zeros(self.rows, dtype=np.bool_)
        # by row: trials of merged journals may share a number
        numbered = [msgspec.structs.replace(trial, number=row) for row, trial in self.gated]
        found[list(replaced(numbered))] = True
        return found


def _flags(key: Any) -> tuple[str, ...]:
    return tuple(map(str, key))


def _case(key: Any) -> Case:
    runtime, mode, backend, guest, model, batch = key
    return Case(Arm(runtime, mode, backend, guest), model, batch)


def table_of(batches: Iterable[list[Trial]]) -> TrialTable:
    """Columns of trials that come in batches."""
    builder = _Builder()
    for trials in batches:
        builder.add(trials)
    return builder.build()


def load_table(campaign_dir: Path) -> TrialTable:
    """Columns of a campaign's journal.

    Raises:
        DataError: the journal is missing or damaged.
    """
    return table_of(read_batches(campaign_dir / JOURNAL_NAME))
