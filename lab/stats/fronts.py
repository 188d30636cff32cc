"""What is best for some purpose: the Pareto front of two costs, and the lower envelope of totals over inferences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeVar

Key = TypeVar("Key")


def pareto_front(costs: Mapping[Key, tuple[float, float]]) -> list[Key]:
    """Those that no other one beats in one cost without losing in the other, by the first cost, smallest first.

    Args:
        costs: two costs by key; less is better. Of keys that agree in both, all are on the front or none is.
    """
    front: list[Key] = []
    best = (math.inf, math.inf)
    for key, (first, second) in sorted(costs.items(), key=lambda item: item[1]):
        if second < best[1] or (first, second) == best:
            front.append(key)
            best = (first, second)
    return front


def lower_envelope(lines: Mapping[Key, tuple[float, float]]) -> list[tuple[Key, float]]:
    """Which line is lowest from where on, for one inference and more.

    Args:
        lines: by key, the time of the first inference with all that comes before it, and that of each further one.

    Returns:
        (key, number of inferences from which on it is lowest), the first from 1 on; empty without lines.
    """
    if not lines:
        return []
    current = min(lines, key=lambda key: lines[key])
    found = [(current, 1.0)]
    while True:
        cold, steady = lines[current]
        # an arm that starts no slower and infers as quickly or more so is the current one already
        crossings = [
            (1 + (other[0] - cold) / (steady - other[1]), other[1], key)
            for key, other in lines.items()
            if other[1] < steady
        ]
        if not crossings:
            return found
        number, _, current = min(crossings, key=lambda crossing: crossing[:2])
        found.append((current, number))
