"""Preparation as data: what a cold start from a loaded model costs and saves, and what preparing it cost once."""

from __future__ import annotations

from dataclasses import dataclass

from lab.core.case import Case
from lab.report.overheads import TIME
from lab.report.precompilation import compile_cost
from lab.report.results import Cell, Results
from lab.stats.estimate import Estimate
from lab.stats.ratios import overhead


@dataclass(frozen=True)
class ColdStart:
    """One cell of a prepared guest: a whole run with one inference, over others of the same model and batch.

    Attributes:
        cell: of the prepared guest.
        time: of the typical run, in ns.
        over_plain: over the same arm that loads the model itself, paired by block; None where no block holds both.
        over_native: over native that loads the model itself; None as above.
        over_native_prepared: over native that is prepared; None as above, and for that one itself.
        prepare_ns, rss_peak_bytes, artifact_bytes: the preparation's time, its peak memory, and the size of what it
            made; None where it was not measured.
        compile_ns: precompilation of the prepared module; None where there is none.
        starts_to_pay_back: starts after which preparation and precompilation have paid for themselves against the same
            arm that loads the model itself, whose own precompilation counts; None if never, or not known.
    """

    cell: Cell
    time: Estimate
    over_plain: Estimate | None
    over_native: Estimate | None
    over_native_prepared: Estimate | None
    prepare_ns: float | None
    rss_peak_bytes: float | None
    artifact_bytes: float | None
    compile_ns: float | None
    starts_to_pay_back: float | None


def cold_starts(results: Results) -> list[ColdStart]:
    """One for every measured cell of a prepared guest, in display order."""
    return [_cold_start(results, cell) for case, cell in results.cells.items() if case.arm.guest.is_prepared and cell.n]


def _cold_start(results: Results, cell: Cell) -> ColdStart:
    case, made = cell.case, results.preparations.get(cell.case)
    plain = Case(case.arm.plain, case.model, case.batch)
    prepare_ns, rss_peak_bytes, artifact_bytes = (
        _mean(results, made, quantity) for quantity in ("prepare_ns", "rss_peak_bytes", "artifact_bytes")
    )
    compile_ns, plain_compile_ns = (compile_cost(results, compiled).compile_ns for compiled in (case, plain))
    more_ns = None if prepare_ns is None else prepare_ns + (compile_ns or 0.0) - (plain_compile_ns or 0.0)
    return ColdStart(
        cell,
        overhead(results.logs(cell, TIME.name)),
        _over(results, cell, plain),
        _over(results, cell, plain.baseline),
        None if case == case.baseline else _over(results, cell, case.baseline),
        prepare_ns,
        rss_peak_bytes,
        artifact_bytes,
        compile_ns,
        _starts_to_pay_back(results, cell, plain, more_ns),
    )


def _over(results: Results, cell: Cell, other: Case) -> Estimate | None:
    rival = results.cells.get(other)
    logs = None if rival is None else results.log_ratios(cell, rival, TIME.name)
    return None if logs is None or not len(logs) else overhead(logs)


def _starts_to_pay_back(results: Results, cell: Cell, plain: Case, more_ns: float | None) -> float | None:
    rival = results.cells.get(plain)
    mine, theirs = _mean(results, cell, TIME.name), _mean(results, rival, TIME.name)
    if more_ns is None or mine is None or theirs is None or theirs <= mine:
        return None
    return max(0.0, more_ns) / (theirs - mine)


def _mean(results: Results, cell: Cell | None, quantity: str) -> float | None:
    values = results.values(cell, quantity) if cell is not None else ()
    return float(sum(values) / len(values)) if len(values) else None
