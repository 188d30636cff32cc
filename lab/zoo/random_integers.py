"""Random integers that are the same on every machine: a counter-based generator in wrapping 64-bit arithmetic.

The finaliser is SplitMix64's (Steele, Lea & Flood, "Fast splittable pseudorandom number generators", 2014), applied to
key + counter × golden ratio, so that any stretch of any stream can be drawn without drawing what comes before.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)

DRAW_BITS = 20
"""Width of a draw: products of a draw with itself, summed over any layer here, stay exact in 64 bits."""


def key_of(*parts: str) -> int:
    """The 64-bit key of the stream that carries this name."""
    return int.from_bytes(hashlib.sha256("/".join(parts).encode()).digest()[:8], "little")


def words(key: int, start: int, count: int) -> NDArray[np.uint64]:
    """Words number start … start + count − 1 of a stream, uniform over 64 bits; shape [count]."""
    counters = np.arange(start, start + count, dtype=np.uint64)
    counters *= _GOLDEN
    counters += np.uint64(key)
    counters ^= counters >> np.uint64(30)
    counters *= _MIX_1
    counters ^= counters >> np.uint64(27)
    counters *= _MIX_2
    counters ^= counters >> np.uint64(31)
    return counters


def centred(key: int, start: int, count: int) -> NDArray[np.int64]:
    """Odd integers, uniform and symmetric about 0, of magnitude below 2^DRAW_BITS; shape [count].

    Being odd, none is 0 and their mean is exactly 0: no half step is left over.
    """
    drawn = words(key, start, count)
    drawn >>= np.uint64(64 - DRAW_BITS)
    return drawn.astype(np.int64) * 2 + (1 - (1 << DRAW_BITS))
