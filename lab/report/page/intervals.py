"""Ratios with their intervals as lines of SVG on one logarithmic axis, a mark for each verdict, none by colour."""

from __future__ import annotations

import math
from collections.abc import Iterable

from lab.report.compare.case_changes import Change
from lab.report.display import digits
from lab.report.page.text import escape
from lab.stats.estimate import Estimate

_WIDTH, _EDGE, _MIDDLE = 300, 8, 11
_FEWEST_PIXELS = 42
_UP = (1.001, 1.002, 1.005, 1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000)
_DOWN = (0.999, 0.998, 0.995, 0.99, 0.98, 0.95, 0.9, 0.8, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001, 0.0001)
_FARTHEST = 3.0
"""An interval is drawn to its end up to so many times as far from 1, by logarithms, as the farthest value."""
MARKS = {
    Change.WORSE: '<path d="M{x} 4l7 12h-14z" class="worse"/>',
    Change.BETTER: '<path d="M{x} 18l7 -12h-14z" class="better"/>',
    Change.DIFFERS: '<path d="M{x} 4l6 7-6 7-6-7z" class="hollow"/>',
    Change.EQUIVALENT: '<circle cx="{x}" cy="11" r="5" class="hollow"/>',
    Change.UNDETERMINED: '<path d="M{x} 11m-5 -5l10 10m0 -10l-10 10" class="hollow"/>',
    Change.IDENTICAL: '<path d="M{x} 5v12" class="hollow"/>',
}
"""SVG of each verdict's mark at x: triangles for worse and better, hollow marks for the rest."""
_MEAN = '<circle cx="{x}" cy="11" r="4" class="worse"/>'


class IntervalAxis:
    """One axis for several ratios.

    Args:
        estimates: what is drawn on it.
        margin: smallest difference that matters, as a fraction; drawn as a band.
    """

    def __init__(self, estimates: Iterable[Estimate], margin: float) -> None:
        drawn = [estimate for estimate in estimates if estimate.value is not None]
        self._margin = math.log1p(margin)
        values = [math.log(estimate.value) for estimate in drawn if estimate.value is not None]
        ends = [math.log(end) for estimate in drawn for end in (estimate.low, estimate.high) if end]
        self._high = self._reach(values, ends)
        self._low = -self._reach([-value for value in values], [-end for end in ends])

    def _reach(self, values: list[float], ends: list[float]) -> float:
        """How far the axis goes from 1 in one direction, as a logarithm."""
        farthest = max(self._margin * 1.5, *values, 0.0)
        return max(farthest * 1.1, min(max(ends, default=0.0) * 1.05, farthest * _FARTHEST))

    def _at(self, log: float) -> float:
        share = (log - self._low) / (self._high - self._low)
        return round(_EDGE + (_WIDTH - 2 * _EDGE) * min(1.0, max(0.0, share)), 1)

    def _ticks(self) -> list[float]:
        found = [1.0]
        for side in (_UP, _DOWN):
            last = self._at(0.0)
            for tick in side:
                place = self._at(math.log(tick))
                if self._low <= math.log(tick) <= self._high and abs(place - last) >= _FEWEST_PIXELS:
                    found.append(tick)
                    last = place
        return sorted(found)

    def _grid(self, height: int) -> str:
        lines = (
            f'<line x1="{x}" x2="{x}" y1="0" y2="{height}" class="{"one" if tick == 1 else "grid"}"/>'
            for tick in self._ticks()
            for x in (self._at(math.log(tick)),)
        )
        return "".join(lines)

    def head(self) -> str:
        """The axis with its ticks; hidden from screen readers, which get numbers."""
        texts = "".join(
            f'<text x="{self._at(math.log(tick))}" y="12" text-anchor="middle" class="soft">{tick:g}×</text>'
            for tick in self._ticks()
        )
        return f'<svg class="interval axis" viewBox="0 0 {_WIDTH} 16" aria-hidden="true">{texts}</svg>'

    def line(self, estimate: Estimate, change: Change | None) -> str:
        """One ratio with its interval; empty where there is none. Arrows are for what goes beyond the axis."""
        if estimate.value is None:
            return ""
        band = self._at(-self._margin), self._at(self._margin)
        parts = [f'<rect x="{band[0]}" width="{round(band[1] - band[0], 1)}" y="0" height="22" class="margin"/>']
        parts.append(self._grid(22))
        text = f"{digits(estimate.value)} times"
        if estimate.low is not None and estimate.high is not None:
            text += f", interval {estimate.low:.4g} to {estimate.high:.4g}"
            parts.append(self._bar(estimate.low, estimate.high))
        x = self._at(math.log(estimate.value))
        parts.append((MARKS[change] if change else _MEAN).format(x=x))
        label = escape(f"{text}, {change}" if change else text)
        svg = f'viewBox="0 0 {_WIDTH} 22" role="img" aria-label="{label}"'
        return f'<svg class="interval" {svg}>{"".join(parts)}</svg>'

    def _bar(self, low: float, high: float) -> str:
        """From end to end; an end of 0 or infinity is beyond every axis."""
        ends = (math.log(low) if low > 0 else -math.inf, math.log(high) if high < math.inf else math.inf)
        x1, x2 = (self._at(end) for end in ends)
        bar = f'<line x1="{x1}" x2="{x2}" y1="{_MIDDLE}" y2="{_MIDDLE}" class="bar"/>'
        if ends[0] < self._low:
            bar += f'<path d="M{x1} {_MIDDLE}l6 -4v8z" class="worse"/>'
        if ends[1] > self._high:
            bar += f'<path d="M{x2} {_MIDDLE}l-6 -4v8z" class="worse"/>'
        return bar
