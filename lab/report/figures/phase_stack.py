"""Where the time of one cold inference goes: stacked shares, one panel per model, one bar per arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lab.core.arm import Arm
from lab.report.display import arm_name, model_name, seconds
from lab.report.figures.style import FAINT, INK, PHASE_COLOURS, house_style
from lab.report.phases import PHASE_NAMES, PhaseStack

_COLUMNS = 2
_BAR_INCHES = 0.19


def draw_phases(
    title: str, models: Sequence[str], arms: Sequence[Arm], stacks: Mapping[tuple[Arm, str], PhaseStack]
) -> Figure:
    """The figure; (arm, model) pairs that are missing are not part of the experiment."""
    with house_style():
        rows = -(-len(models) // _COLUMNS)
        columns = min(_COLUMNS, len(models))
        height = 1.0 + rows * (0.55 + _BAR_INCHES * len(arms))
        figure = Figure(figsize=(2.4 + 4.3 * columns, height), layout="constrained")
        grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
        for place, axes in enumerate(grid.flat):
            if place >= len(models):
                axes.set_axis_off()
                continue
            _panel(axes, models[place], arms, stacks)
        handles = [Patch(facecolor=PHASE_COLOURS[name], label=text) for name, text in PHASE_NAMES.items()]
        figure.legend(handles=handles, loc="outside lower left", ncols=4, fontsize=8)
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def _panel(axes: Axes, model: str, arms: Sequence[Arm], stacks: Mapping[tuple[Arm, str], PhaseStack]) -> None:
    axes.set_title(model_name(model))
    axes.set_xlim(0, 100)
    axes.set_ylim(len(arms) - 0.4, -0.6)
    axes.set_yticks(range(len(arms)), [arm_name(arm) for arm in arms], fontsize=7.5)
    axes.set_xticks((0, 25, 50, 75, 100), ("0", "25", "50", "75", "100 %"), fontsize=7.5)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", color=FAINT, length=2)
    axes.spines["left"].set_visible(False)
    bars = {place: stack for place, arm in enumerate(arms) if (stack := stacks.get((arm, model))) is not None}
    totals = {place: sum(stack.parts_ns.values()) for place, stack in bars.items()}
    for place, stack in bars.items():
        if totals[place] <= 0:
            axes.text(1, place, f"× {stack.status}", va="center", fontsize=7, color=INK, style="italic")
        else:
            axes.text(101, place, seconds(totals[place]), va="center", fontsize=7, color=INK)
    places = [place for place in bars if totals[place] > 0]
    left = np.zeros(len(places))
    for name in PHASE_NAMES:
        width = np.array([100 * bars[place].parts_ns.get(name, 0.0) / totals[place] for place in places])
        axes.barh(places, width, 0.76, left=left, color=PHASE_COLOURS[name], edgecolor="white", linewidth=0.3)
        left = left + width
