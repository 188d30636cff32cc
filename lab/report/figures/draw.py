"""Every figure of a report, from cells and costs to SVG and PNG bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from matplotlib.figure import Figure

from lab.core.arm import GuestProfile
from lab.report.break_even import ModelTotals
from lab.report.decomposition import NAME, TakenApart
from lab.report.display import names_of, outcome_name
from lab.report.figures.break_even_lines import LinesPanel, draw_break_even
from lab.report.figures.cost_bars import CostBars, Mark, draw_log, draw_paper
from lab.report.figures.pareto import ParetoFigure, ParetoPanel, draw_pareto
from lab.report.figures.phase_stack import draw_phases
from lab.report.figures.rank_diagram import draw_ranking
from lab.report.figures.style import save
from lab.report.figures.waterfall import draw_waterfall
from lab.report.overheads import TIME, Cost, CostFigure, CostQuantity
from lab.report.phases import phase_figure_names, phase_stack
from lab.report.rankings import GuestRanking, LevelTournament
from lab.report.results import Cell, Results
from lab.report.tradeoffs import MEMORY_FIGURE, START_FIGURE, ModelTradeoffs, Standing


def draw_all(
    results: Results,
    cost_figures: Iterable[CostFigure],
    rankings: Sequence[GuestRanking],
    played: Sequence[LevelTournament],
    totals: Sequence[ModelTotals],
    trades: Sequence[ModelTradeoffs],
    parts: Sequence[TakenApart],
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
    for level in played:
        models = len(level.found.models)
        title = f"Mean rank by {level.title}, on {models} model{'s' if models > 1 else ''} – level {level.level}"
        names = names_of(level.arms.values())
        yield level.figure_name, save(draw_ranking(title, level.found, level.arms, names))
    yield from _tradeoff_drawings(totals, trades)
    if parts:
        yield NAME, save(_waterfall(parts))


def _tradeoff_drawings(
    totals: Sequence[ModelTotals], trades: Sequence[ModelTradeoffs]
) -> Iterator[tuple[str, dict[str, bytes]]]:
    for level in dict.fromkeys(trade.level for trade in trades):
        for name, drawing in _paretos(level, [trade for trade in trades if trade.level is level]):
            yield name, save(draw_pareto(drawing))
    for level in dict.fromkeys(model.level for model in totals):
        panels = [model for model in totals if model.level is level and model.best]
        if panels:
            yield panels[0].figure_name, save(_break_even(level, panels))


def _paretos(level: GuestProfile, trades: Sequence[ModelTradeoffs]) -> Iterator[tuple[str, ParetoFigure]]:
    """Start-up against steady speed, and overhead against memory, of the models that have any such point."""
    arms = list(dict.fromkeys(case.arm for trade in trades for case in trade.standings))
    names = names_of(arms)

    def start(standing: Standing) -> tuple[float, float] | None:
        both = standing.start_and_steady
        return None if both is None else (both[0] / 1e9, both[1] / 1e6)

    def memory(standing: Standing) -> tuple[float, float] | None:
        both = standing.overhead_and_memory
        return None if both is None else (both[0], both[1] / 1e6)

    for kind, of, fronts in (
        (START_FIGURE, start, [trade.start_front for trade in trades]),
        (MEMORY_FIGURE, memory, [trade.memory_front for trade in trades]),
    ):
        panels = [
            ParetoPanel(trade.model, points, [case.arm for case in front])
            for trade, front in zip(trades, fronts, strict=True)
            if (points := {case.arm: both for case, standing in trade.standings.items() if (both := of(standing))})
        ]
        shown = {arm: names[arm] for arm in arms if any(arm in panel.points for panel in panels)}
        if panels:
            yield (
                f"{kind.name}-{level}",
                ParetoFigure(f"{kind.title} – level {level}", kind.across, kind.up, panels, shown),
            )


def _break_even(level: GuestProfile, totals: Sequence[ModelTotals]) -> Figure:
    arms = list(dict.fromkeys(case.arm for model in totals for case in model.lines))
    panels = [
        LinesPanel(
            model.model,
            {case.arm: (cold / 1e9, steady / 1e9) for case, (cold, steady) in model.lines.items()},
            [(stretch.case.arm, stretch.first) for stretch in model.stretches],
        )
        for model in totals
    ]
    return draw_break_even(f"Total time by number of inferences per start – level {level}", panels, names_of(arms))


def _waterfall(parts: Sequence[TakenApart]) -> Figure:
    batch = min(row.case.batch for row in parts)
    title = f"One cold inference over the best native one, taken apart – batch {batch}"
    return draw_waterfall(title, [row for row in parts if row.case.batch == batch])


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
