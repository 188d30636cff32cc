"""Precompilation (Figure 2): what it saves against running the same module without, and what it costs once."""

from __future__ import annotations

from typing import Any

import numpy as np

from lab.core.arm import Arm, Mode
from lab.core.case import Case
from lab.report.display import arm_name, digits, megabytes, ratio, seconds
from lab.report.document import Column, Section, Table
from lab.report.overheads import TIME
from lab.report.results import Cell, Results
from lab.report.sections.common import CASE_COLUMNS, STATE_COLUMNS, case_fields
from lab.stats.ratios import overheads, paired_log_ratios

LEAD = (
    "Precompiled runs against the same runtime without precompilation (the same compiler behind a JIT where there is "
    "one, else the interpreter), paired by block; and what one precompilation costs in time, memory and disk. "
    "Runs until paid back is that time over what one run saves."
)


def is_precompiled(case: Case) -> bool:
    """Whether the case belongs to Figure 2: precompiled, or native as its baseline."""
    return case.arm.mode in (Mode.AOT, Mode.NATIVE)


def counterpart(results: Results, arm: Arm) -> Arm | None:
    """What an AOT arm is compared with: the runtime's JIT of the same backend, any JIT of it, or its interpreter."""
    others = [o for o in results.arms if (o.runtime, o.guest) == (arm.runtime, arm.guest) and o.mode is not Mode.AOT]
    others.sort(key=lambda other: (other.backend != arm.backend, other.mode is not Mode.JIT, other.backend or ""))
    jits = [other for other in others if other.mode is Mode.JIT]
    return next(iter(jits or others), None)


def aot_section(results: Results) -> Section | None:
    """Savings and costs of precompilation; None if the campaign has no AOT arm."""
    arms = [arm for arm in results.arms if arm.mode is Mode.AOT]
    if not arms:
        return None
    savings = [_saving(results, cell) for cell in _aot_cells(results)]
    detail = Table("every cell", _SAVING_COLUMNS, savings)
    return Section(
        "aot",
        "Precompilation",
        LEAD,
        [Table("per arm", _ARM_COLUMNS, [_arm(results, arm, savings) for arm in arms])],
        detail,
    )


_ARM_COLUMNS = (
    Column("arm", "arm"),
    Column("compile_ns_mean", "compile time", seconds),
    Column("compile_rss_peak_bytes_mean", "compile memory", megabytes),
    Column("artifact_bytes_mean", "artifact", megabytes),
    Column("against", "against"),
    Column("over_counterpart", "time, AOT over that", ratio),
    Column("over_counterpart_low", "95 % from", ratio),
    Column("over_counterpart_high", "to", ratio),
    Column("models", "models"),
    Column("state", "state"),
)
_SAVING_COLUMNS = (
    *CASE_COLUMNS,
    Column("against", "against"),
    Column("over_counterpart", "time over that", ratio),
    Column("over_counterpart_low", "95 % from", ratio),
    Column("over_counterpart_high", "to", ratio),
    Column("saved_ns", "saved per run", lambda ns: f"−{seconds(-ns)}" if ns < 0 else seconds(ns)),
    Column("runs_to_pay_back", "runs until paid back", digits),
    *STATE_COLUMNS,
)


def _aot_cells(results: Results) -> list[Cell]:
    return [cell for cell in results.cells.values() if cell.case.arm.mode is Mode.AOT]


def _compile_means(results: Results, arm: Arm) -> dict[str, float]:
    cell = results.compiles.get(arm)
    if cell is None:
        return {}
    means = {}
    for quantity, key in (
        ("compile_ns", "compile_ns_mean"),
        ("rss_peak_bytes", "compile_rss_peak_bytes_mean"),
        ("artifact_bytes", "artifact_bytes_mean"),
    ):
        values = results.values(cell, quantity)
        if len(values):
            means[key] = float(values.mean())
    return means


def _arm(results: Results, arm: Arm, all_savings: list[dict[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {"arm": arm.id} | _compile_means(results, arm)
    compiled = results.compiles.get(arm)
    if compiled is not None and not compiled.n:
        row["state"] = f"{compiled.word}: {compiled.why}" if compiled.why else compiled.word
    savings = [one for one in all_savings if one["arm"] == arm.id and one.get("over_counterpart")]
    if savings:
        estimate = overheads(np.log([[saving["over_counterpart"] for saving in savings]]))[0]
        row |= {
            "over_counterpart": estimate.value,
            "over_counterpart_low": estimate.low,
            "over_counterpart_high": estimate.high,
        }
        row |= {"against": savings[0]["against"], "models": len({saving["model"] for saving in savings})}
    return row


def _saving(results: Results, cell: Cell) -> dict[str, Any]:
    row = case_fields(cell)
    other = counterpart(results, cell.case.arm)
    rival = results.cells.get(Case(other, cell.case.model, cell.case.batch)) if other else None
    if other is None or rival is None:
        return row
    row["against"] = arm_name(other)
    logs = paired_log_ratios(results.by_block(cell, TIME.name), results.by_block(rival, TIME.name))
    if not len(logs):
        return row
    estimate = overheads(logs[None, :])[0]
    saved = float(results.values(rival, TIME.name).mean() - results.values(cell, TIME.name).mean())
    row |= {
        "over_counterpart": estimate.value,
        "over_counterpart_low": estimate.low,
        "over_counterpart_high": estimate.high,
    }
    row["saved_ns"] = saved
    compile_ns = _compile_means(results, cell.case.arm).get("compile_ns_mean")
    if compile_ns is not None and saved > 0:
        row["runs_to_pay_back"] = compile_ns / saved
    return row
