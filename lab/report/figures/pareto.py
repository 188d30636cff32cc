"""Two costs against each other, one panel per model: every arm a numbered point, the Pareto front joined and named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from lab.core.arm import Arm
from lab.report.display import digits, model_name
from lab.report.figures.labels import Label, place_labels
from lab.report.figures.style import BAND, FAINT, INK, ArmStyle, arm_styles, house_style

_COLUMNS = 2
_PANEL_INCHES = (5.4, 4.1)
_KEY_COLUMNS = 3
_FEW_DECADES = 30  # below this range powers of ten alone are too few ticks


@dataclass(frozen=True)
class ParetoPanel:
    """One model.

    Attributes:
        model: its name.
        points: both costs by arm, native among them, in the axes' units.
        front: arms on the front, by the first cost.
    """

    model: str
    points: Mapping[Arm, tuple[float, float]]
    front: Sequence[Arm]


@dataclass(frozen=True)
class ParetoFigure:
    """A figure's data: heading, what the axes are with their units, panels, and names of all arms for the key."""

    title: str
    across: str
    up: str
    panels: Sequence[ParetoPanel]
    names: Mapping[Arm, str]


def draw_pareto(data: ParetoFigure) -> Figure:
    """The figure: towards the lower left is better in both."""
    with house_style():
        columns = min(_COLUMNS, len(data.panels))
        rows = -(-len(data.panels) // columns)
        wasm = [arm for arm in data.names if not arm.is_native]
        key_rows = -(-len(wasm) // _KEY_COLUMNS)
        size = (_PANEL_INCHES[0] * columns, _PANEL_INCHES[1] * rows + 0.8 + 0.17 * key_rows)
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False)
        styles, numbers = arm_styles(list(data.names)), {arm: place for place, arm in enumerate(wasm, 1)}
        for axes in grid.flat[len(data.panels) :]:
            axes.set_axis_off()
        for axes, panel in zip(grid.flat, data.panels, strict=False):
            _panel(axes, panel, data, styles)
        handles = [_handle(numbers[arm], data.names[arm], styles[arm]) for arm in wasm]
        figure.legend(handles=handles, loc="outside lower left", ncols=min(columns + 1, _KEY_COLUMNS), fontsize=7.5)
        figure.suptitle(data.title, x=0.01, ha="left", fontsize=11, fontweight="bold")
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # places of points are final: labels may choose theirs
        for axes, panel in zip(grid.flat, data.panels, strict=False):
            place_labels(axes, _labels(panel, data.names, numbers))
    return figure


def _panel(axes: Axes, panel: ParetoPanel, data: ParetoFigure, styles: Mapping[Arm, ArmStyle]) -> None:
    axes.set_title(model_name(panel.model))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.grid(visible=True, which="major")
    axes.set_xlabel(data.across)
    axes.set_ylabel(data.up)
    for axis, limit, place in ((axes.xaxis, axes.set_xlim, 0), (axes.yaxis, axes.set_ylim, 1)):
        values = [both[place] for both in panel.points.values()]
        low, high = min(values), max(values)
        room = max((high / low) ** 0.09, 1.25)
        limit(low / room, high * room)
        if high / low < _FEW_DECADES:
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_minor_formatter(NullFormatter())
        axis.set_major_formatter(lambda value, _: f"{float(digits(value, 1)):,g}")
    _front(axes, panel)
    for arm, (x, y) in panel.points.items():
        on_front = arm in panel.front
        ring: Any = {"markeredgecolor": INK if on_front else "white", "markeredgewidth": 1.3 if on_front else 0.4}
        if arm.is_native:
            axes.plot([x], [y], "*", color=INK, markerfacecolor="white", markersize=11, zorder=4)
        else:
            axes.plot([x], [y], styles[arm].marker, color=styles[arm].colour, markersize=6.5, zorder=5, **ring)


def _front(axes: Axes, panel: ParetoPanel) -> None:
    """A staircase: left of it and below it there is no arm; the other side is shaded."""
    if not panel.front:
        return
    corners = [panel.points[arm] for arm in panel.front]
    right, top = axes.get_xlim()[1], axes.get_ylim()[1]
    xs, ys = [corners[0][0], *(x for x, _ in corners), right], [top, *(y for _, y in corners), corners[-1][1]]
    axes.fill_between(xs, ys, top, step="post", color=BAND, zorder=0, linewidth=0)
    axes.step(xs, ys, where="post", color=INK, linewidth=1.0, linestyle=(0, (4, 2)), zorder=2)


def _labels(panel: ParetoPanel, names: Mapping[Arm, str], numbers: Mapping[Arm, int]) -> list[Label]:
    """Those of the front first, by name; the others by number."""
    front = [Label(*panel.points[arm], f"{numbers[arm]} {names[arm]}", is_bold=True) for arm in panel.front]
    native = [Label(*both, "native") for arm, both in panel.points.items() if arm.is_native]
    rest = [
        Label(*both, str(numbers[arm]))
        for arm, both in panel.points.items()
        if arm not in panel.front and not arm.is_native
    ]
    return [*front, *native, *rest]


def _handle(number: int, name: str, style: ArmStyle) -> Line2D:
    dot: Any = {"marker": style.marker, "color": style.colour, "linestyle": "none", "markersize": 5}
    return Line2D([], [], label=f"{number}  {name}", markeredgecolor=FAINT, markeredgewidth=0.4, **dot)
