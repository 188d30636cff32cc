"""What many hosts finish when: a simulation of campaigns in which hosts differ, straggle, fail and come back.

Blocks are given out as `lab.cluster.assignment` does: whole, to the host that is free first. A host's speed is drawn
once, a trial's time around its case's mean, and failures from the mean time between them; a host that failed is
away for some minutes, and what it lost of its block is run again by whoever is free. What an arm precompiles, each host
precompiles once. The scheduler answers one question at a time.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator, Sequence
from statistics import median
from typing import NamedTuple

import msgspec

from lab.campaign.plan_estimate import PlanEstimate
from lab.campaign.prediction import guess_compile_s
from lab.core.arm import Mode
from lab.core.case import Case

STRAGGLERS, SLOWER = 0.05, 2.0
BETWEEN_FAILURES_S, AWAY_S = 7 * 86_400.0, 600.0
SPREAD_OF_HOSTS, SPREAD_OF_TRIALS = 0.05, 0.02
ROUND_TRIP_S = 0.011
"""Of a question over loopback, as measured."""
DRAWS = 5


class CaseCost(NamedTuple):
    """What a case costs on an ordinary host.

    Attributes:
        trial_s: seconds of a trial, container start included.
        compiled: name of what its first trial on a host precompiles; None if nothing.
        compile_s: seconds of that.
    """

    trial_s: float
    compiled: str | None = None
    compile_s: float = 0.0


class Simulated(NamedTuple):
    """What a simulated campaign came to.

    Attributes:
        seconds: until its last trial.
        used: share of the hosts' time in which they measured.
        scheduler: share of the time in which the scheduler was busy.
        trials: that were run.
        failures: of hosts.
    """

    seconds: float
    used: float
    scheduler: float
    trials: int
    failures: int


class HostsEstimate(msgspec.Struct, frozen=True):
    """What a number of hosts is estimated to need.

    Attributes:
        hosts: how many.
        minimum_s: seconds until every case within the cell budget has the tier's minimum of blocks; the median of
            simulated campaigns.
        maximum_s: seconds until every such case has the tier's maximum.
        used: share of the hosts' time that is measured in, of the minimum.
    """

    hosts: int
    minimum_s: float
    maximum_s: float
    used: float


def estimate_hosts(plan: PlanEstimate, hosts: int, cell_budget_s: float, seed: int = 1) -> tuple[HostsEstimate, ...]:
    """Estimate a tier on 1, 2, 4, … and that many hosts.

    Args:
        plan: what its cases cost.
        hosts: the most.
        cell_budget_s: cases whose trial takes longer are left out.
        seed: of the draws.

    Returns:
        Nothing if no case's cost is known.
    """
    costs = [*_costs(plan, cell_budget_s)]
    if not costs:
        return ()
    counts = [*(2**power for power in range((hosts - 1).bit_length())), hosts]
    found = []
    for count in counts:
        least, most = (
            [simulate(count, costs, blocks, ROUND_TRIP_S, random.Random(seed + draw)) for draw in range(DRAWS)]  # noqa: S311 - a simulation, not a secret
            for blocks in (plan.min_blocks, plan.max_blocks)
        )
        ends = [median(each.seconds for each in drawn) for drawn in (least, most)]
        found.append(HostsEstimate(count, ends[0], ends[1], median(each.used for each in least)))
    return tuple(found)


def _costs(plan: PlanEstimate, cell_budget_s: float) -> Iterator[CaseCost]:
    for each in plan.cases:
        if each.trial_s is not None and each.trial_s <= cell_budget_s:
            arm = Case.parse(each.case).arm
            compiles = arm.mode is Mode.AOT
            yield CaseCost(each.trial_s, arm.id if compiles else None, guess_compile_s(arm) if compiles else 0.0)


def simulate(hosts: int, costs: Sequence[CaseCost], blocks: int, round_trip_s: float, rng: random.Random) -> Simulated:
    """Play one campaign.

    Args:
        hosts: how many.
        costs: of each case.
        blocks: in which every case runs once.
        round_trip_s: for how long a question occupies the scheduler.
        rng: draws.
    """
    speed = [
        rng.lognormvariate(0, SPREAD_OF_HOSTS) * (SLOWER if rng.random() < STRAGGLERS else 1.0) for _ in range(hosts)
    ]
    fails_at = [rng.expovariate(1 / BETWEEN_FAILURES_S) for _ in range(hosts)]
    compiled = [set[str]() for _ in range(hosts)]
    waiting = [list(range(len(costs))) for _ in range(blocks)]
    free = [(0.0, host) for host in range(hosts)]
    heapq.heapify(free)
    end, measured, trials, failures, scheduler_free = 0.0, 0.0, 0, 0, 0.0
    block_of: dict[int, list[int]] = {}
    while free:
        now, host = heapq.heappop(free)
        if not block_of.get(host):
            if not waiting:
                continue
            block_of[host] = waiting.pop()
        scheduler_free = max(scheduler_free, now) + round_trip_s
        case = block_of[host].pop()
        cost = costs[case]
        first_s = cost.compile_s if cost.compiled is not None and cost.compiled not in compiled[host] else 0.0
        takes = (cost.trial_s + first_s) * speed[host] * rng.lognormvariate(0, SPREAD_OF_TRIALS)
        begun = scheduler_free
        trials += 1
        if fails_at[host] <= begun + takes:
            failures += 1
            waiting.append([*block_of.pop(host), case])
            back = max(begun, fails_at[host]) + AWAY_S
            fails_at[host] = back + rng.expovariate(1 / BETWEEN_FAILURES_S)
            heapq.heappush(free, (back, host))
            continue
        if cost.compiled is not None:
            compiled[host].add(cost.compiled)
        measured += takes
        end = max(end, begun + takes)
        heapq.heappush(free, (begun + takes, host))
    return Simulated(end, measured / (end * hosts), trials * round_trip_s / end, trials, failures)
