"""A critical-difference diagram (Demšar, JMLR 7, 2006): mean ranks on a line, a bar over arms that rank alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.core.arm import Arm
from lab.report.display import arm_name, digits
from lab.report.figures.style import FAINT, INK, ArmStyle, arm_styles, house_style
from lab.stats.rankings import Ranking
from lab.stats.tournament import Tournament

_ROW_INCHES = 0.24
_AXIS_INCHES = 4.6  # of the line of ranks; names take the rest on both sides
_WIDTH_INCHES = 10.0
_GROUP_ROWS = 0.55  # distance of two bars, in rows
_MANY = 16  # arms from which on every fifth rank is numbered
_ABOVE, _BELOW = 3.4, 0.6  # rows over the line, and under the last name


def draw_ranking(
    title: str, ranking: Ranking | Tournament, arms: Mapping[str, Arm], labels: Mapping[Arm, str] | None = None
) -> Figure:
    """The diagram; `arms` by the names of the ranking, `labels` where their names alone do not say which they are."""
    names = list(ranking.mean_ranks)
    labels = labels or {arm: arm_name(arm) for arm in arms.values()}
    first_row = 1.0 + _GROUP_ROWS * len(ranking.groups)
    rows = first_row + -(-len(names) // 2)
    with house_style():
        height = _ROW_INCHES * (rows + _ABOVE + _BELOW) + 0.35
        figure = Figure(figsize=(_WIDTH_INCHES, height), layout="constrained")
        axes = figure.subplots()
        axes.set_axis_off()
        margin = (_WIDTH_INCHES / _AXIS_INCHES - 1) / 2 * (len(names) - 1)
        axes.set_xlim(1 - margin, len(names) + margin)
        axes.set_ylim(rows + _BELOW, -_ABOVE)
        _line(axes, len(names))
        _difference(axes, ranking)
        _hint(axes, ranking)
        _groups(axes, ranking)
        _names(axes, ranking, arms, labels, first_row)
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def _line(axes: Axes, count: int) -> None:
    axes.hlines(0, 1, count, color=INK, linewidth=1.0)
    axes.vlines(range(1, count + 1), -0.35, 0, color=INK, linewidth=1.0)
    for rank in [1, *range(5, count + 1, 5)] if count > _MANY else range(1, count + 1):
        axes.text(rank, -0.5, str(rank), ha="center", va="bottom", fontsize=8)


def _difference(axes: Axes, ranking: Ranking | Tournament) -> None:
    """The critical difference as a length above the line; pairs that are compared by themselves have none."""
    if isinstance(ranking, Tournament) or ranking.critical_difference is None:
        return
    end = 1 + ranking.critical_difference
    axes.hlines(-2.0, 1, end, color=INK, linewidth=1.4)
    axes.vlines([1, end], -2.25, -1.75, color=INK, linewidth=1.4)
    text = f"critical difference {digits(ranking.critical_difference, 3)}"
    axes.text(1, -2.35, text, ha="left", va="bottom", fontsize=8)


def _hint(axes: Axes, ranking: Ranking | Tournament) -> None:
    if ranking.groups:
        hint = "a thick bar joins arms that cannot be distinguished; where it has dots, those alone"
        axes.text(len(ranking.mean_ranks), -2.35, hint, ha="right", va="bottom", fontsize=8, color=FAINT)


def _groups(axes: Axes, ranking: Ranking | Tournament) -> None:
    names = list(ranking.mean_ranks)
    for place, group in enumerate(ranking.groups):
        ranks, row = [ranking.mean_ranks[arm] for arm in group], 0.6 + _GROUP_ROWS * place
        axes.hlines(row, ranks[0] - 0.04, ranks[-1] + 0.04, color=INK, linewidth=3.6, zorder=4)
        if names.index(group[-1]) - names.index(group[0]) >= len(group):  # others lie between
            axes.plot(ranks, [row] * len(ranks), "o", color="white", markeredgecolor=INK, markersize=5, zorder=5)


def _names(
    axes: Axes,
    ranking: Ranking | Tournament,
    arms: Mapping[str, Arm],
    labels: Mapping[Arm, str],
    first_row: float,
) -> None:
    """The better half to the left, best on top; the other to the right, worst on top: so no two lines cross."""
    names = list(ranking.mean_ranks)
    half = -(-len(names) // 2)
    styles = arm_styles(list(arms.values()))
    for place, name in enumerate(names):
        is_left = place < half
        row = first_row + (place if is_left else len(names) - 1 - place)
        arm = arms[name]
        _name(axes, ranking.mean_ranks[name], row, len(names), labels[arm], styles[arm], is_left=is_left)


def _name(axes: Axes, rank: float, row: float, count: int, label: str, style: ArmStyle, *, is_left: bool) -> None:
    gap = 0.02 * (count - 1)
    end = 1 - 2 * gap if is_left else count + 2 * gap
    line: Any = {"color": style.colour, "linewidth": 1.2, "solid_joinstyle": "miter", "zorder": 3}
    axes.plot([rank, rank, end], [0, row, row], **line)
    axes.plot([rank], [0], style.marker, color=style.colour, markeredgecolor="white", markersize=5.4, zorder=5)
    where: Any = {"ha": "right" if is_left else "left", "va": "center", "fontsize": 8.5}
    axes.text(end - gap if is_left else end + gap, row, label, color=INK, **where)
    inner: Any = {"ha": "left" if is_left else "right", "va": "bottom", "fontsize": 6.5, "color": FAINT}
    axes.text(end, row - 0.02, digits(rank, 2), **inner)
