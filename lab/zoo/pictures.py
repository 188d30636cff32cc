"""Pictures made by integer arithmetic: shading, soft clouds, hard edges and stripes; the same bytes everywhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.zoo.random_integers import key_of, words

_OCTAVES = ((4, 4), (9, 2), (28, 1))
"""Cells across the picture, and weight, of each layer of clouds."""
_DISCS = 7
_FINE = 1 << 10
"""Steps within a cell of the clouds' lattice."""

Ints = NDArray[np.int64]


def picture(side: int, number: int) -> NDArray[np.uint8]:
    """Picture `number`, RGB, uint8 [side, side, 3], whose channels span 0–255."""
    rows, columns = np.mgrid[0:side, 0:side].astype(np.int64)
    key = f"picture {number}"
    drawn = np.stack([_clouds(f"{key}/{channel}", side) for channel in range(3)], axis=-1)
    drawn += _shading(key, rows, columns, side)
    for disc in range(_DISCS):
        _draw_disc(drawn, f"{key}/disc {disc}", rows, columns, side)
    low, high = drawn.min(axis=(0, 1)), drawn.max(axis=(0, 1))
    stretched: NDArray[np.uint8] = ((drawn - low) * 255 // (high - low)).astype(np.uint8)
    return stretched


def _clouds(key: str, side: int) -> Ints:
    """Value noise: lattices of random heights, joined smoothly, the coarse ones the highest; [side, side]."""
    total = np.zeros((side, side), np.int64)
    for cells, weight in _OCTAVES:
        lattice = (words(key_of(key, str(cells)), 0, (cells + 1) ** 2) >> np.uint64(54)).astype(np.int64)
        total += weight * _smooth(lattice.reshape(cells + 1, cells + 1), side)
    return total


def _smooth(lattice: Ints, side: int) -> Ints:
    """The lattice's heights at every pixel, between its points by 3t² − 2t³."""
    cells = lattice.shape[0] - 1
    position = np.arange(side, dtype=np.int64) * cells * _FINE // side
    cell, within = position // _FINE, position % _FINE
    ease = within * within * (3 * _FINE - 2 * within) // _FINE**2
    down, right = ease[:, None], ease[None, :]
    top, bottom = lattice[cell], lattice[cell + 1]
    upper = top[:, cell] * (_FINE - right) + top[:, cell + 1] * right
    lower = bottom[:, cell] * (_FINE - right) + bottom[:, cell + 1] * right
    heights: Ints = (upper * (_FINE - down) + lower * down) // _FINE**2
    return heights


def _shading(key: str, rows: Ints, columns: Ints, side: int) -> Ints:
    """A slope across the picture in each channel, in a direction of its own; [side, side, 3]."""
    slopes = (words(key_of(key, "shading"), 0, 6) >> np.uint64(53)).astype(np.int64) - 1024
    return np.stack([(rows * slopes[c] + columns * slopes[c + 3]) // side for c in range(3)], axis=-1)


def _draw_disc(drawn: Ints, key: str, rows: Ints, columns: Ints, side: int) -> None:
    """A disc with a hard edge, plain or striped, in a colour of its own, drawn over what is there."""
    draws = (words(key_of(key), 0, 8) >> np.uint64(54)).astype(np.int64)
    row, column = draws[0] * side // 1024, draws[1] * side // 1024
    radius = side // 16 + draws[2] * side // 6144
    inside = (rows - row) ** 2 + (columns - column) ** 2 < radius * radius
    period = 4 + draws[3] % 9
    if draws[4] % 2:
        inside &= (rows + columns) % (2 * period) < period
    drawn[inside] = drawn[inside] // 4 + draws[5:8] * 6
