"""The same cases on several sides by turns, such as two versions of a runtime: what drifts drifts for all of them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from lab.campaign.outcome import OutcomeWithReason
from lab.campaign.session import Session
from lab.core.case import Case
from lab.core.trial import Outcome

_SEED = 1


def run_side_by_side(sessions: Sequence[Session], iterations: Mapping[Case, int], blocks: int) -> None:
    """Measure blocks: in each, every case once on every side, all in a seeded random order.

    A case that fails on a side is not run there again.

    Args:
        sessions: one for each side.
        iterations: inferences per trial, by case: the same on all sides.
        blocks: how many.

    Raises:
        EngineFailed, EngineMissing: from the engine.
    """
    for session in sessions:
        session.remove_leftovers()
    alive = [(session, case) for case in iterations for session in sessions]
    trials, spent_s = 0, 0.0
    for block in range(blocks):
        order = list(alive)
        random.Random(f"{_SEED} {block}").shuffle(order)  # noqa: S311 - an order, no secret
        for place, (session, case) in enumerate(order):
            left = len(order) - place + len(alive) * (blocks - block - 1)
            left_s = left * spent_s / trials if trials else session.predict_first_s(case) * left
            if not _is_sound(session, case, block, iterations[case], left_s):
                alive.remove((session, case))
            trials, spent_s = trials + 1, sum(each.spent_s for each in sessions)
    for session in sessions:
        session.remove_leftovers()
        session.remove_worlds()


def _is_sound(session: Session, case: Case, block: int, iterations: int, left_s: float) -> bool:
    """Run a case once, or write down why it cannot run; whether it ended well."""
    program = session.program(case, block, lambda: left_s)
    if isinstance(program, OutcomeWithReason):
        session.record_unrun(case, program, block)
        return False
    trial = session.run(case, block=block, iterations=iterations, left_s=left_s, program=program)
    return trial.outcome is Outcome.OK
