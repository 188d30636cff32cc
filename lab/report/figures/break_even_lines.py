"""Total time over the number of inferences per start, one panel per model; the arms that take least are marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lab.core.arm import Arm
from lab.report.display import digits, model_name
from lab.report.figures.style import FAINT, INK, ArmStyle, arm_styles, house_style

MOST_INFERENCES = 10_000
_COLUMNS = 2
_PANEL_INCHES = (5.4, 3.3)
_BAR_INCHES = 0.3
_BAND = "#F3E98A"
_NATIVE: Any = {"color": INK, "linewidth": 1.1, "linestyle": (0, (1, 2))}
_OTHERS: Any = {"color": "#C4C4C4", "linewidth": 0.7}
_DOT: Any = {"color": INK, "marker": "o", "markerfacecolor": "white", "markersize": 5}
_DASHES: Any = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), (0, (9, 3)))


@dataclass(frozen=True)
class LinesPanel:
    """One model.

    Attributes:
        model: its name.
        lines: by arm, native among them: seconds of a cold run, and of each further inference.
        least: arms that take least, each with the first number of inferences for which it does.
    """

    model: str
    lines: Mapping[Arm, tuple[float, float]]
    least: Sequence[tuple[Arm, int]]


def draw_break_even(title: str, panels: Sequence[LinesPanel], names: Mapping[Arm, str]) -> Figure:
    """The figure; `names` of every arm that takes least somewhere."""
    with house_style():
        columns = min(_COLUMNS, len(panels))
        rows = -(-len(panels) // columns)
        bars = [max(len(_ends(panel)) for panel in panels[row * columns : (row + 1) * columns]) for row in range(rows)]
        heights = [part for count in bars for part in (_BAR_INCHES * count, _PANEL_INCHES[1])]
        size = (_PANEL_INCHES[0] * columns, sum(heights) + 0.75 * rows + 0.9)
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(2 * rows, columns, squeeze=False, height_ratios=heights)
        styles = arm_styles(list(dict.fromkeys(arm for panel in panels for arm in panel.lines)))
        for place in range(rows * columns):
            row, column = divmod(place, columns)
            above, below = grid[2 * row, column], grid[2 * row + 1, column]
            if place < len(panels):
                _bars(above, panels[place], bars[row], names, styles)
                _lines(below, panels[place], styles)
            else:
                above.set_axis_off()
                below.set_axis_off()
        figure.legend(handles=_key(), loc="outside lower left", ncols=4, fontsize=8)
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def _ends(panel: LinesPanel) -> list[tuple[Arm, float, float]]:
    """Each arm that takes least within the panel, with the numbers of inferences from and to which it does."""
    seen = [(arm, float(first)) for arm, first in panel.least if first <= MOST_INFERENCES]
    ends = [first for _, first in seen[1:]] + [float(MOST_INFERENCES)]
    return [(arm, first, end) for (arm, first), end in zip(seen, ends, strict=True)]


def _bars(axes: Axes, panel: LinesPanel, rows: int, names: Mapping[Arm, str], styles: Mapping[Arm, ArmStyle]) -> None:
    """Which arm takes least from where to where: a bar with its name each, the lowest row last."""
    axes.set_title(model_name(panel.model))
    axes.set_axis_off()
    axes.set_xscale("log")
    axes.set_xlim(1, MOST_INFERENCES)
    axes.set_ylim(rows - 0.4, -0.6)
    for place, (arm, first, end) in enumerate(_ends(panel)):
        axes.plot([first, end], [place, place], color=_BAND, linewidth=9, solid_capstyle="butt", zorder=1)
        axes.plot([first, end], [place, place], zorder=2, **_stroke(place, styles[arm]))
        text = f"{names[arm]}, from {int(first):,}"
        is_left = first <= MOST_INFERENCES**0.5
        where: Any = {"ha": "left" if is_left else "right", "va": "bottom", "fontsize": 7.5, "fontweight": "bold"}
        axes.annotate(text, (first, place), (0 if is_left else -3, 4), textcoords="offset points", **where)


def _lines(axes: Axes, panel: LinesPanel, styles: Mapping[Arm, ArmStyle]) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.grid(visible=True, which="major")
    axes.set_xlim(1, MOST_INFERENCES)
    axes.set_xlabel("inferences per start")
    axes.set_ylabel("total time, s")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.yaxis.set_major_formatter(lambda value, _: f"{float(digits(value, 1)):,g}")
    numbers = np.geomspace(1, MOST_INFERENCES, 120)
    least = {arm: place for place, (arm, _, _) in enumerate(_ends(panel))}
    for arm, (cold, steady) in panel.lines.items():
        total = cold + (numbers - 1) * steady
        if arm.is_native:
            axes.plot(numbers, total, zorder=3, **_NATIVE)
        elif arm in least:
            axes.plot(numbers, total, zorder=4, **_stroke(least[arm], styles[arm]))
        else:
            axes.plot(numbers, total, zorder=1, **_OTHERS)
    for place, (arm, first, end) in enumerate(_ends(panel)):
        cold, steady = panel.lines[arm]
        within = np.geomspace(first, end, 60)
        axes.plot(within, cold + (within - 1) * steady, color=_BAND, linewidth=7, solid_capstyle="butt", zorder=2)
        if place:
            axes.axvline(first, color=FAINT, linewidth=0.8, zorder=1)
            axes.plot([first], [cold + (first - 1) * steady], zorder=5, **_DOT)


def _stroke(place: int, style: ArmStyle) -> dict[str, Any]:
    return {"color": style.colour, "linewidth": 1.5, "linestyle": _DASHES[place % len(_DASHES)]}


def _key() -> list[Line2D]:
    return [
        Line2D([], [], color=_BAND, linewidth=7, label="takes least, of all but native"),
        Line2D([], [], linestyle="none", label="another arm takes over", **_DOT),
        Line2D([], [], label="arms that never take least", **_OTHERS),
        Line2D([], [], label="native", **_NATIVE),
    ]
