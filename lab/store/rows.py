"""A trial as one flat row: the columns of every export, in order, each with its unit in its name.

`docs/results.md` documents each column. A quantity that was not measured is null, never 0; so are model and batch of a
compile trial, which has neither.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple

import pyarrow as pa

from lab.core.trial import Trial

PHASES = ("start", "read", "decode", "build", "optimise", "infer", "output")


class ExportColumn(NamedTuple):
    """One column: its name, its type, and how to get it from a trial."""

    name: str
    type: pa.DataType
    get: Callable[[Trial], object]


def _phase_peak(phase: str) -> Callable[[Trial], object]:
    return lambda trial: (trial.phase_rss_peak_bytes or {}).get(phase)


def _same_name(type_: pa.DataType, *names: str) -> list[ExportColumn]:
    return [ExportColumn(name, type_, attrgetter(name)) for name in names]


_IDENTITY = [
    *_same_name(pa.int64(), "number", "block"),
    *_same_name(pa.string(), "kind", "runtime", "mode", "backend", "guest"),
    ExportColumn("arm", pa.string(), lambda trial: trial.arm.id),
    ExportColumn("model", pa.string(), lambda trial: trial.model or None),
    ExportColumn("batch", pa.int64(), lambda trial: trial.batch or None),
    *_same_name(pa.string(), "started_at", "outcome", "why", "output_sha256"),
    ExportColumn("flags", pa.string(), lambda trial: " ".join(trial.flags) or None),
]
_TIME = [
    *_same_name(pa.int64(), "total_ns", "single_total_ns", "startup_ns", "read_ns", "decode_ns", "build_ns"),
    *_same_name(pa.int64(), "optimise_ns", "load_ns"),
    ExportColumn("infer_first_ns", pa.int64(), attrgetter("first_infer_ns")),
    ExportColumn("infer_steady_ns", pa.int64(), attrgetter("steady_infer_ns")),
    ExportColumn("infer_ns", pa.list_(pa.int64()), lambda trial: list(trial.infer_ns) or None),
    *_same_name(pa.int64(), "output_ns", "compile_ns", "predicted_ns"),
    *_same_name(pa.float64(), "inference_share", "inference_share_of_total"),
]
_MEMORY = [
    *_same_name(pa.int64(), "rss_peak_bytes"),
    *(ExportColumn(f"rss_peak_{phase}_bytes", pa.int64(), _phase_peak(phase)) for phase in PHASES),
    *_same_name(pa.int64(), "cgroup_peak_bytes", "cgroup_anon_bytes", "cgroup_file_bytes"),
    *_same_name(pa.int64(), "linear_memory_bytes", "artifact_bytes"),
]
_PROCESSOR = [
    *_same_name(pa.int64(), "user_ns", "system_ns", "minor_faults", "major_faults", "voluntary_switches"),
    *_same_name(pa.int64(), "involuntary_switches", "throttled_ns"),
]

COLUMNS: tuple[ExportColumn, ...] = (*_IDENTITY, *_TIME, *_MEMORY, *_PROCESSOR)


def row(trial: Trial) -> dict[str, object]:
    """The trial by column name."""
    return {column.name: column.get(trial) for column in COLUMNS}
