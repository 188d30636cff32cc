"""Labels beside points: each where it covers neither a point nor a label placed before it, if there is such a place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from lab.report.figures.style import FAINT
from lab.stats.estimate import Floats

_DISTANCES = (5.0, 9.0, 15.0, 23.0, 33.0, 45.0, 60.0, 80.0)  # of a label's nearest edge from its point, in points
_DIRECTIONS = (0, 180, 90, 270, 45, 135, 315, 225, 20, 160, 340, 200)  # in degrees, those tried first preferred
_LEADER_FROM = 12.0  # a label further away than this gets a line to its point
_POINT_RADIUS = 4.5


class Label(NamedTuple):
    """What stands beside one point: its place in data, and the text; labels that matter come first."""

    x: float
    y: float
    text: str
    is_bold: bool = False


def place_labels(axes: Axes, labels: Sequence[Label], size: float = 7.5) -> None:
    """Add the labels. The figure's layout must be done, and the axes' limits be final.

    Args:
        axes: that hold the points.
        labels: of all points, in the order in which they may choose a place.
        size: of the text, in points.
    """
    scale = axes.figure.dpi / 72
    points = [axes.transData.transform((label.x, label.y)) for label in labels]
    radius = _POINT_RADIUS * scale
    taken = [(x - radius, y - radius, x + radius, y + radius) for x, y in points]
    inside = np.array(axes.get_window_extent().extents)
    for label, (x, y) in zip(labels, points, strict=True):
        weight: Any = {"fontweight": "bold" if label.is_bold else "normal", "fontsize": size}
        text = axes.annotate(
            label.text, (label.x, label.y), (0, 0), textcoords="offset points", ha="center", va="center", **weight
        )
        text.set_in_layout(False)
        text.set_zorder(6)
        extent = text.get_window_extent()
        offsets, distances = _places(extent.width, extent.height, scale)
        half = np.array([extent.width, extent.height]) / 2
        boxes = np.hstack([offsets - half, offsets + half]) + np.array([x, y, x, y])
        costs: Floats = np.add(_covered(boxes, np.array(taken)), _outside(boxes, inside))
        best = int(costs.argmin())
        taken.append(tuple(boxes[best].tolist()))
        across, up = offsets[best] / scale
        text.set_position((across, up))
        if distances[best] >= _LEADER_FROM:
            _leader(axes, label, (across, up), half / scale)


def _places(width: float, height: float, scale: float) -> tuple[Floats, Floats]:
    """Offsets of a label's centre from its point in pixels, shape (places, 2); its edge's distance in points."""
    found, distances = [], []
    for distance in _DISTANCES:
        for degrees in _DIRECTIONS:
            across, up = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
            gap = distance * scale
            found.append((across * gap + _towards(across) * width / 2, up * gap + _towards(up) * height / 2))
            distances.append(distance)
    return np.array(found), np.array(distances)


def _towards(part: float) -> float:
    return 0.0 if abs(part) < 0.3 else math.copysign(1.0, part)


def _covered(boxes: Floats, taken: Floats) -> Floats:
    """Pixels that each box shares with those that are taken; boxes are (left, bottom, right, top)."""
    low = np.maximum(boxes[:, None, :2], taken[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], taken[None, :, 2:])
    return np.asarray(np.clip(high - low, 0, None).prod(axis=-1).sum(axis=-1))


def _outside(boxes: Floats, inside: Floats) -> Floats:
    """Pixels of each box that are not within the axes."""
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=-1)
    return np.asarray(areas - _covered(boxes, inside[None, :]))


def _leader(axes: Axes, label: Label, offset: tuple[float, float], half: Floats) -> None:
    """A thin line from the point to the nearest place of its label; sizes in points."""
    across, up = (
        center - math.copysign(min(abs(center), side), center) for center, side in zip(offset, half, strict=True)
    )
    line: Any = {"arrowstyle": "-", "color": FAINT, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3}
    arrow = axes.annotate("", (label.x, label.y), (across, up), textcoords="offset points", arrowprops=line)
    arrow.set_in_layout(False)
