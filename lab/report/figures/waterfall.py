"""The overhead taken apart: per arm a stair of factors on a logarithmic axis, each from where the last one ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lab.report.decomposition import BOTH, FACTORS, FRAMEWORK, KERNELS, LOADING, RUNTIME, STARTUP, TakenApart
from lab.report.display import arm_name, digits, model_name, ratio
from lab.report.figures.style import FAINT, INK, house_style

COLOURS = {
    FRAMEWORK: "#CC79A7",
    KERNELS: "#E69F00",
    RUNTIME: "#0072B2",
    BOTH: "#56B4E9",
    STARTUP: "#009E73",
    LOADING: "#BBBBBB",
}
_COLUMNS = 2
_LANE_INCHES = 0.11
_GAP_LANES = 2.0
_TEXT_SHARE = 0.22


def draw_waterfall(title: str, rows: Sequence[TakenApart]) -> Figure:
    """The figure: a panel per model, and in it per arm one lane per factor, the first at the top."""
    models = list(dict.fromkeys(row.case.model for row in rows))
    panels = {model: [row for row in rows if row.case.model == model] for model in models}
    with house_style():
        columns = min(_COLUMNS, len(models))
        lines = -(-len(models) // columns)
        lanes = max(sum(_lanes(row) + _GAP_LANES for row in panel) for panel in panels.values())
        figure = Figure(
            figsize=(1.6 + 5.4 * columns, 1.2 + lines * (0.75 + _LANE_INCHES * lanes)), layout="constrained"
        )
        grid = figure.subplots(lines, columns, squeeze=False)
        for place, axes in enumerate(grid.flat):
            if place < len(models):
                _panel(axes, models[place], panels[models[place]])
            else:
                axes.set_axis_off()
        used = [name for name in FACTORS if any(name in row.parts.factors for row in rows)]
        # each factor begins where the last one ended
        handles = [Patch(facecolor=COLOURS[name], label=name) for name in used]
        figure.legend(handles=handles, loc="outside lower left", ncols=len(handles), fontsize=8)
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def _lanes(row: TakenApart) -> int:
    return len(row.parts.factors)


def _panel(axes: Axes, model: str, rows: Sequence[TakenApart]) -> None:
    axes.set_title(f"{model_name(model)}\n1 = steady inference of {arm_name(rows[0].best)}", fontsize=9)
    axes.set_xscale("log")
    axes.axvline(1, color=INK, linewidth=0.8, zorder=1)
    axes.grid(visible=True, axis="x")
    places, top = {}, 0.0
    ends = [1.0]
    for row in rows:
        places[top + (_lanes(row) - 1) / 2] = f"{arm_name(row.case.arm)}\n({row.case.arm.guest})"
        ends += _stair(axes, top, {name: factor.value or 1.0 for name, factor in row.parts.factors.items()})
        ends += _total(axes, top, row)
        top += _lanes(row) + _GAP_LANES
    axes.set_yticks(list(places), list(places.values()), fontsize=7)
    axes.set_ylim(top - 0.5, -1.0)
    # room for the texts beside the ends
    axes.set_xlim(min(ends) * 0.93, max(ends) * (max(ends) / min(ends)) ** _TEXT_SHARE)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", color=FAINT, length=2, labelsize=7.5)
    axes.xaxis.set_major_locator(LogLocator(numticks=12))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{digits(value, 1)}×"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.spines["left"].set_visible(False)


def _stair(axes: Axes, top: float, factors: Mapping[str, float]) -> list[float]:
    """Draw the steps; where they end."""
    begin, ends = 1.0, []
    for lane, (name, factor) in enumerate(factors.items()):
        end = begin * factor
        axes.barh(top + lane, end - begin, 0.92, left=begin, color=COLOURS[name], zorder=2)
        axes.plot([end, end], [top + lane - 0.46, top + lane + 1.4], color=INK, linewidth=0.5, zorder=3)
        small: Any = {"va": "center", "fontsize": 5.6, "color": INK, "zorder": 4}
        axes.annotate(ratio(factor), (max(begin, end), top + lane), xytext=(3, 0), textcoords="offset points", **small)
        begin = end
        ends.append(end)
    return ends


def _total(axes: Axes, top: float, row: TakenApart) -> list[float]:
    """Draw the product with its interval; where that ends."""
    total, bottom = row.parts.total, float(top + _lanes(row))
    if total.value is None:
        return []
    if total.low is not None and total.high is not None:
        axes.plot([total.low, total.high], [bottom, bottom], color=INK, linewidth=1.2, zorder=4)
    axes.plot([total.value], [bottom], "|", color=INK, markersize=5, zorder=4)
    place = (total.high or total.value, bottom)
    text = f"total {ratio(total.value)}"
    bold: Any = {"va": "center", "fontsize": 6, "color": INK, "fontweight": "bold", "zorder": 4}
    axes.annotate(text, place, xytext=(4, 0), textcoords="offset points", **bold)
    return [total.low or total.value, total.high or total.value]
