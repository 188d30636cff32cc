"""Figures 1(a), 1(b) and 2: one group per model, one mark per arm, one panel per guest build.

Two drawings of the same data: `draw_log`, points with intervals on a logarithmic axis; and `draw_paper`, bars of
v2 = log10(v1) + 2 with v1 in seconds or GB (the paper's equation 1). Cells without a value are marked, never left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log10
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullFormatter

from lab.core.arm import Arm
from lab.report.display import arm_name, digits, model_name
from lab.report.figures.style import BAND, FAINT, INK, ArmStyle, arm_styles, house_style

_SLOT = 0.84  # of a group's width; the rest is the gap to the next
_FEW_DECADES = 300  # below this range of values, powers of ten alone are too few grid lines


@dataclass(frozen=True)
class Mark:
    """One cell in a figure, in the axis' unit (seconds or GB).

    Attributes:
        value, low, high: geometric mean and interval; None where there is none.
        predicted: predicted value of a cell over budget; None otherwise.
        status: why there is no value.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    predicted: float | None = None
    status: str = ""


@dataclass(frozen=True)
class CostBars:
    """A figure's data.

    Attributes:
        title, axis: headings; the axis names quantity and unit.
        panels: by panel title, the arms shown in it.
        models: groups, left to right.
        marks: by (arm, model); missing pairs are not part of the experiment.
    """

    title: str
    axis: str
    panels: Mapping[str, Sequence[Arm]]
    models: Sequence[str]
    marks: Mapping[tuple[Arm, str], Mark]


def paper_transform(value: float) -> float:
    """v2 = log10(v1) + 2 (equation 1 of the paper), v1 in seconds or GB."""
    return log10(value) + 2


def draw_log(data: CostBars) -> Figure:
    """Points with intervals on a logarithmic axis; native is also a line across its group."""

    def prepare(axes: Axes) -> None:
        axes.set_yscale("log")
        values = [v for m in data.marks.values() for v in (m.value, m.predicted, m.low, m.high) if v]
        if values:
            axes.set_ylim(min(values) / 2.6, max(values) * 1.8)
            if max(values) / min(values) < _FEW_DECADES:
                axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                axes.yaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(lambda value, _: f"{float(digits(value, 1)):,g}")
        axes.set_ylabel(data.axis)

    return _draw(data, "points with 95 % intervals", prepare, _points, _dot_handle)


def draw_paper(data: CostBars) -> Figure:
    """Bars of the paper's transform."""

    def prepare(axes: Axes) -> None:
        tops = [paper_transform(v) for m in data.marks.values() for v in (m.value, m.predicted) if v]
        axes.set_ylim(min([0.0, *tops]), max([1.0, *tops]) * 1.06)
        axes.set_ylabel(f"log10({data.axis}) + 2")

    return _draw(data, "the paper's transform", prepare, _bars, _bar_handle)


