"""Intervals of a comparison are drawn where they are, and what lies beyond the axis is an arrow."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from lab.report.compare.case_changes import Change
from lab.report.page.intervals import IntervalAxis
from lab.stats.estimate import Estimate


def estimate(value: float | None, low: float | None = None, high: float | None = None) -> Estimate:
    return Estimate(value, low, high, 0.95, "welch", 10)


def bar(svg: str) -> tuple[float, float]:
    found = re.search(r'<line x1="([\d.]+)" x2="([\d.]+)" y1="11" y2="11" class="bar"/>', svg)
    assert found is not None
    return float(found[1]), float(found[2])


def test_a_farther_ratio_is_farther_to_the_right_and_its_interval_holds_its_mark() -> None:
    lines = [estimate(1.1, 1.05, 1.15), estimate(2.0, 1.8, 2.2)]
    axis = IntervalAxis(lines, 0.02)
    near, far = (bar(axis.line(line, Change.WORSE)) for line in lines)
    assert 0 < near[0] < near[1] < far[0] < far[1] <= 300


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.06), (1.04, float("inf"))])
def test_an_end_without_a_bound_is_an_arrow_within_the_drawing(low: float, high: float) -> None:
    axis = IntervalAxis([estimate(1.05, low, high)], 0.02)
    svg = axis.line(estimate(1.05, low, high), Change.UNDETERMINED)
    assert svg.count("<path") == 2  # the mark and one arrow
    assert all(0 <= end <= 300 for end in bar(svg))


def test_nothing_is_drawn_where_nothing_was_measured_and_one_is_always_on_the_axis() -> None:
    axis = IntervalAxis([estimate(None)], 0.02)
    assert axis.line(estimate(None), None) == ""
    assert ">1×<" in axis.head()


def test_ticks_are_apart_however_wide_the_axis_is() -> None:
    for value in (1.003, 1.3, 40.0, 9000.0, 0.0004):
        places = [float(x) for x in re.findall(r'<text x="([\d.]+)"', IntervalAxis([estimate(value)], 0.001).head())]
        assert len(places) >= 2
        assert all(right - left >= 42 for left, right in pairwise(places))
