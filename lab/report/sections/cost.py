"""Overall time and memory (Figures 1(a), 1(b)) and AOT time (Figure 2): absolute, over native, with verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any

from lab.core.arm import Arm
from lab.core.case import Case
from lab.report.display import bounds, ratio
from lab.report.document import Column, Section, SortedText, Table
from lab.report.overheads import Cost, CostFigure, CostQuantity, over_models
from lab.report.results import Cell, Results
from lab.report.sections.common import CASE_COLUMNS, STATE_COLUMNS, case_fields, overview, slice_title, slices
from lab.stats.evidence import paired_shortage
from lab.stats.planning import MARGIN
from lab.stats.ratios import Estimate
from lab.stats.verdicts import State

HOW_TO_READ = (
    "Each entry: the typical trial (20 % trimmed geometric mean over blocks), then its ratio to native of the same "
    "blocks with the 95 % interval. "
    f"`=` marks a ratio within {MARGIN:.0%} of native, `?` one that the blocks so far leave undetermined; "
    "the others differ from native. A dash is a case that the experiment does not hold."
)
_SIGNS = {State.EQUIVALENT: " =", State.UNDETERMINED: " ?"}


def cost_section(figure: CostFigure, lead: str, results: Results) -> Section:
    """The section of one cost figure: its tables, and both drawings."""
    by_case, quantity = figure.by_case, figure.quantity

    def entry(cell: Cell) -> SortedText:
        cost = by_case[cell.case]
        return SortedText(cost_text(cost, quantity), cost.level.value if cost.level else None)

    tables = []
    for guest, batch, part in slices(results, [results.cells[case] for case in by_case]):
        over_all = partial(_over_models_entry, by_case, batch)
        tables.append(overview(slice_title(guest, batch), results, part, entry, ("all models\n(ratio)", over_all)))
    detail = _detail(quantity, results, by_case)
    full_lead = " ".join(filter(None, (lead, HOW_TO_READ, too_few_blocks(by_case))))
    return Section(figure.name, figure.title, full_lead, tables, detail, figure.names)


def too_few_blocks(by_case: Mapping[Case, Cost]) -> str | None:
    """Why ratios far from 1 carry a `?` early on: how many have too few blocks to be shown to differ, by any test."""
    judged = [cost.judgement for cost in by_case.values() if cost.judgement is not None]
    shortages = (paired_shortage(judgement.estimate.n, judgement.alpha, judgement.unit) for judgement in judged)
    short = Counter(why for why in shortages if why is not None)
    if not short:
        return None
    who = "No ratio" if short.total() == len(judged) else f"{short.total()} of {len(judged)} ratios"
    verb = "can be shown to differ yet" if short.total() == len(judged) else "cannot be shown to differ yet"
    reasons = "; ".join(why if len(short) == 1 else f"{why} ({count})" for why, count in short.most_common())
    return f"{who} {verb}, however far from 1, hence the `?`: {reasons}."


def cost_text(cost: Cost, quantity: CostQuantity) -> str:
    """``4.56 s`` over ``2.41× [2.38, 2.44]``; a baseline has no second line."""
    if cost.level is None or cost.level.value is None:
        return "not measured"
    head, below = quantity.show(cost.level.value), ratio_text(cost)
    return f"{head}\n{below}" if below else head


def ratio_text(cost: Cost) -> str | None:
    """``2.41× [2.38, 2.44]`` over native, with the sign of `HOW_TO_READ` behind it; None without a ratio."""
    text = _ratio_text(cost.overhead)
    return f"{text}{_SIGNS.get(cost.judgement.state, '')}" if text and cost.judgement else text


def over_models_text(by_case: Mapping[Case, Cost], batch: int, arm: Arm) -> str | None:
    """The same of an arm's geometric mean over all its measured models."""
    return _ratio_text(over_models(by_case, arm, batch))


def _over_models_entry(by_case: Mapping[Case, Cost], batch: int, arm: Arm) -> SortedText | None:
    text, over = over_models_text(by_case, batch, arm), over_models(by_case, arm, batch)
    return SortedText(text, over.value) if text and over else None


def _ratio_text(estimate: Estimate | None) -> str | None:
    if estimate is None or estimate.value is None:
        return None
    return f"{ratio(estimate.value)}{bounds(estimate.low, estimate.high)}"


def _detail(quantity: CostQuantity, results: Results, by_case: Mapping[Case, Cost]) -> Table:
    name = quantity.name
    columns = (
        *CASE_COLUMNS,
        Column(f"{name}_geomean", "typical trial", quantity.show),
        Column(f"{name}_mean_trial", "mean trial", quantity.show),
        Column(f"{name}_low", "95 % from", quantity.show),
        Column(f"{name}_high", "to", quantity.show),
        Column("over_native", "over native", ratio),
        Column("over_native_low", "95 % from", ratio),
        Column("over_native_high", "to", ratio),
        Column("over_native_mean_trial", "mean trial", ratio),
        Column("verdict", ""),
        Column("p_differs", ""),
        Column("reading", "verdict"),
        *STATE_COLUMNS,
    )
    rows = [_row(quantity, results.cells[case], cost) for case, cost in by_case.items()]
    return Table("every cell", columns, rows)


def _row(quantity: CostQuantity, cell: Cell, cost: Cost) -> dict[str, Any]:
    row = case_fields(cell)
    for prefix, suffix, estimate in ((quantity.name, "_geomean", cost.level), ("over_native", "", cost.overhead)):
        if estimate is not None:
            row |= {f"{prefix}{suffix}": estimate.value, f"{prefix}_low": estimate.low, f"{prefix}_high": estimate.high}
            row[f"{prefix}_mean_trial"] = estimate.mean_value
    if cost.judgement is not None:
        row |= {"verdict": str(cost.judgement.state), "p_differs": cost.judgement.p_differs}
        row["reading"] = cost.judgement.sentence
    return row
