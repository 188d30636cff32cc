"""A process that answers one request after the other: how long one takes, and how many images it does in a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.core.trial import Outcome
from lab.report.display import digits, model_name, seconds
from lab.report.document import Column, Section, SortedText, Table
from lab.report.results import Cell, Results
from lab.stats.estimate import Floats
from lab.stats.quantiles import quantile, quantile_interval

LEAD = (
    "One process that infers again and again: latency of an inference after the first, as percentiles, and images per "
    "second. A percentile is taken within each process, and the median over processes is shown: inferences of one "
    "process are not independent, processes are. Brackets: 95 % interval of that median by order statistics, which "
    "assumes no distribution; it takes 6 processes. A 90th percentile takes 10 further inferences, a 99th 100."
)
FEWEST = 10
"""Inferences after the first below which a cell says nothing of a stream."""
_LEVEL = 0.95
_PERCENTILES = {"p50": (0.5, FEWEST), "p90": (0.9, FEWEST), "p99": (0.99, 100)}
_PARTS = (*_PERCENTILES, "images_per_s")


def single_stream_section(results: Results) -> Section | None:
    """The section; None if no case made so many inferences in a process."""
    found = [(cell, streams) for cell in results.cells.values() if (streams := _streams(results, cell)) is not None]
    if not found:
        return None
    rows = [_row(cell, streams) for cell, streams in found]
    columns = (
        Column("arm", "arm"),
        Column("model", "model", model_name),
        Column("batch", "batch"),
        Column("trials", "processes"),
        Column("inferences", "inferences\nin each"),
        *(column for part in _PARTS for column in _columns(part)),
    )
    return Section(
        "single-stream", "Single stream and throughput", LEAD, [Table("latency by percentile", columns, rows)]
    )


def _columns(part: str) -> tuple[Column, ...]:
    unit = "" if part == "images_per_s" else "_ns"
    title = "images/s" if part == "images_per_s" else part
    return Column(f"{part}{unit}", title), Column(f"{part}_low{unit}", ""), Column(f"{part}_high{unit}", "")


def _streams(results: Results, cell: Cell) -> Floats | None:
    """The inferences after the first, shape (processes, number); None where there are too few."""
    if not cell.n or cell.failed_as is Outcome.WRONG_OUTPUT:
        return None
    streams = results.inferences_ns(cell)[:, 1:]
    return streams if streams.shape[0] and streams.shape[1] >= FEWEST else None


def _row(cell: Cell, streams: Floats) -> dict[str, Any]:
    processes, number = streams.shape
    case = cell.case
    row: dict[str, Any] = {
        "arm": case.arm.id,
        "model": case.model,
        "batch": case.batch,
        "trials": processes,
        "inferences": number,
    }
    for part, (share, fewest) in _PERCENTILES.items():
        if number >= fewest:
            row |= _entries(part, "_ns", quantile(streams, share), seconds)
    return row | _entries("images_per_s", "", case.batch * 1e9 / streams.mean(axis=1), digits)


def _entries(part: str, unit: str, values: Floats, show: Callable[[float], str]) -> dict[str, Any]:
    """Median over processes, and the ends of its interval."""
    middle = float(quantile(values, 0.5))
    ends = quantile_interval(values, 0.5, _LEVEL)
    if ends is None:
        return {f"{part}{unit}": SortedText(show(middle), middle)}
    text = f"{show(middle)}\n[{show(ends[0])}, {show(ends[1])}]"
    return {f"{part}{unit}": SortedText(text, middle), f"{part}_low{unit}": ends[0], f"{part}_high{unit}": ends[1]}
