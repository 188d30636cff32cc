"""Which cases run in which block.

Block 0 visits every case once, those predicted to be cheapest first; cases of about equal cost (within a factor of
two) are in random order. The first case of an arm, its cheapest, counts as sixteen times cheaper than it is: so each
arm's speed is known before expensive cases come up, and an arm whose precompilation takes minutes is not left to the
end. The first case of a system on a network counts as four times cheaper: a large network under one more runtime is
worth more than one more batch or guest of a pair that is known.

Later blocks hold every case that is still wanted and affordable, in a random order of their own, each together with its
native baseline: overheads are paired within blocks.

Cheap cases get more blocks than expensive ones by the plan: within a block's allowance they are taken in ascending
order of cost.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable

import msgspec

from lab.core.case import Case
from lab.core.experiment import Tier
from lab.core.names import Flag
from lab.core.trial import Kind, Outcome, Trial, counted

# Of the budget, what block 0 may use: the rest buys repeats of what is affordable.
PILOT_SHARE = 0.8
# How many times cheaper an arm's first case counts: what it shows of the arm's other cases is worth so much.
FIRST_OF_ITS_ARM = 16.0
# The same of a system's first case on a network, whatever the guest and the batch.
FIRST_ON_ITS_NETWORK = 4.0
# Outcomes that one repeat may cure; a time-out or a memory limit would only be met again at full price.
_RETRIED_ONCE = {Outcome.CRASHED, Outcome.WRONG_OUTPUT}
# A case that the engine fails is tried again in later blocks, in case the engine's trouble passes.
MOST_ENGINE_FAILURES = 3
_Group = tuple[str, ...]


class CaseProgress(msgspec.Struct):
    """What is known of a case so far.

    Attributes:
        blocks: blocks in which it ran ok.
        failures: trials that ran, or could not even be started, and did not end ok.
        engine_failures: trials that the engine could not bring to a report; they show nothing of the case.
        last: the last outcome; None if never visited.
        cost_s: mean wall time of its trials, container included; None if never run.
    """

    blocks: set[int]
    failures: int = 0
    engine_failures: int = 0
    last: Outcome | None = None
    cost_s: float | None = None

    @property
    def visited(self) -> bool:
        """Whether anything at all is known."""
        return self.last is not None

    @property
    def alive(self) -> bool:
        """Whether running it again could add anything."""
        if self.last is None or self.last is Outcome.OVER_BUDGET:
            return False
        if self.engine_failures and not self.failures and not self.blocks:
            return self.engine_failures < MOST_ENGINE_FAILURES
        # What never ran for want of an artifact or an executable will not run the next time either.
        retriable = self.last in _RETRIED_ONCE and self.failures < 2 and self.cost_s is not None
        return bool(self.blocks) or retriable


def case_progress(cases: Iterable[Case], trials: Iterable[Trial], container_s: float) -> dict[Case, CaseProgress]:
    """Where each case stands after some trials."""
    found = {case: CaseProgress(set()) for case in cases}
    spent: dict[Case, list[float]] = {}
    for trial in trials:
        standing = found.get(trial.case) if trial.kind is Kind.RUN else None
        if standing is None:
            continue
        standing.last = trial.outcome
        if trial.outcome is Outcome.OK:
            standing.blocks.add(trial.block)
        elif Flag.ENGINE_FAILURE in trial.flags:
            standing.engine_failures += 1
        elif trial.outcome is not Outcome.OVER_BUDGET:
            standing.failures += 1
        if trial.total_ns is not None:
            spent.setdefault(trial.case, []).append(trial.total_ns / 1e9 + container_s)
    for case, seconds in spent.items():
        found[case].cost_s = sum(seconds) / len(seconds)
    return found


def beside_baseline(trials: Iterable[Trial]) -> Callable[[Case], list[Trial]]:
    """The trials of a case and of its baseline that count: found for every case in one pass over the trials."""
    by_case: dict[Case, list[Trial]] = {}
    for trial in counted([*trials]):
        by_case.setdefault(trial.case, []).append(trial)
    return lambda case: [trial for each in {case, case.baseline} for trial in by_case.get(each, ())]


def pilot_next(costs: dict[Case, float], seed: int, tried: Iterable[Case] = ()) -> Case:
    """Block 0's next case: the cheapest octave first, random within an octave; what is not yet known counts as cheaper.

    Args:
        costs: predicted seconds of every case not yet visited; at least one.
        seed: the campaign's.
        tried: cases that have been visited.
    """
    known = {group for case in tried for group in _groups(case)}
    cheapest: dict[_Group, Case] = {}
    for case in sorted(costs, key=lambda other: (costs[other], other.id)):
        for group in _groups(case):
            cheapest.setdefault(group, case)

    def rank(case: Case) -> tuple[int, float, str]:
        firsts = [worth for group, worth in _groups(case).items() if group not in known and cheapest[group] == case]
        octave = math.floor(math.log2(max(costs[case], 1e-3) / max(firsts, default=1.0)))
        return octave, random.Random(f"{seed} {case.id}").random(), case.id  # noqa: S311 - an order, not a secret

    return min(costs, key=rank)


def _groups(case: Case) -> dict[_Group, float]:
    """What a case is one of, each with the discount for being the first."""
    return {(case.arm.id,): FIRST_OF_ITS_ARM, (case.arm.system, case.model): FIRST_ON_ITS_NETWORK}


def next_block(
    block: int,
    known: dict[Case, CaseProgress],
    tier: Tier,
    remaining_s: float,
    precise: Callable[[Case], bool],
    seed: int,
) -> list[Case]:
    """The cases of block `block` (≥ 1), in their order; empty if nothing more is wanted or affordable.

    Args:
        block: its number.
        known: case_progress of every case.
        tier: how many blocks are wanted.
        remaining_s: what is left of the budget.
        precise: whether a case's overhead is already known as precisely as wanted.
        seed: the campaign's.
    """
    wanted = [case for case, standing in known.items() if standing.alive and _wants(case, standing, tier, precise)]
    blocks_to_go = max(1, tier.min_blocks - block)
    chosen: dict[Case, None] = {}
    allowance = remaining_s / blocks_to_go
    for case in sorted(wanted, key=lambda other: (known[other].cost_s or 0.0, other.id)):
        together = [
            other for other in (case, case.baseline) if other in known and known[other].alive and other not in chosen
        ]
        cost = sum(known[other].cost_s or 0.0 for other in together)
        if cost <= allowance:
            allowance -= cost
            chosen.update(dict.fromkeys(together))
    order = sorted(chosen, key=lambda other: other.id)
    random.Random(f"{seed} {block}").shuffle(order)  # noqa: S311
    return order


def _wants(case: Case, standing: CaseProgress, tier: Tier, precise: Callable[[Case], bool]) -> bool:
    done = len(standing.blocks)
    return done < tier.min_blocks or (done < tier.max_blocks and not precise(case))
