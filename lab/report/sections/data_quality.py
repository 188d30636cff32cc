"""What a reader must know before trusting a number: cells without one, outputs that differ, flagged trials."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from lab.core.names import Target
from lab.report.display import model_name, seconds
from lab.report.document import Column, Section, Table
from lab.report.results import Results

FLAG_HINTS = {
    "throttled": "the container hit its cpu quota: its times are too long; give it a whole processor",
    "cpu-contended": "something else wanted the processor; compare with a run on a quiet machine",
    "shared-machine": "tasks waited for a processor meanwhile; stop what else runs, or expect more scatter",
    "disturbed": "the machine was busy right before, or its hypervisor gave the processors to others; see `repeat`",
    "repeat": "run again for a disturbed trial of the same block, which it stands for in every figure",
    "hot": "a processor was slowed down, for heat or for want of current; cool it, or fix a lower frequency",
    "engine-failure": "the engine could not run these; `lab doctor` says what it lacks",
    "from-cache": "made earlier, in another campaign or for another arm: its time is from then",
}


def failures_section(results: Results) -> Section:
    """Every cell that has no good trial, with its reason; and failures in cells that do have some."""
    rows = []
    for cell in results.cells.values():
        if cell.n and not cell.failures:
            continue
        outcomes = ", ".join(f"{count} × {name}" for name, count in cell.failures.items()) or cell.status
        case = cell.case
        row: dict[str, Any] = {"arm": case.arm.id, "model": case.model, "batch": case.batch, "trials": cell.n}
        rows.append(row | {"failures": outcomes, "why": cell.why, "predicted_ns": cell.predicted_ns})
    columns = (
        Column("arm", "arm"),
        Column("model", "model", model_name),
        Column("batch", "batch"),
        Column("trials", "good trials"),
        Column("failures", "failed"),
        Column("predicted_ns", "predicted", seconds),
        Column("why", "why"),
    )
    measured = sum(1 for cell in results.cells.values() if cell.n)
    lead = f"{measured} of {len(results.cells)} cells have good trials; the others, and failures among good trials:"
    tables = [Table("cells with failures", columns, rows)] if rows else []
    return Section(
        "failures", "Cells without a number", lead if rows else f"All {measured} cells have good trials.", tables
    )


def outputs_section(results: Results) -> Section:
    """Whether all wasm arms gave the same bytes, as they must for one guest, model and batch: wasm is deterministic."""
    table = results.table
    seen: dict[tuple[str, str, int], dict[str, set[int]]] = {}
    for case, cell in results.cells.items():
        if case.arm.target != Target.WASM or not cell.n:
            continue
        arms = seen.setdefault((str(case.arm.guest), case.model, case.batch), {})
        arms[case.arm.id] = set(np.unique(table.output[cell.rows]).tolist()) - {-1}
    rows = []
    for (guest, model, batch), arms in seen.items():
        outputs = sorted(set().union(*arms.values()))
        row = {"guest": guest, "model": model, "batch": batch, "arms": len(arms), "outputs": len(outputs)}
        row["sha256"] = table.outputs[outputs[0]] if len(outputs) == 1 else None
        rows.append(row | {"differ": _minority_arms(arms) if len(outputs) > 1 else None})
    columns = (
        Column("guest", "guest"),
        Column("model", "model", model_name),
        Column("batch", "batch"),
        Column("arms", "wasm arms"),
        Column("outputs", "distinct outputs"),
        Column("sha256", "output sha256", lambda text: str(text)[:12]),
        Column("differ", "arms that differ"),
    )
    same = sum(1 for row in rows if row["outputs"] == 1)
    lead = f"{same} of {len(rows)} combinations of guest, model and batch gave the same bytes in every wasm arm."
    return Section("outputs", "Output tensors", lead, [Table("outputs of wasm arms", columns, rows)])


def _minority_arms(arms: dict[str, set[int]]) -> str:
    """Arms whose output is not the commonest one."""
    votes = Counter(output for outputs in arms.values() for output in outputs)
    usual = votes.most_common(1)[0][0]
    return "\n".join(arm for arm, outputs in arms.items() if outputs - {usual})


def flags_section(results: Results) -> Section:
    """How many trials carry which flag; they are kept."""
    table = results.table
    counts: Counter[str] = Counter()
    for code, count in enumerate(np.bincount(table.flag, minlength=len(table.flags)).tolist()):
        counts.update(dict.fromkeys(table.flags[code], count))
    rows = [
        {"flag": flag, "trials": count, "share": count / len(table), "hint": FLAG_HINTS.get(flag)}
        for flag, count in sorted(counts.items())
    ]
    columns = (
        Column("flag", "flag"),
        Column("trials", "trials"),
        Column("share", "of all", lambda value: f"{100 * value:.1f} %"),
        Column("hint", "what to do"),
    )
    lead = "Trials that saw interference. They are kept: nothing is deleted." if rows else "No trial saw interference."
    return Section("flags", "Flags", lead, [Table("flagged trials", columns, rows)] if rows else [])
