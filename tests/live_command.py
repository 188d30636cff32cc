"""`lab run` as a process of its own, watched by what it writes down."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from lab.store.journal import JOURNAL_NAME

PATIENCE_S = 900
ROOT = Path(__file__).resolve().parents[1]


class Running:
    """A campaign that runs.

    Args:
        command: words of the process.
        results: directory of its campaigns.
        experiment: name of the one it runs.
        preload: library that is loaded first into it, and into programs that it starts on this machine.

    Attributes:
        process: the command.
    """

    def __init__(self, command: Sequence[str], results: Path, experiment: str, preload: Path | None = None) -> None:
        self._results, self._experiment = results, experiment
        extra = {} if preload is None else {"LD_PRELOAD": str(preload)}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **extra}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    @property
    def lines(self) -> int:
        """How many trials are written down."""
        found = list(self._results.glob(f"{self._experiment}-*/{JOURNAL_NAME}"))
        return found[0].read_bytes().count(b"\n") if found else 0

    def wait_for(self, trials: int) -> None:
        """Until so many trials are written down."""
        deadline = time.monotonic() + PATIENCE_S
        while self.lines < trials:
            assert self.process.poll() is None or self.lines >= trials, self.process.communicate()[0]
            assert time.monotonic() < deadline, f"{self.lines} of {trials} trials"
            time.sleep(0.02)

    def ended(self) -> str:
        """What it said, once it has ended."""
        said, _ = self.process.communicate(timeout=PATIENCE_S)
        return said


def native_experiment(name: str, question: str, iterations: int, blocks: int) -> str:
    """An experiment file of one native case on the smallest network, in tier ``smoke``: exactly so many blocks."""
    return f"""
name = "{name}"
question = "{question}"

[measure]
iterations = {iterations}
precision = "0.001%"

[tiers.smoke]
budget = "1h"
min_blocks = {blocks}
max_blocks = {blocks}

[[matrix]]
arms = ["native@o3"]
models = ["mobilenet_v1_0.25_128"]
"""
