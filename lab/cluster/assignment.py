"""Which case a host runs next: every host has a block of its own, and blocks are given out until enough are.

A block stays on one host, so that its overheads are paired on one machine. What is wanted is decided as on one machine
(`lab.campaign.schedule`), from the trials of all hosts: a case needs so many blocks wherever they ran, and blocks that
have been given out count. What a trial will cost is predicted for each host by its own trials, and by those of all
hosts where it has none. A tier's budget is of each host.

All of it follows from the journals: a campaign that starts again reads them and gives out new blocks. What was left of
a block whose host went away is made up by later blocks.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from functools import cache

import msgspec

from lab.campaign.outcome import OutcomeWithReason
from lab.campaign.prediction import CONTAINER_S, CostModel, Prediction, guess_compile_s
from lab.campaign.schedule import CaseProgress, case_progress, pilot_next
from lab.campaign.session import spent_s
from lab.campaign.stop_rule import is_answered, is_precise
from lab.core.arm import Arm, Mode
from lab.core.case import Case
from lab.core.experiment import Limits, Tier
from lab.core.model import Model
from lab.core.trial import Kind, Outcome, Trial, counted
from lab.core.units import show_duration


class Order(msgspec.Struct, frozen=True):
    """A trial that a host shall run, or write down as not run.

    Attributes:
        iterations: inferences in the process.
        predicted_ns: what it is predicted to take on the scale of its total_ns; None once the case was run somewhere.
        left_s: seconds of work predicted on this host.
        ended: why it is not run; None if it is.
    """

    case: Case
    block: int
    iterations: int
    predicted_ns: int | None
    left_s: float
    ended: OutcomeWithReason | None = None


class _OpenBlock:
    """A block that a host has: the cases that are left of it, the one in flight among them.

    Attributes:
        number: of the block; None before its first trial.
        left: cases in their order; in a pilot block the next one is picked when its turn comes.
        current: the case that was ordered and is not written down yet.
    """

    def __init__(self, cases: Iterable[Case], *, is_pilot: bool) -> None:
        self.number: int | None = None
        self.left, self.is_pilot = [*cases], is_pilot
        self.current: Case | None = None


class _Host:
    """What a host has measured, and what it is at."""

    def __init__(self, models: dict[str, Model]) -> None:
        self.costs = CostModel(models)
        self.block: _OpenBlock | None = None
        self.spent_s, self.compiled = 0.0, set[Arm]()
        self.of_case: dict[Case, list[float]] = {}

    def learn(self, trial: Trial) -> None:
        """Take in a trial of this host."""
        self.costs.learn([trial])
        self.spent_s += spent_s([trial])
        if trial.kind is Kind.COMPILE:
            self.compiled.add(trial.arm)
        elif trial.total_ns is not None:
            self.of_case.setdefault(trial.case, []).append(trial.total_ns / 1e9 + CONTAINER_S)


class Assignment:
    """The trials of all hosts, and what is to be done next.

    Args:
        cases: of the tier.
        tier: how much of them is measured; its budget is of each host.
        limits: of every trial.
        models: by name.
    """

    def __init__(self, cases: Iterable[Case], tier: Tier, limits: Limits, models: Mapping[str, Model]) -> None:
        self._cases, self._tier, self._limits = tuple(cases), tier, limits
        self._models = dict(models)
        self._hosts: dict[str, _Host] = {}
        self._costs = CostModel(self._models)
        self._trials: dict[Case, list[Trial]] = {case: [] for case in self._cases}
        self._standing = {case: CaseProgress(set()) for case in self._cases}
        self._units: dict[tuple[str, int], int] = {}
        self._next_block = 0

    def learn(self, host: str, trials: Iterable[Trial]) -> None:
        """Take in what a host has written down; it is known by that name from now on."""
        here = self._host(host)
        for trial in trials:
            here.learn(trial)
            self._costs.learn([trial])
            self._next_block = max(self._next_block, trial.block + 1)
            if trial.kind is Kind.RUN and trial.case in self._trials:
                # one number for each host's block, whatever its own: two hosts may have begun the same one
                unit = self._units.setdefault((host, trial.block), len(self._units))
                self._trials[trial.case].append(msgspec.structs.replace(trial, block=unit))
                of_case = case_progress([trial.case], self._trials[trial.case], CONTAINER_S)
                self._standing[trial.case] = of_case[trial.case]
                block = here.block
                if block is not None and (block.number, block.current) == (trial.block, trial.case):
                    block.left.remove(trial.case)
                    block.current = None

    def next(self, host: str) -> Order | None:
        """The host's next trial; None if there is nothing to do for it now.

        One that was ordered and is not among the trials that `learn` was given is ordered again.
        """
        here, has_begun = self._host(host), True
        while has_begun:
            here.block = here.block or self._new_block(here)
            order = self._next_of_block(here)
            if order is not None:
                return order
            # a block in which nothing could be run is no reason to look for another one
            has_begun = here.block is not None and here.block.number is not None
            here.block = None
        return self._over_budget(here)

    def give_up(self, host: str) -> bool:
        """Take what is left of a host's block from it: others may have it; whether there was anything."""
        here = self._host(host)
        had, here.block = here.block is not None, None
        return had

    def is_waited_for(self, host: str) -> bool:
        """Whether a host has a part of a block that nobody else is given."""
        return self._host(host).block is not None

    # -- what is wanted --

    def _new_block(self, here: _Host) -> _OpenBlock | None:
        chosen = self._chosen(here)
        is_pilot = any(not self._standing[case].visited for case in chosen)
        return _OpenBlock(chosen, is_pilot=is_pilot) if chosen else None

    def _chosen(self, here: _Host) -> list[Case]:
        """The cases of a host's next block in their order: what is wanted and can be paid, each with its baseline."""
        precise, tier = self._precise(), self._tier
        wanted = [case for case in self._cases if self._is_open(here, case) and self._wants(case, precise)]
        chosen: dict[Case, None] = {}
        allowance = tier.budget_s - here.spent_s
        for case in sorted(wanted, key=lambda other: (self._cost_s(here, other), other.id)):
            known = [other for other in (case, case.baseline) if other in self._standing]
            together = [other for other in known if other not in chosen and self._is_open(here, other)]
            cost = sum(self._cost_s(here, other) for other in together)
            # what is new is cheapest first, and looked at again when its turn comes
            if cost <= allowance or not self._standing[case].visited:
                allowance -= cost
                chosen.update(dict.fromkeys(together))
        order = sorted(chosen, key=lambda other: other.id)
        random.Random(f"{self._limits.seed} {self._next_block}").shuffle(order)  # noqa: S311 - an order, not a secret
        return order

    def _is_open(self, here: _Host, case: Case) -> bool:
        """Whether running the case could add anything: it is new, or runs, or was too long for another host."""
        standing = self._standing[case]
        if standing.last is Outcome.OVER_BUDGET:
            return not self._is_too_long(here, case)
        return not standing.visited or standing.alive

    def _wants(self, case: Case, precise: Callable[[Case], bool]) -> bool:
        pending = sum(host.block is not None and case in host.block.left for host in self._hosts.values())
        done = len(self._standing[case].blocks) + pending
        return done < self._tier.min_blocks or (done < self._tier.max_blocks and not precise(case))

    def _precise(self) -> Callable[[Case], bool]:
        limits, most = self._limits, self._tier.max_blocks
        wanted = limits.precision_fraction

        def trials(case: Case) -> list[Trial]:
            return counted([trial for each in {case, case.baseline} for trial in self._trials.get(each, ())])

        if limits.is_sequential:
            return cache(lambda case: is_answered(case, trials(case), most, wanted))
        return cache(lambda case: is_precise(case, trials(case), wanted))

    # -- one trial --

    def _next_of_block(self, here: _Host) -> Order | None:
        block = here.block
        while block is not None and block.left:
            if block.current is None:
                case = self._pick(here, block)
                if not self._may_run(here, case):
                    block.left.remove(case)
                    continue
                block.current = case
            if block.number is None:
                block.number = self._next_block
                self._next_block += 1
            return self._order(here, block.current, block.number)
        return None

    def _pick(self, here: _Host, block: _OpenBlock) -> Case:
        if not block.is_pilot:
            return block.left[0]
        costs = {case: self._first_s(here, case) for case in block.left}
        tried = [case for case, standing in self._standing.items() if standing.visited]
        return pilot_next(costs, self._limits.seed, tried)

    def _may_run(self, here: _Host, case: Case) -> bool:
        """Whether the case is still to be run, or written down as too long, now that its turn has come."""
        standing = self._standing[case]
        if self._is_too_long(here, case):
            return not standing.visited
        return self._is_open(here, case) and here.spent_s + self._first_s(here, case) <= self._tier.budget_s

    def _order(self, here: _Host, case: Case, block: int) -> Order:
        if self._is_too_long(here, case):
            return self._unaffordable(here, case, block)
        is_first = not self._standing[case].visited
        predicted_ns = round((self._predict(here, case).total_s - CONTAINER_S) * 1e9) if is_first else None
        return Order(case, block, self._iterations(here, case), predicted_ns, self._left_s(here))

    def _unaffordable(self, here: _Host, case: Case, block: int) -> Order:
        first_s = self._first_s(here, case)
        why = f"predicted to take {show_duration(first_s)}: {self._predict(here, case).basis}"
        ended = OutcomeWithReason(Outcome.OVER_BUDGET, why)
        return Order(case, block, 1, round(first_s * 1e9), 0.0, ended)

    def _over_budget(self, here: _Host) -> Order | None:
        """Once nobody is at anything: a case that no host could afford, to be written down."""
        if any(host.block is not None for host in self._hosts.values()):
            return None
        unvisited = (case for case, standing in self._standing.items() if not standing.visited)
        return next((self._unaffordable(here, case, 0) for case in unvisited), None)

    # -- what it costs --

    def _predict(self, here: _Host, case: Case) -> Prediction:
        costs = here.costs if here.costs.speed(case.arm).basis else self._costs
        return costs.predict(case, self._limits.iterations)

    def _cost_s(self, here: _Host, case: Case) -> float:
        """Seconds of a further trial: as measured on this host, or as predicted."""
        own = here.of_case.get(case)
        return sum(own) / len(own) if own else self._first_s(here, case)

    def _first_s(self, here: _Host, case: Case) -> float:
        compiles = case.arm.mode is Mode.AOT and case.arm not in here.compiled
        return self._predict(here, case).total_s + (guess_compile_s(case.arm) if compiles else 0.0)

    def _is_too_long(self, here: _Host, case: Case) -> bool:
        return case not in here.of_case and self._predict(here, case).total_s > self._tier.cell_budget_s

    def _iterations(self, here: _Host, case: Case) -> int:
        """Inferences per trial: the same in every trial of a case, as many as its first good one made."""
        for trial in self._trials[case]:
            if trial.outcome is Outcome.OK and trial.infer_ns:
                return len(trial.infer_ns)
        costs = here.costs if here.costs.speed(case.arm).basis else self._costs
        return costs.iterations(case, self._limits.iterations)

    def _left_s(self, here: _Host) -> float:
        """Seconds until every case has its minimum of blocks, shared by all hosts; at most the rest of the budget."""
        left = sum(
            self._cost_s(here, case) * max(0, self._tier.min_blocks - len(standing.blocks))
            for case, standing in self._standing.items()
            if not standing.visited or standing.alive
        )
        return min(left / len(self._hosts), max(0.0, self._tier.budget_s - here.spent_s))

    def _host(self, name: str) -> _Host:
        return self._hosts.setdefault(name, _Host(self._models))
