"""What the page's figures draw: every cell with its estimates, phases and trials, as one JSON document.

Arms, models and cells are named by their place in their lists. Estimates are lists of value, low and high, null where
there is none; ratios over native carry their verdict as a fourth entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.plain_text import printable_line
from lab.report.best import ASPECTS
from lab.report.break_even import ModelTotals
from lab.report.cost_figures import CostFigures
from lab.report.display import MODE_NAMES, arm_name, model_name, outcome_name, runtime_name
from lab.report.figures.style import PHASE_COLOURS, arm_styles
from lab.report.overheads import Cost, costs
from lab.report.page.text import script_json
from lab.report.phases import PHASE_NAMES, phase_parts_ns
from lab.report.results import Cell, Results
from lab.stats.estimate import Estimate

MOST_TRIALS = 20_000
"""Of a campaign with more, the page shows estimates only: the export has every trial."""
_KEYS = {"cold": ASPECTS[0], "steady": ASPECTS[1], "memory": ASPECTS[2]}
_UNITS = {"cold": "ns", "steady": "ns", "memory": "bytes"}
_LETTERS = {
    "startup": "S",
    "read": "R",
    "decode": "D",
    "build": "B",
    "optimise": "O",
    "infer": "I",
    "rest": "E",
}


def instrument(results: Results, figures: CostFigures, totals: Sequence[ModelTotals]) -> str:
    """The document, safe within a ``<script>`` element.

    Args:
        results: of the campaign.
        figures: its cost figures, whose estimates and verdicts it repeats.
        totals: for the intervals of break-evens.
    """
    places = {case: place for place, case in enumerate(results.cells)}
    by_key = _costs(results, figures)
    arms = list(results.arms)
    styles = arm_styles(arms)
    baselines = {arm.baseline for arm in arms}
    trials = _trials(results) if len(results.table) <= MOST_TRIALS else {}
    document: dict[str, Any] = {
        "unit": str(results.unit),
        "severalGuests": len(results.guests) > 1,
        "hasTrials": bool(trials),
        "quantities": [{"key": key, "title": _title(key), "unit": _UNITS[key]} for key in _KEYS],
        "phases": [
            {"title": printable_line(title), "colour": PHASE_COLOURS[name], "letter": _LETTERS[name]}
            for name, title in PHASE_NAMES.items()
        ],
        "modes": [
            {"id": str(mode), "name": name} for mode, name in MODE_NAMES.items() if any(a.mode is mode for a in arms)
        ],
        "guests": [str(guest) for guest in results.guests],
        "batches": list(results.batches),
        "arms": [_arm(arm, styles[arm].colour, is_baseline=arm in baselines) for arm in arms],
        "models": [{"id": model, "name": printable_line(model_name(model))} for model in results.models],
        "cells": [
            _cell(
                results, cell, arms.index(case.arm), places[case], {key: found[case] for key, found in by_key.items()}
            )
            for case, cell in results.cells.items()
        ],
        "crossings": dict(_crossings(totals, places)),
        "trials": {str(places[case]): rows for case, rows in trials.items() if case in places},
    }
    return script_json(document)


def _title(key: str) -> str:
    title = _KEYS[key].title
    return title[0].upper() + title[1:]


def _arm(arm: Arm, colour: str, *, is_baseline: bool) -> dict[str, Any]:
    return {
        "id": arm.id,
        "name": printable_line(arm_name(arm)),
        "runtime": arm.runtime,
        "title": printable_line(runtime_name(arm.runtime)),
        "mode": str(arm.mode),
        "guest": str(arm.guest),
        "colour": colour,
        "isBaseline": is_baseline,
    }


def _costs(results: Results, figures: CostFigures) -> dict[str, dict[Case, Cost]]:
    """Of every cell; where a figure of the paper has it, that figure's, so that one verdict stands in both."""
    found = {key: costs(results, aspect.quantity, results.cells, aspect.title) for key, aspect in _KEYS.items()}
    found["cold"] |= {**figures.aot.by_case, **figures.time.by_case}
    found["memory"] |= figures.memory.by_case
    return found


def _cell(results: Results, cell: Cell, arm: int, place: int, by_key: Mapping[str, Cost]) -> dict[str, Any]:
    parts = phase_parts_ns(results, cell)
    return {
        "id": place,
        "arm": arm,
        "model": results.models.index(cell.case.model),
        "batch": cell.case.batch,
        "trials": cell.n,
        "status": "ok" if cell.n else outcome_name(cell.failed_as) if cell.failed_as else cell.status,
        "why": None if cell.why is None or cell.n else printable_line(cell.why),
        "values": {key: _estimate(cost.level) for key, cost in by_key.items() if cost.level is not None},
        "over": {
            key: [*(_estimate(cost.overhead) or []), str(cost.judgement.state)]
            for key, cost in by_key.items()
            if cost.judgement is not None and _estimate(cost.overhead)
        },
        "phases": [round(parts[name]) if name in parts else None for name in PHASE_NAMES] if parts else None,
    }


def _estimate(estimate: Estimate | None) -> list[float | None] | None:
    if estimate is None or estimate.value is None:
        return None
    return [_short(estimate.value), _short(estimate.low), _short(estimate.high)]


def _short(value: float | None) -> float | None:
    """Six significant figures: what no reader sees would double the page."""
    if value is None or not np.isfinite(value):
        return None
    short = float(f"{value:.6g}")
    return int(short) if short.is_integer() else short


def _crossings(totals: Sequence[ModelTotals], places: Mapping[Case, int]) -> Iterator[tuple[str, list[float | None]]]:
    for model in totals:
        for pair in model.pairs:
            if pair.found.low is not None and pair.found.value is not None:
                yield f"{places[pair.first]}-{places[pair.second]}", [_short(pair.found.low), _short(pair.found.high)]


def _trials(results: Results) -> dict[Case, list[list[float | None]]]:
    """Per case its good trials: block, cold run, steady inference, peak memory."""
    table = results.table
    columns = [table.quantities[aspect.quantity] for aspect in _KEYS.values()]
    return {
        case: [
            [
                int(table.block[row]),
                *(None if np.isnan(column[row]) else round(float(column[row])) for column in columns),
            ]
            for row in cell.rows
        ]
        for case, cell in results.cells.items()
        if cell.n
    }
