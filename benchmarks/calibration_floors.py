"""Noise floors before and now, from the trials of one calibration: the former rule and the lab's, ungated and gated.

    lab calibrate --gate both --blocks 40
    python -m benchmarks.calibration_floors results/calibration-TIME

The floor is the slowdown that 80 % of comparisons with so many blocks find, with the noise of A/A trials that this
calibration measured (`lab.stats.simulate.noise_floor`). All columns rest on the same trials, but for the gated ones,
which ran between them in random order.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.statistics.estimators import FORMER, LAB, Estimator
from benchmarks.statistics_menu import markdown
from lab.calibrate.calibrator import label_of, read_begun
from lab.calibrate.findings import CALIBRATED
from lab.core.trial import QUANTITIES, Outcome, counted
from lab.stats.estimate import Floats
from lab.stats.ratios import by_block, paired_log_ratios
from lab.stats.simulate import resampled
from lab.store.journal import JOURNAL_NAME, read_trials

BLOCKS = (6, 10, 20, 40)
POWER, COMPARISONS = 0.8, 4000


def floor(estimator: Estimator, log_ratios: Floats, blocks: int) -> float:
    """The slowdown, as a fraction, that the estimator's 95 % interval finds in 80 % of resampled comparisons."""
    fit = estimator.fit(resampled(log_ratios, COMPARISONS, blocks, seed=1))
    # a slowdown of s moves an interval up by log(1 + s), and is found once the low end is above 0
    return float(np.expm1(np.quantile(-fit.low, POWER)))


def main(directory: Path) -> None:
    """Print one table: a row per quantity and number of blocks."""
    settings = read_begun(directory).settings
    series: dict[str, dict[str, list[tuple[int, float]]]] = {name: defaultdict(list) for name in CALIBRATED}
    for trial in counted([trial for trial in read_trials(directory / JOURNAL_NAME) if trial.block > 0]):
        for name in CALIBRATED if trial.outcome is Outcome.OK else ():
            if (value := getattr(trial, name)) is not None:
                series[name][label_of(trial)].append((trial.block, float(value)))
    rows = []
    for name, of_label in series.items():
        plain, gated = (
            np.concatenate([
                paired_log_ratios(by_block(of_label[first]), by_block(of_label[second]))
                for first, second in list(pairwise(labels))[::2]
            ])
            if labels
            else None
            for labels in (settings.aa_labels, settings.gated_labels)
        )  # fmt: skip
        for blocks in BLOCKS:
            columns = [(FORMER, plain), (LAB, plain), (FORMER, gated), (LAB, gated)]
            floors = ["" if ratios is None else f"{floor(rule, ratios, blocks):.2%}" for rule, ratios in columns]
            rows.append((QUANTITIES[name].title, str(blocks), *floors))
    headers = ("quantity", "blocks", "before", "now", "before, gated", "now, gated")
    print(markdown(headers, rows))  # noqa: T201


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