def _draw(
    data: CostBars,
    subtitle: str,
    prepare: Callable[[Axes], None],
    put: Callable[[Axes, Sequence[tuple[float, Mark]], float, ArmStyle, bool], None],
    handle: Callable[[Arm, ArmStyle], Any],
) -> Figure:
    with house_style():
        rows = len(data.panels)
        figure = Figure(figsize=(max(7.0, 2.2 + 1.35 * len(data.models)), 0.9 + 3.6 * rows), layout="constrained")
        grid = figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]
        for axes, (title, arms) in zip(grid, data.panels.items(), strict=True):
            styles = arm_styles(arms)
            prepare(axes)
            _frame(axes, data.models)
            axes.set_title(title)
            step = _SLOT / len(arms)
            for place, arm in enumerate(arms):
                offset = (place + 0.5) * step - _SLOT / 2
                slots = [(g + offset, data.marks.get((arm, model), Mark())) for g, model in enumerate(data.models)]
                put(axes, slots, step, styles[arm], arm.is_native)
                _statuses(axes, slots, styles[arm])
            axes.legend(
                handles=[*(handle(arm, styles[arm]) for arm in arms), *_notes(data, arms)],
                loc="upper left",
                bbox_to_anchor=(1.0, 1.0),
                fontsize=8,
            )
        figure.suptitle(f"{data.title} – {subtitle}", x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def _notes(data: CostBars, arms: Sequence[Arm]) -> list[Line2D]:
    """Legend entries for what else is in the panel: failed cells and predictions."""
    marks = [mark for (arm, _), mark in data.marks.items() if arm in arms]
    notes = []
    if any(mark.status for mark in marks):
        notes.append(Line2D([], [], marker="x", color=FAINT, linestyle="none", markersize=4, label="no value, and why"))
    if any(mark.predicted is not None for mark in marks):
        hollow: Any = {"marker": "o", "markerfacecolor": "white", "linestyle": "none", "markersize": 5}
        notes.append(Line2D([], [], color=FAINT, label="hollow: predicted only", **hollow))
    return notes


def _tick(model: str) -> str:
    """The model's name on two lines if it is long."""
    name = model_name(model)
    return name.replace(" ", "\n", 1) if len(name) > 10 else name


def _frame(axes: Axes, models: Sequence[str]) -> None:
    axes.grid(axis="y")
    axes.set_xlim(-0.5, len(models) - 0.5)
    axes.set_xticks(range(len(models)), [_tick(model) for model in models], fontsize=8)
    axes.tick_params(axis="x", length=0, labelbottom=True)
    axes.tick_params(axis="y", which="both", length=2, color=FAINT)
    for group in range(0, len(models), 2):
        axes.axvspan(group - 0.5, group + 0.5, color=BAND, zorder=0, linewidth=0)


def _points(axes: Axes, slots: Sequence[tuple[float, Mark]], step: float, style: ArmStyle, is_native: bool) -> None:
    measured = [(x, mark.value, mark) for x, mark in slots if mark.value is not None]
    if is_native:
        _native_lines(axes, [(x, value) for x, value, _ in measured])
    below = [value - (value if mark.low is None else mark.low) for _, value, mark in measured]
    above = [(value if mark.high is None else mark.high) - value for _, value, mark in measured]
    xs, values = [x for x, _, _ in measured], [value for _, value, _ in measured]
    dots: Any = {"fmt": style.marker, "color": style.colour, "markeredgecolor": "white", "zorder": 4}
    sizes: Any = {"markersize": 5.4, "markeredgewidth": 0.4, "elinewidth": 1.4, "capsize": 30 * step, "capthick": 1.0}
    axes.errorbar(xs, values, yerr=(below, above), **dots, **sizes)
    hollow: Any = {"markerfacecolor": "white", "markeredgecolor": style.colour, "markersize": 5.4, "zorder": 4}
    predicted = [(x, mark.predicted) for x, mark in slots if mark.value is None and mark.predicted is not None]
    axes.plot([x for x, _ in predicted], [value for _, value in predicted], style.marker, **hollow)


def _bars(axes: Axes, slots: Sequence[tuple[float, Mark]], step: float, style: ArmStyle, is_native: bool) -> None:
    measured = [(x, paper_transform(mark.value)) for x, mark in slots if mark.value is not None]
    if is_native:
        _native_lines(axes, measured)
    filled: Any = {"color": style.colour, "hatch": style.hatch, "edgecolor": "white", "linewidth": 0.3}
    axes.bar([x for x, _ in measured], [height for _, height in measured], step * 0.92, **filled)
    predicted = [(x, paper_transform(m.predicted)) for x, m in slots if m.value is None and m.predicted is not None]
    outline: Any = {"facecolor": "none", "edgecolor": style.colour, "linewidth": 0.8, "linestyle": ":"}
    axes.bar([x for x, _ in predicted], [height for _, height in predicted], step * 0.92, **outline)


def _native_lines(axes: Axes, places: Sequence[tuple[float, float]]) -> None:
    """Native's value across each of its groups: what the other marks are compared with."""
    groups = [round(x) for x, _ in places]
    left, right = [group - 0.46 for group in groups], [group + 0.46 for group in groups]
    axes.hlines([y for _, y in places], left, right, color=INK, linewidth=0.9, linestyle=(0, (4, 2)), zorder=3)


def _statuses(axes: Axes, slots: Sequence[tuple[float, Mark]], style: ArmStyle) -> None:
    """A cross at the foot of each slot without a value, and the reason above it."""
    foot = axes.get_xaxis_transform()
    places = [(x, mark.status) for x, mark in slots if mark.status]
    if not places:  # an empty unclipped artist would confuse the layout
        return
    cross: Any = {"markersize": 4, "markeredgewidth": 1.2, "clip_on": False, "zorder": 5}
    axes.plot([x for x, _ in places], [0.03] * len(places), "x", transform=foot, color=style.colour, **cross)
    for x, status in places:
        upright: Any = {"rotation": 90, "ha": "center", "va": "bottom", "fontsize": 5.8, "zorder": 5}
        axes.text(x, 0.065, status, transform=foot, color=style.colour, **upright)


def _dot_handle(arm: Arm, style: ArmStyle) -> Line2D:
    handle = Line2D(
        [], [], marker=style.marker, color=style.colour, linestyle="none", markersize=5, label=arm_name(arm)
    )
    if arm.is_native:
        handle.set_linestyle((0, (4, 2)))
        handle.set_linewidth(0.9)
    return handle


def _bar_handle(arm: Arm, style: ArmStyle) -> Patch:
    return Patch(facecolor=style.colour, hatch=style.hatch, edgecolor="white", label=arm_name(arm))
