"""Crashes of real processes and of the network between them, drawn from a seed: each trial begins once, none is lost.

`just test` injects two of each kind, `just faults` twenty: a hundred in all.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.core.trial import Kind, Outcome
from tests import faults as fault_counts
from tests.toy_hosts import Tally, ToyHosts

KINDS = ("kill_worker", "kill_scheduler", "cut", "delay", "half_open")
BLOCKS_A_FAULT = 20
"""So many that the campaign is not over before the last fault has struck."""


@pytest.fixture
def hosts(tmp_path: Path, faults: fault_counts.Faults, rng: random.Random) -> Iterator[ToyHosts]:
    """A campaign of two hosts that has begun."""
    made = ToyHosts(tmp_path, BLOCKS_A_FAULT * faults.rounds, rng)
    yield made
    made.close()


@pytest.mark.timeout(600)
@pytest.mark.fault("workers, the scheduler and the network between them", seconds=3)
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_crashes_each_trial_begins_once_and_is_written_down(
    hosts: ToyHosts, kind: str, faults: fault_counts.Faults, rng: random.Random
) -> None:
    for _ in range(faults.rounds):
        # somewhere in a trial, before or after one
        hosts.await_trials(rng.randint(1, 3))
        assert not hosts.is_over, "the campaign was over before the fault could strike"
        getattr(hosts, kind)()
        faults.injected()
    hosts.await_trials(1)
    hosts.pace(0)
    hosts.await_end()
    tally = Tally(hosts)
    print(f"{kind} x {faults.rounds}: {tally}")  # noqa: T201 - for whoever looks
    assert (tally.doubled, tally.missing) == (0, 0), tally
    assert tally.began > 0
    for name in hosts.by_host:
        own, copy = hosts.journals(name)
        assert own == copy
    good = Counter(
        trial.case
        for trials in hosts.by_host.values()
        for trial in trials
        if trial.kind is Kind.RUN and trial.outcome is Outcome.OK
    )
    assert len(good) == 3
    assert min(good.values()) == BLOCKS_A_FAULT * faults.rounds
