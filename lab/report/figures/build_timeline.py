"""Where the minutes of a build went: bars in the rows of the workers; the chain that was waited for is dark."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lab.report.figures.style import FAINT, INK, house_style
from lab.store.build_times import BuildTime, lanes, waited_for

_WAITED_FOR, _BESIDE, _FAILED = "#0072B2", "#BFD9EA", "#D55E00"
_ROW_INCHES = 0.42
_WIDE_ENOUGH = 0.035
"""A bar's share of the whole from which its name is written into the figure; the table has all."""


def draw_timeline(title: str, records: Sequence[BuildTime]) -> Figure:
    """The figure of one command's build; minutes from its first step on.

    Args:
        title: its heading.
        records: at least one, in the order they started.
    """
    begin, end = records[0].started_at, max(record.ended_at for record in records)
    chain, rows = waited_for(records), lanes(records)
    with house_style():
        figure = Figure(figsize=(9.0, 1.5 + _ROW_INCHES * (1 + max(rows))), layout="constrained")
        axes = figure.subplots()
        for record, row in zip(records, rows, strict=True):
            colour = _FAILED if not record.ok else _WAITED_FOR if record in chain else _BESIDE
            start, length = (record.started_at - begin) / 60, record.seconds / 60
            axes.barh(row, length, left=start, height=0.72, color=colour, edgecolor="white", linewidth=0.6)
            if record.seconds >= _WIDE_ENOUGH * (end - begin):
                ink = "white" if colour == _WAITED_FOR else INK
                text = f"{record.step}\n{length:.1f} min"
                axes.text(start + length / 2, row, text, ha="center", va="center", fontsize=6, color=ink, clip_on=True)
        axes.set_xlim(0, max((end - begin) / 60, 0.01))
        axes.set_ylim(max(rows) + 0.6, -0.6)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="x", color=FAINT)
        axes.set_xlabel("minutes since the first step; a row for each step at a time")
        axes.grid(axis="x")
        names = {_WAITED_FOR: "what the end waited for", _BESIDE: "beside it", _FAILED: "failed"}
        if all(record.ok for record in records):
            del names[_FAILED]
        figure.legend(
            handles=[Patch(facecolor=colour, label=text) for colour, text in names.items()],
            loc="outside lower left",
            ncols=len(names),
            fontsize=8,
        )
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure
