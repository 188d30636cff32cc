"""What many hosts finish when: a simulation of campaigns, with costs from a journal, and hosts that fail and straggle.

    python -m benchmarks.hosts_scale [JOURNAL] [--blocks 30] [--round-trip-ms 11]

The simulation is that of `lab plan --hosts` (`lab.campaign.plan_hosts`). Without a journal the costs are those of a
made-up campaign of the paper's size: 128 hours on one machine.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from pathlib import Path

from tabulate import tabulate

from lab.campaign.plan_hosts import ROUND_TRIP_S, CaseCost, simulate
from lab.campaign.prediction import CONTAINER_S
from lab.core.trial import Kind
from lab.core.units import show_bytes, show_duration
from lab.store.journal import read_trials

HOSTS = (1, 10, 100, 1_000, 10_000)
MADE_UP_CASES, MADE_UP_HOURS = 400, 128.0
LINE_BYTES = 1_100


def costs_of(journal: Path | None, blocks: int, rng: random.Random) -> list[CaseCost]:
    """Mean seconds of a trial of each case, container start included."""
    if journal is None:
        weights = [rng.lognormvariate(0, 1.5) for _ in range(MADE_UP_CASES)]
        return [CaseCost(MADE_UP_HOURS * 3600 / blocks * weight / sum(weights)) for weight in weights]
    found: dict[str, list[float]] = defaultdict(list)
    for trial in read_trials(journal):
        if trial.kind is Kind.RUN and trial.total_ns is not None:
            found[trial.case.id].append(trial.total_ns / 1e9 + CONTAINER_S)
    return [CaseCost(sum(times) / len(times)) for times in found.values()]


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("journal", nargs="?", type=Path)
    parser.add_argument("--blocks", type=int, default=30)
    parser.add_argument("--round-trip-ms", type=float, default=1000 * ROUND_TRIP_S)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = random.Random(given.seed)  # noqa: S311 - a simulation, not a secret
    costs = costs_of(given.journal, given.blocks, rng)
    rows = []
    for hosts in HOSTS:
        made = simulate(hosts, costs, given.blocks, given.round_trip_ms / 1000, rng)
        ideal = sum(cost.trial_s for cost in costs) * given.blocks / hosts
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
