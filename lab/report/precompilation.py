"""Precompilation as data: which cases belong to it, what an AOT arm is compared with, what it saves and costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lab.core.arm import Arm, Mode
from lab.core.case import Case
from lab.report.overheads import TIME
from lab.report.results import Cell, Results
from lab.stats.combine import mean_over_sample
from lab.stats.estimate import Estimate
from lab.stats.ratios import overhead


def is_precompiled(case: Case) -> bool:
    """Whether the case belongs to Figure 2: precompiled, or native as its baseline."""
    return case.arm.mode in (Mode.AOT, Mode.NATIVE)


def is_uncompiled(case: Case) -> bool:
    """Whether the case belongs to Figure 1: no precompilation."""
    return case.arm.mode is not Mode.AOT


def counterpart(results: Results, arm: Arm) -> Arm | None:
    """What an AOT arm is compared with: the runtime's JIT of the same backend, any JIT of it, or its interpreter."""
    others = [o for o in results.arms if (o.runtime, o.guest) == (arm.runtime, arm.guest) and o.mode is not Mode.AOT]
    others.sort(key=lambda other: (other.backend != arm.backend, other.mode is not Mode.JIT, other.backend or ""))
    jits = [other for other in others if other.mode is Mode.JIT]
    return next(iter(jits or others), None)


@dataclass(frozen=True)
class CompileCost:
    """What one precompilation of an arm costs: means over its measured compile trials, None where not measured.

    Attributes:
        compile_ns: time.
        rss_peak_bytes: peak memory of the compiler.
        artifact_bytes: size of the precompiled module.
    """

    compile_ns: float | None = None
    rss_peak_bytes: float | None = None
    artifact_bytes: float | None = None


@dataclass(frozen=True)
class Saving:
    """A precompiled cell against the same model and batch without precompilation.

    Attributes:
        cell: the precompiled one.
        against: the arm it is compared with; None if the campaign has none for this cell.
        ratio: its time over that arm's, paired by block; None where no block holds both.
        saved_ns: mean time that one run saves, below 0 if it loses; None like `ratio`.
        runs_to_pay_back: runs after which precompilation has paid for itself; None if it never does, or is not known.
    """

    cell: Cell
    against: Arm | None = None
    ratio: Estimate | None = None
    saved_ns: float | None = None
    runs_to_pay_back: float | None = None


def compile_cost(results: Results, case: Case) -> CompileCost:
    """What the precompilation that the case's arm runs costs."""
    cell = results.compiles.get(case.module)
    if cell is None:
        return CompileCost()
    compile_ns, rss_peak_bytes, artifact_bytes = (
        _mean(results, cell, quantity) for quantity in ("compile_ns", "rss_peak_bytes", "artifact_bytes")
    )
    return CompileCost(compile_ns, rss_peak_bytes, artifact_bytes)


def savings(results: Results) -> list[Saving]:
    """One for every precompiled cell, in display order."""
    return [_saving(results, cell) for cell in results.cells.values() if cell.case.arm.mode is Mode.AOT]


def mean_ratio(savings_of_arm: list[Saving]) -> Estimate | None:
    """Geometric mean of an arm's ratios, over models and batches; None if no cell has one."""
    ratios = [math.log(saving.ratio.value) for saving in savings_of_arm if saving.ratio and saving.ratio.value]
    return mean_over_sample(ratios) if ratios else None


def _saving(results: Results, cell: Cell) -> Saving:
    other = counterpart(results, cell.case.arm)
    rival = results.cells.get(Case(other, cell.case.model, cell.case.batch)) if other else None
    if other is None or rival is None:
        return Saving(cell)
    logs = results.log_ratios(cell, rival, TIME.name)
    if not len(logs):
        return Saving(cell, other)
    saved = float(results.values(rival, TIME.name).mean() - results.values(cell, TIME.name).mean())
    compile_ns = compile_cost(results, cell.case).compile_ns
    pays = compile_ns / saved if compile_ns is not None and saved > 0 else None
    return Saving(cell, other, overhead(logs), saved, pays)


def _mean(results: Results, cell: Cell, quantity: str) -> float | None:
    values = results.values(cell, quantity)
    return float(values.mean()) if len(values) else None
