"""How much a kernel has to grow for SAME to do what explicit padding did."""

from __future__ import annotations

from typing import NamedTuple


class Growth(NamedTuple):
    """Zeros before and after a kernel along one axis."""

    before: int
    after: int


def growth(size: int, kernel: int, stride: int, before: int, after: int) -> Growth | None:
    """How to grow a kernel so that SAME does what padding by `before` and `after` and VALID did; None: not at all.

    Args:
        size: of the unpadded input along the axis.
        kernel: of the kernel.
        stride: of the convolution.
        before: zeros at the start.
        after: zeros at the end.
    """
    outputs = (size + before + after - kernel) // stride + 1
    if outputs != -(-size // stride):
        return None
    for grown in range(kernel, 2 * kernel + 1):
        for first in range(grown - kernel + 1):
            total = max((outputs - 1) * stride + grown - size, 0)
            if total // 2 - first == before:
                return Growth(first, grown - kernel - first)
    return None
