"""Stop rule, its prediction, and the noise floor."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from lab.core.errors import UsageError
from lab.stats.planning import blocks_needed, precise_enough, smallest_n
from lab.stats.ratios import overhead
from lab.stats.simulate import noise_floor, resampled
from lab.stats.typical import p_differs, typical

STEADY = np.log([2.0, 2.02, 1.98, 2.01, 1.99, 2.0, 2.03, 1.97, 2.0, 2.01])


def test_the_stop_rule_asks_for_a_narrow_interval_and_three_more_blocks() -> None:
    reached = overhead(STEADY[:7]).half_width
    assert reached is not None
    assert precise_enough(STEADY, reached * 1.001)
    assert not precise_enough(STEADY[:9], reached * 1.001)
    assert not precise_enough(STEADY, reached * 0.999)


def test_what_was_narrow_once_stays_precise() -> None:
    reached = overhead(STEADY[:7]).half_width
    assert reached is not None
    wild = np.append(STEADY, [3.0, -3.0, 3.0])
    assert precise_enough(wild, reached * 1.001)


def test_the_stop_rule_does_not_see_how_large_the_difference_is() -> None:
    # the same spread around 1 and around 10: significance would stop the second at once
    for half_width in (0.005, 0.01, 0.02, 0.05):
        assert precise_enough(STEADY, half_width) == precise_enough(STEADY + math.log(10), half_width)


def test_no_early_luck_stops_before_ten_blocks() -> None:
    assert not precise_enough(STEADY[:9], 0.9)
    assert precise_enough(STEADY, 0.9)


def test_blocks_without_any_spread_are_as_precise_as_they_will_get() -> None:
    assert precise_enough(np.full(10, 0.4), 0.02)
    assert not precise_enough(np.full(9, 0.4), 0.02)


@pytest.mark.parametrize("half_width", [0.05, 0.02, 0.01, 0.005])
def test_the_predicted_number_of_blocks_is_the_first_that_fits(half_width: float) -> None:
    spread = 0.03
    n = smallest_n(spread, math.log1p(half_width), 0.95)
    assert n is not None

    def reach(blocks: int) -> float:
        return float(stats.t.ppf(0.975, 0.6 * blocks - 1 if blocks >= 6 else blocks - 1) * spread / math.sqrt(blocks))

    assert reach(n) <= math.log1p(half_width) < reach(n - 1)


def test_the_prediction_corrects_the_spread_for_its_own_uncertainty() -> None:
    center = typical(STEADY)
    freedom, spread = float(center.freedom), float(center.error) * math.sqrt(10)
    # an estimate on so many degrees of freedom is exceeded with chance a if divided by the chi-squared quantile of a
    for assurance in (0.5, 0.8):
        inflated = spread * math.sqrt(freedom / stats.chi2.ppf(1 - assurance, freedom))
        assert blocks_needed(STEADY, 0.004, assurance=assurance) == smallest_n(inflated, math.log1p(0.004), 0.95)


def test_nothing_is_predicted_from_one_block_or_for_a_hopeless_precision() -> None:
    assert blocks_needed(STEADY[:1], 0.02) is None
    assert blocks_needed(STEADY * 100, 1e-6) is None
    assert blocks_needed(np.full(4, 0.3), 0.02) == 2


def test_the_noise_floor_is_the_slowdown_that_four_of_five_comparisons_find() -> None:
    floor = noise_floor(STEADY, blocks=20, power=0.8)
    assert floor is not None
    found = typical(resampled(STEADY, 4000, 20, slowdown=floor.fraction, seed=77))
    share = float((p_differs(found) <= 0.05)[found.value > 0].sum()) / 4000
    # two simulations of 4000: 0.8 with a standard error of 0.9 %
    assert share == pytest.approx(0.8, abs=0.03)


def test_the_noise_floor_is_said_in_a_sentence() -> None:
    floor = noise_floor(STEADY, blocks=20)
    assert floor is not None
    assert floor.sentence == f"differences under {100 * floor.fraction:.2g} % can't be seen here in 20 blocks"
    wild = noise_floor(400 * STEADY, blocks=20)
    assert wild is not None
    assert wild.fraction > 1
    assert wild.sentence == f"differences under {100 * wild.fraction:.0f} % can't be seen here in 20 blocks"


def test_an_unknown_spread_has_no_noise_floor() -> None:
    assert noise_floor(STEADY[:1], blocks=20) is None
    assert noise_floor(np.full(9, 0.1), blocks=20) is None


def test_a_question_that_makes_no_sense_is_refused_with_a_remedy() -> None:
    with pytest.raises(UsageError) as caught:
        noise_floor(STEADY, blocks=1)
    assert caught.value.remedy == "plan for at least 2 blocks"
    with pytest.raises(UsageError):
        precise_enough(STEADY, 0)
    with pytest.raises(UsageError):
        blocks_needed(STEADY, -0.01)


def test_the_stop_rule_imports_no_data_frames_plots_or_distributions() -> None:
    heavy = ("pandas", "statsmodels", "matplotlib", "pyarrow", "scipy.stats")
    program = f"import sys, lab.stats.planning, lab.stats.ratios; print([n for n in {heavy} if n in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"
