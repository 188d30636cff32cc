"""What many hosts finish when: a simulation of campaigns, with costs from a journal, and hosts that fail and straggle.

    python -m benchmarks.hosts_scale [JOURNAL] [--blocks 30] [--round-trip-ms 11]

Blocks are given out as `lab.cluster.assignment` does: whole, to the host that is free first. A host's speed is drawn
once, a trial's time around its case's mean, and failures from the mean time between them; a host that failed is
away for some minutes, and what it lost of its block is run again by whoever is free. The scheduler answers one question
at a time. Without a journal the costs are those of a made-up campaign of the paper's size: 128 hours on one machine.
"""

from __future__ import annotations

import argparse
import heapq
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tabulate import tabulate

from lab.campaign.prediction import CONTAINER_S
from lab.core.trial import Kind
from lab.core.units import show_bytes, show_duration
from lab.store.journal import read_trials

HOSTS = (1, 10, 100, 1_000, 10_000)
MADE_UP_CASES, MADE_UP_HOURS = 400, 128.0
LINE_BYTES = 1_100
STRAGGLERS, SLOWER = 0.05, 2.0
BETWEEN_FAILURES_S, AWAY_S = 7 * 86_400.0, 600.0
SPREAD_OF_HOSTS, SPREAD_OF_TRIALS = 0.05, 0.02


class Finished(NamedTuple):
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


def costs_of(journal: Path | None, blocks: int, rng: random.Random) -> list[float]:
    """Mean seconds of a trial of each case, container start included."""
    if journal is None:
        weights = [rng.lognormvariate(0, 1.5) for _ in range(MADE_UP_CASES)]
        return [MADE_UP_HOURS * 3600 / blocks * weight / sum(weights) for weight in weights]
    found: dict[str, list[float]] = defaultdict(list)
    for trial in read_trials(journal):
        if trial.kind is Kind.RUN and trial.total_ns is not None:
            found[trial.case.id].append(trial.total_ns / 1e9 + CONTAINER_S)
    return [sum(times) / len(times) for times in found.values()]


def simulate(hosts: int, costs: Sequence[float], blocks: int, round_trip_s: float, rng: random.Random) -> Finished:
    """Play one campaign."""
    speed = [
        rng.lognormvariate(0, SPREAD_OF_HOSTS) * (SLOWER if rng.random() < STRAGGLERS else 1.0) for _ in range(hosts)
    ]
    fails_at = [rng.expovariate(1 / BETWEEN_FAILURES_S) for _ in range(hosts)]
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
        takes = costs[case] * speed[host] * rng.lognormvariate(0, SPREAD_OF_TRIALS)
        begun = scheduler_free
        trials += 1
        if fails_at[host] <= begun + takes:
            failures += 1
            waiting.append([*block_of.pop(host), case])
            back = max(begun, fails_at[host]) + AWAY_S
            fails_at[host] = back + rng.expovariate(1 / BETWEEN_FAILURES_S)
            heapq.heappush(free, (back, host))
            continue
        measured += takes
        end = max(end, begun + takes)
        heapq.heappush(free, (begun + takes, host))
    return Finished(end, measured / (end * hosts), trials * round_trip_s / end, trials, failures)


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("journal", nargs="?", type=Path)
    parser.add_argument("--blocks", type=int, default=30)
    parser.add_argument("--round-trip-ms", type=float, default=11.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = random.Random(given.seed)  # noqa: S311 - a simulation, not a secret
    costs = costs_of(given.journal, given.blocks, rng)
    rows = []
    for hosts in HOSTS:
        made = simulate(hosts, costs, given.blocks, given.round_trip_ms / 1000, rng)
        ideal = sum(costs) * given.blocks / hosts
        rows.append(
            (
                f"{hosts:,}",
                show_duration(made.seconds),
                f"{made.seconds / ideal:.2f}",
                f"{made.used:.1%}",
                f"{made.scheduler:.2%}",
                f"{made.trials:,}",
                made.failures,
                show_bytes(made.trials * LINE_BYTES),
            )
        )
    header = ("hosts", "finished after", "over ideal", "hosts used", "scheduler busy", "trials", "failures", "journals")
    print(tabulate(rows, header, disable_numparse=True))  # noqa: T201 - a benchmark prints


if __name__ == "__main__":
    _main()
