"""Running a campaign: visit every case once in block 0, then add blocks until precise or out of budget.

The journal is the only state. A campaign that was killed at any instant is continued by reading it again: nothing
measured is measured twice, and at most the trial in flight is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache

from lab.campaign.outcome import OutcomeWithReason
from lab.campaign.prediction import CONTAINER_S
from lab.campaign.schedule import PILOT_SHARE, CaseProgress, beside_baseline, case_progress, next_block, pilot_next
from lab.campaign.session import Session, spent_s
from lab.campaign.sets.plan import PILOT_SHARE_OF_SETS, SetPlan
from lab.campaign.sets.purchase import Purchase
from lab.campaign.stop_rule import is_answered, is_precise
from lab.core.case import Case
from lab.core.errors import LabError
from lab.core.experiment import Tier
from lab.core.trial import Kind, Outcome, Trial
from lab.core.units import show_duration
from lab.core.want import Want


class CampaignRun:
    """One experiment on this machine: a schedule over a session.

    Args:
        session: runs the trials.
        tier: how much of the experiment is measured.
        cases: of that tier.
        wants: questions whose sets of cases come before single cases; none for single cases only.
    """

    def __init__(self, session: Session, tier: Tier, cases: Iterable[Case], wants: Iterable[Want] = ()) -> None:
        self._session, self._tier, self._cases = session, tier, tuple(cases)
        self._sets = SetPlan(wants, tier, session.materials.models, session.limits.iterations)
        self._seed = session.limits.seed
        self._block = 0

    def run(self) -> None:
        """Measure until precise or out of budget. An interrupt leaves the journal whole.

        Raises:
            EngineFailed, EngineMissing: from the engine.
        """
        self._session.remove_leftovers()
        self._declare_unsupported()
        self._pilot(PILOT_SHARE if self._sets.is_empty else PILOT_SHARE_OF_SETS)
        for block in range(1, self._tier.min_blocks):
            self._run_block(block)
        # What block 0 could not afford may fit into what was left over.
        self._pilot(1.0)
        for block in range(self._tier.min_blocks, self._tier.max_blocks):
            if not self._run_block(block):
                break
        # what an engine that was away could not remove; the next lab tries again
        with suppress(LabError):
            self._session.remove_leftovers()
        self._session.observer.on_block_end(self._block, last=True)

    # -- what is known --

    def _progress(self) -> dict[Case, CaseProgress]:
        return case_progress(self._cases, self._session.trials, CONTAINER_S)

    def _before(self, block: int) -> list[Trial]:
        """The trials that a later block's cases are chosen by: those written down before its first one.

        A block that was cut short is thereby completed as it was begun.
        """
        trials = self._session.trials
        first = next((index for index, trial in enumerate(trials) if trial.block == block), len(trials))
        return trials[:first]

    def _left_s(self) -> float:
        """Seconds until every affordable case is predicted to have its minimum of blocks; at most the budget's rest."""
        left = 0.0
        for case, progress in self._progress().items():
            if not progress.visited or progress.alive:
                cost = progress.cost_s or self._session.predict(case).total_s
                if cost <= self._tier.cell_budget_s:
                    left += cost * max(0, self._tier.min_blocks - len(progress.blocks))
        return min(left, max(0.0, self._tier.budget_s - self._session.spent_s))

    # -- block 0 --

    def _declare_unsupported(self) -> None:
        for case, progress in self._progress().items():
            reason = self._session.materials.unsupported(case.arm)
            if reason is not None and not progress.visited:
                self._session.record_unrun(case, OutcomeWithReason(Outcome.UNSUPPORTED, reason))

    def _pilot(self, share: float) -> None:
        """Visit what never ran within a share of the budget, in `pilot_next`'s order.

        What was over budget is tried, too: the share, or the budget, may be larger by now.
        """
        progress = self._progress()
        pending = {case for case, known in progress.items() if known.last in {None, Outcome.OVER_BUDGET}}
        bought = self._sets.purchase(self._session.trials, progress)
        while pending:
            predicted = {case: self._session.predict_first_s(case) for case in pending}
            affordable = {case: cost for case, cost in predicted.items() if self._affordable(case, cost, share, bought)}
            if not affordable:
                break
            case = pilot_next(affordable, self._seed, tried=set(self._cases) - pending)
            pending.remove(case)
            self._run_case(case, 0)
        visited = self._progress()
        for case in sorted(pending, key=lambda case: case.id):
            if not visited[case].visited:
                self._record_over_budget(case)
        if any(not known.visited for known in progress.values()):
            self._session.observer.on_block_end(0, last=False)

    def _affordable(self, case: Case, cost_s: float, share: float, bought: Purchase) -> bool:
        budget_s = self._tier.budget_s
        spare_s = min(budget_s * share, budget_s - bought.reserved_s(case)) - self._session.spent_s
        return self._session.predict(case).total_s <= self._tier.cell_budget_s and cost_s <= spare_s

    def _record_over_budget(self, case: Case) -> None:
        predicted_s = self._session.predict_first_s(case)
        why = f"predicted to take {show_duration(predicted_s)}: {self._session.predict(case).basis}"
        ended = OutcomeWithReason(Outcome.OVER_BUDGET, why)
        self._session.record_unrun(case, ended, predicted_ns=round(predicted_s * 1e9))

    # -- later blocks --

    def _run_block(self, block: int) -> bool:
        """Run what is still missing of a block; whether there was anything in it."""
        if any(trial.block > block for trial in self._session.trials):
            return True  # complete: a later one was begun
        before, progress, chosen = self._bought_for(block)
        remaining_s = self._tier.budget_s - spent_s(before)
        chosen = chosen or next_block(block, progress, self._tier, remaining_s, self._precise(before), self._seed)
        done = {trial.case for trial in self._session.trials if trial.block == block and trial.kind is Kind.RUN}
        for case in chosen:
            if case not in done:
                self._run_case(case, block)
        if chosen:
            self._session.observer.on_block_end(block, last=False)
        return bool(chosen)

    def _bought_for(self, block: int) -> tuple[list[Trial], dict[Case, CaseProgress], list[Case]]:
        """The trials that a block is chosen by, what they say of each case, and the cases of the sets bought in it.

        Where every set that is left waits for a first visit of some case, block 0 goes on first.
        """
        for is_last in (False, True):
            before = self._before(block)
            progress = case_progress(self._cases, before, CONTAINER_S)
            bought = self._sets.purchase(before, progress)
            chosen = self._sets.block(bought, block, progress, self._seed)
            if chosen or is_last or not bought.wants:
                break
            self._pilot(1.0)
        return before, progress, chosen

    def _precise(self, trials: list[Trial]) -> Callable[[Case], bool]:
        limits, of_case, most = self._session.limits, beside_baseline(trials), self._tier.max_blocks
        wanted = limits.precision_fraction
        if limits.is_sequential:
            return cache(lambda case: is_answered(case, of_case(case), most, wanted))
        return cache(lambda case: is_precise(case, of_case(case), wanted))

    # -- one trial --

    def _run_case(self, case: Case, block: int) -> None:
        self._block, session = block, self._session
        program = session.program(case, block, self._left_s)
        if isinstance(program, OutcomeWithReason):
            session.record_unrun(case, program, block)
            return
        # what it is predicted to take on the scale of its total_ns: without container start
        predicted_ns = round((session.predict(case).total_s - CONTAINER_S) * 1e9) if block == 0 else None
        session.run(
            case,
            block=block,
            iterations=session.iterations(case),
            left_s=self._left_s(),
            program=program,
            predicted_ns=predicted_ns,
        )
