"""Whether neighbouring blocks resemble each other, by ranks: what persists from block to block is no fresh evidence.

The rank version of von Neumann's ratio (Bartels, JASA 77, 1982) sets the squared steps between neighbours' ranks
against the spread of all ranks. It needs no shape of the noise, and works from ten blocks on.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from lab.stats.estimate import Floats

_SIGNIFICANT_DECIMALS = 12


def serial_correlation(values: Floats) -> Floats:
    """Correlation of each block's rank with the next one's: 1 - RVN / 2, on average 0 for independent blocks.

    Args:
        values: in order of blocks, shape (…, n).

    Returns:
        Shape (…), from -1 to 1; 0 for fewer than three blocks, or if all are the same.
    """
    if values.shape[-1] < 3:
        return np.zeros(values.shape[:-1])
    rows = _ranks(values.reshape(-1, values.shape[-1]))
    centred = rows - rows.mean(axis=-1, keepdims=True)
    spread = (centred**2).sum(axis=-1)
    steps = (np.diff(centred, axis=-1) ** 2).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = np.where(spread > 0, 1 - steps / spread / 2, 0.0)
    return np.asarray(np.clip(correlation, -1, 1).reshape(values.shape[:-1]))


def serial_p(correlation: Floats | float, n: int) -> float:
    """The one-sided p-value of `serial_correlation` among n independent blocks: small means that neighbours are alike.

    Bartels' beta approximation, good to a few thousandths from ten blocks on.
    """
    shape = 5 * n * (n + 1) * (n - 1) ** 2 / (2 * (n - 2) * (5 * n**2 - 2 * n - 9)) - 0.5
    return float(special.betainc(shape, shape, (1 - float(correlation)) / 2))


def _ranks(rows: Floats) -> Floats:
    """Midranks of each row; values that differ by the rounding of a logarithm only are ties."""
    rounded = np.round(rows, _SIGNIFICANT_DECIMALS)
    order = np.argsort(rounded, axis=-1, kind="stable")
    ranks = np.empty(rows.shape)
    np.put_along_axis(ranks, order, np.arange(1.0, rows.shape[-1] + 1)[None, :], axis=-1)
    ordered = np.take_along_axis(rounded, order, axis=-1)
    for row in np.flatnonzero((np.diff(ordered, axis=-1) == 0).any(axis=-1)):
        below, above = (np.searchsorted(ordered[row], rounded[row], side) for side in ("left", "right"))
        ranks[row] = (below + above + 1) / 2
    return ranks


def dependence_text(correlation: float, n: int, counts_as: float) -> str:
    """``trials are not independent (blocks resemble the one before: …), so that 20 blocks count as 6``."""
    alike = f"blocks resemble the one before: rank correlation {correlation:.2f}, p = {serial_p(correlation, n):.2g}"
    return f"trials are not independent ({alike}), so that {n} blocks count as {counts_as:.0f}"
