"""Every figure of a report, from cells and costs to SVG and PNG bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from matplotlib.figure import Figure

from lab.report.display import outcome_name
from lab.report.figures.cost_bars import CostBars, Mark, draw_log, draw_paper
from lab.report.figures.phase_stack import draw_phases
from lab.report.figures.rank_diagram import draw_ranking
from lab.report.figures.style import save
from lab.report.overheads import TIME, Cost, CostFigure, CostQuantity
from lab.report.phases import phase_figure_names, phase_stack
from lab.report.rankings import GuestRanking
from lab.report.results import Cell, Results


def draw_all(
    results: Results, cost_figures: Iterable[CostFigure], rankings: Sequence[GuestRanking]
) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Name and ``svg``/``png`` bytes of each figure."""
    for figure in cost_figures:
        data = _cost_bars(results, figure)
        if data.panels:
            for name, draw in zip(figure.names, (draw_log, draw_paper), strict=True):
                yield name, save(draw(data))
    for name, figure_ in zip(phase_figure_names(results), _phases(results), strict=True):
        yield name, save(figure_)
    for part in rankings:
        if part.ranking is not None:
            title = f"Mean rank over {len(part.ranking.models)} models by overall time – guest {part.guest}"
            yield part.figure_name, save(draw_ranking(title, part.ranking, part.arms))


def _cost_bars(results: Results, figure: CostFigure) -> CostBars:
    batch = results.batches[0]
    shown = {case: cost for case, cost in figure.by_case.items() if case.batch == batch}
    marks = {(case.arm, case.model): _mark(results.cells[case], cost, figure.quantity) for case, cost in shown.items()}
    panels = {
        f"guest {guest}": [arm for arm in results.arms if arm.guest is guest and any(arm == a for a, _ in marks)]
        for guest in results.guests
    }
    models = [model for model in results.models if any(model == case.model for case in shown)]
    title = figure.title if len(results.batches) == 1 else f"{figure.title}, batch {batch}"
    return CostBars(title, figure.quantity.axis, {name: arms for name, arms in panels.items() if arms}, models, marks)


def _mark(cell: Cell, cost: Cost, quantity: CostQuantity) -> Mark:
    if cost.level is None or cost.level.value is None:
        status = outcome_name(cell.failed_as) if cell.failed_as else cell.status
        # only times are predicted
        predicted = cell.predicted_ns if quantity is TIME else None
        return Mark(predicted=predicted / TIME.per_axis if predicted else None, status=status)
    low, high = cost.level.low, cost.level.high
    scale = quantity.per_axis
    return Mark(cost.level.value / scale, None if low is None else low / scale, None if high is None else high / scale)


def _phases(results: Results) -> Iterator[Figure]:
    batch = results.batches[0]
    for guest in results.guests:
        cells = [cell for case, cell in results.cells.items() if case.arm.guest is guest and case.batch == batch]
        stacks = {(cell.case.arm, cell.case.model): phase_stack(results, cell) for cell in cells}
        arms = list(dict.fromkeys(cell.case.arm for cell in cells))
        models = [model for model in results.models if any(model == cell.case.model for cell in cells)]
        yield draw_phases(
            f"Where the time of one cold inference goes – guest {guest}, batch {batch}", models, arms, stacks
        )
