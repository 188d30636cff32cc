"""Which sets of cases to buy with the time that is left, so that most questions are answered.

A question (`lab.core.want.Want`) is answered by several cases together, in blocks that hold all of them. Bought one by
one, cheapest first, cases would answer few: the last one of a set is what counts. So sets are bought, that of the
greatest value per further second first; what one set pays for, the next one has for free.

The rule looks at how many blocks a set has in common, how wide its interval is and what its cases cost. It never looks
at where an interval lies: which way an answer goes decides nothing about what is measured next.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from lab.campaign.schedule import CaseProgress
from lab.campaign.sets.measurements import Measurements
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.trial import Outcome
from lab.core.want import Want

_CHEAPEST_S = 1e-3
Costs = Callable[[Case], float]


class Purchase(msgspec.Struct, frozen=True):
    """Sets to buy.

    Attributes:
        wants: in the order in which they are bought.
        blocks: by case, how many further blocks it has to run in.
        cost_s: predicted seconds of all of it.
    """

    wants: tuple[Want, ...] = ()
    blocks: Mapping[Case, int] = {}
    cost_s: float = 0.0

    def reserved_s(self, case: Case) -> float:
        """What must be left of a budget when a case is visited: its share in the sets is paid for already."""
        return 0.0 if case in self.blocks else self.cost_s


def purchase(
    wants: Sequence[Want],
    measured: Measurements,
    progress: Mapping[Case, CaseProgress],
    cost: Costs,
    left_s: float,
    most: int,
    once: Mapping[Arm, float] = MappingProxyType({}),
) -> Purchase:
    """The sets that the time left buys: the greatest value per further second first.

    Args:
        wants: of all questions.
        measured: what has been measured for them.
        progress: of every case; a case that is not alive, and not only cut, makes its set unobtainable.
        cost: predicted seconds of one trial of a case; infinite if it must not run.
        left_s: seconds to spend.
        most: blocks that no case exceeds.
        once: predicted seconds of the precompilation that an arm still needs before its first trial.
    """
    lacking = {want: more for want in wants if (more := _further(want, measured, progress, most)) > 0}
    running = {want: measured.running(want) for want in lacking}
    bought: list[Want] = []
    paid: dict[Case, int] = {}
    unready = dict(once)
    spent_s = 0.0

    def price_s(want: Want) -> float:
        """Seconds that the want costs beyond what is bought already."""
        further = [(case, more) for case in running[want] if (more := lacking[want] - paid.get(case, 0)) > 0]
        arms = {case.arm for case, _ in further} & unready.keys()
        return math.fsum([*(more * cost(case) for case, more in further), *(unready[arm] for arm in arms)])

    prices = {want: price_s(want) for want in lacking}
    while prices:
        best = min(prices, key=lambda want: (max(prices[want], _CHEAPEST_S) / want.value, want.name))
        price = prices.pop(best)
        if spent_s + price > left_s:
            continue
        bought.append(best)
        spent_s += price
        grown = {case for case in running[best] if lacking[best] > paid.get(case, 0)}
        paid |= dict.fromkeys(grown, lacking[best])
        ready = {case.arm for case in grown} & unready.keys()
        for arm in ready:
            del unready[arm]
        prices = {
            want: price_s(want) if running[want] & grown or ready & {case.arm for case in running[want]} else old
            for want, old in prices.items()
        }
    return Purchase(tuple(bought), paid, spent_s)


def _further(want: Want, measured: Measurements, progress: Mapping[Case, CaseProgress], most: int) -> int:
    """Blocks the want still lacks; 0 if it lacks none or cannot be had."""
    if want.quantity is not None:
        for case in measured.running(want):
            known = progress[case]
            waits = not known.visited or known.last is Outcome.OVER_BUDGET
            if not (known.alive or waits) or len(known.blocks) >= most:
                return 0
    return measured.lacks(want)
