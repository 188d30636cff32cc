from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec
import pytest

from lab.campaign.stop_rule import block_log_ratios, is_precise
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.trial import Kind, Outcome, Trial

WASM = Case(Arm.parse("wasmtime-jit-cranelift@o3"), "yunet", 1)


def blocks_of(case: Case, totals: Iterable[float], outcome: Outcome = Outcome.OK) -> list[Trial]:
    return [
        Trial.of(
            case,
            number=0,
            block=block,
            kind=Kind.RUN,
            started_at="now",
            outcome=outcome,
            total_ns=round(total * 1e6),
        )
        for block, total in enumerate(totals)
    ]


def paired(mine: Sequence[float], native: Sequence[float]) -> list[Trial]:
    return blocks_of(WASM, mine) + blocks_of(WASM.baseline, native)


def test_little_noise_is_precise_and_much_is_not() -> None:
    quiet = paired([200, 201, 200, 199, 200, 201, 199, 200, 201, 200], [100] * 10)
    noisy = paired([200, 240, 170, 260, 150, 190, 230, 180, 210, 250], [100] * 10)
    assert is_precise(WASM, quiet, 0.02)
    assert not is_precise(WASM, noisy, 0.02)
    assert is_precise(WASM, noisy, 0.9)


def test_noise_that_both_arms_of_a_block_share_does_not_count() -> None:
    shared = [100, 150, 80, 200, 120, 90, 110, 170, 130, 95]
    mine = [2.0 * x + n for x, n in zip(shared, (0, 1, 0, -1, 0, 1, -1, 0, 1, 0), strict=True)]
    assert is_precise(WASM, paired(mine, shared), 0.02)


def test_a_lucky_start_of_nine_blocks_does_not_stop_the_campaign() -> None:
    assert not is_precise(WASM, paired([200, 200, 200, 200, 201, 200, 200, 200, 200], [100] * 9), 0.02)


def test_the_ratio_and_not_the_time_decides() -> None:
    seconds = paired([200, 201, 200, 199, 200, 201, 199, 200, 201, 200], [100] * 10)
    hours = [msgspec.structs.replace(trial, total_ns=(trial.total_ns or 0) * 3600) for trial in seconds]
    for half_width in (0.001, 0.005, 0.02):
        assert is_precise(WASM, hours, half_width) == is_precise(WASM, seconds, half_width)


@pytest.mark.parametrize(
    "trials",
    [
        [],
        paired([200], [100]),
        blocks_of(WASM, [200, 201, 200]),
        blocks_of(WASM, [200, 201, 200], Outcome.WRONG_OUTPUT) + blocks_of(WASM.baseline, [100, 100, 100]),
    ],
    ids=["nothing", "one block", "no baseline", "wrong outputs"],
)
def test_what_has_no_interval_is_not_precise(trials: list[Trial]) -> None:
    assert not is_precise(WASM, trials, 0.99)


def test_native_has_no_overhead_to_be_precise_about() -> None:
    assert is_precise(WASM.baseline, [], 0.01)


def test_trials_of_one_block_count_once_by_their_geometric_mean() -> None:
    merged = [*blocks_of(WASM, [100]), *blocks_of(WASM, [400]), *blocks_of(WASM.baseline, [100])]
    assert block_log_ratios(WASM, merged).tolist() == pytest.approx([math.log(2)])
