"""Precompilation (Figure 2): what it saves against running the same module without, and what it costs once."""

from __future__ import annotations

from typing import Any

from lab.core.arm import Mode
from lab.core.case import Case
from lab.report.display import arm_name, digits, megabytes, ratio, seconds
from lab.report.document import Column, Section, Table
from lab.report.precompilation import Saving, compile_cost, mean_ratio, savings
from lab.report.results import Results
from lab.report.sections.common import CASE_COLUMNS, STATE_COLUMNS, case_fields
from lab.stats.estimate import Estimate

LEAD = (
    "Precompiled runs against the same runtime without precompilation (the same compiler behind a JIT where there is "
    "one, else the interpreter), paired by block; and what one precompilation costs in time, memory and disk. "
    "Runs until paid back is that time over what one run saves."
)


def aot_section(results: Results) -> Section | None:
    """Savings and costs of precompilation; None if the campaign has no AOT arm."""
    arms = [arm for arm in results.arms if arm.mode is Mode.AOT]
    if not arms:
        return None
    of_cells = savings(results)
    modules = dict.fromkeys(case.module for case in results.cells if case.arm in arms)
    return Section(
        "aot",
        "Precompilation",
        LEAD,
        [Table("per arm", _ARM_COLUMNS, [_arm_row(results, module, of_cells) for module in modules])],
        Table("every cell", _SAVING_COLUMNS, [_saving_row(saving) for saving in of_cells]),
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


def _arm_row(results: Results, module: Case, of_cells: list[Saving]) -> dict[str, Any]:
    cost = compile_cost(results, module)
    row: dict[str, Any] = {
        "arm": module.id if module.model else module.arm.id,
        "compile_ns_mean": cost.compile_ns,
        "compile_rss_peak_bytes_mean": cost.rss_peak_bytes,
        "artifact_bytes_mean": cost.artifact_bytes,
    }
    compiled = results.compiles.get(module)
    if compiled is not None and not compiled.n:
        row["state"] = f"{compiled.status}: {compiled.why}" if compiled.why else compiled.status
    measured = [saving for saving in of_cells if saving.cell.case.module == module and saving.ratio is not None]
    if measured:
        row |= _ratio_fields(mean_ratio(measured)) | _against(measured[0])
        row["models"] = len({saving.cell.case.model for saving in measured})
    return row


def _saving_row(saving: Saving) -> dict[str, Any]:
    row = case_fields(saving.cell) | _against(saving) | _ratio_fields(saving.ratio)
    return row | {"saved_ns": saving.saved_ns, "runs_to_pay_back": saving.runs_to_pay_back}


def _against(saving: Saving) -> dict[str, Any]:
    return {"against": arm_name(saving.against) if saving.against else None}


def _ratio_fields(ratio_: Estimate | None) -> dict[str, Any]:
    if ratio_ is None:
        return {}
    return {
        "over_counterpart": ratio_.value,
        "over_counterpart_low": ratio_.low,
        "over_counterpart_high": ratio_.high,
    }
