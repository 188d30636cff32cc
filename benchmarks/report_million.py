"""How `lab report` grows: made-up campaigns of up to a million trials, time and peak memory of rendering each.

    python -m benchmarks.report_million                 # 10 000, 100 000 and 1 000 000 trials
    python -m benchmarks.report_million 50000           # sizes of your own

Each report is rendered in a process of its own, whose peak resident set is read with wait4. The target for a million
trials is one minute and 2 GB; exit code 1 if it is missed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from lab.store.campaigns import create
from lab.store.journal import JOURNAL_NAME, write_journal
from tests.synthetic import make_manifest, make_trials

SIZES = (10_000, 100_000, 1_000_000)
TARGET_TRIALS, TARGET_S, TARGET_BYTES = 1_000_000, 60.0, 2_000_000_000
_RENDER = "import sys; from pathlib import Path; from lab.report.render import render; render(Path(sys.argv[1]))"


def make_campaign(results: Path, trials: int) -> Path:
    """A campaign directory with exactly so many trials."""
    manifest = make_manifest()
    directory = create(results, manifest)
    (directory / JOURNAL_NAME).unlink()
    write_journal(directory / JOURNAL_NAME, islice(make_trials(manifest, blocks=trials), trials))
    return directory


class Cost(NamedTuple):
    """Of one report: wall and processor seconds, and peak resident bytes."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


def measure_report(directory: Path) -> Cost:
    """What rendering the campaign costs in a fresh process."""
    started = time.monotonic()
    child = subprocess.Popen([sys.executable, "-c", _RENDER, str(directory)])
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"rendering {directory} failed with status {status}")
    return Cost(time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def main(sizes: tuple[int, ...]) -> int:
    """Print one line per size; 1 if the target was measured and missed."""
    missed = False
    print(f"{'trials':>10} {'journal':>10} {'wall':>8} {'processor':>10} {'peak memory':>12}")  # noqa: T201 - the answer
    for trials in sizes:
        with tempfile.TemporaryDirectory() as root:
            directory = make_campaign(Path(root), trials)
            size_mb = (directory / JOURNAL_NAME).stat().st_size / 1e6
            cost = measure_report(directory)
        figures = f"{cost.wall_s:>6.1f} s {cost.cpu_s:>8.1f} s {cost.peak_bytes / 1e6:>9.0f} MB"
        print(f"{trials:>10} {size_mb:>7.0f} MB {figures}", flush=True)  # noqa: T201 - the answer
        missed |= trials >= TARGET_TRIALS and (cost.wall_s > TARGET_S or cost.peak_bytes > TARGET_BYTES)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(tuple(map(int, sys.argv[1:])) or SIZES))
