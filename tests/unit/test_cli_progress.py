"""When a running campaign's report is rendered again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.cli.progress import LONG_BLOCK_S, REFRESH_EVERY_S, CampaignProgress
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.trial import Kind, Outcome, Trial

CASE = Case(Arm.parse("native@o3"), "yunet", 1)
TRIAL = Trial.of(CASE, number=0, block=0, kind=Kind.RUN, started_at="now", outcome=Outcome.OK, total_ns=10**9)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets time pass; nothing else does."""
    now = 1000.0

    def wait(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr("lab.cli.progress.time.monotonic", lambda: now)
    return wait


def test_the_first_report_comes_a_minute_after_the_first_trial_not_after_block_0(
    clock: Callable[[float], None],
) -> None:
    made: list[str] = []
    observer = CampaignProgress(lambda: made.append("report"))
    observer.on_trial_end(TRIAL)
    assert not made, "a report of one trial shows nothing"
    clock(REFRESH_EVERY_S)
    observer.on_trial_end(TRIAL)
    assert len(made) == 1


def test_a_long_block_is_reported_while_it_lasts(clock: Callable[[float], None]) -> None:
    made: list[str] = []
    observer = CampaignProgress(lambda: made.append("report"))
    for _ in range(20):
        clock(LONG_BLOCK_S / 5)
        observer.on_trial_end(TRIAL)
    assert len(made) == 4


def test_short_blocks_share_a_report_and_the_last_is_left_to_the_end(clock: Callable[[float], None]) -> None:
    made: list[str] = []
    observer = CampaignProgress(lambda: made.append("report"))
    for block in range(12):
        clock(REFRESH_EVERY_S / 4)
        observer.on_block_end(block, last=False)
    assert len(made) == 3
    clock(REFRESH_EVERY_S)
    observer.on_block_end(12, last=True)
    assert len(made) == 3
