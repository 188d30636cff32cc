"""hyperfine, pyperf and this lab on the same commands in one run: false alarms, slowdowns found, time to ±2 %.

    apt-get install hyperfine
    uv pip install --python .venv/bin/python pyperf
    python -m benchmarks.live_peers                        # native guest, 10 rounds of 20 runs; about 40 minutes
    python -m benchmarks.live_peers 3 10                   # rounds, runs: a quick look

Each round compares the native guest with itself, and with itself made 2 % and 5 % slower (the guest's own option), by
each tool with as many runs of each command, in a random order of tools. Commands run on the host, without containers.
The rules are the tools' own: hyperfine's ratio with its standard deviation excludes 1; pyperf's `compare_to` calls the
difference significant; the lab's test of log-ratios by block calls it different. Prints Markdown, and writes
results/live_peers.json. Figures are worth something on a quiet machine only.
"""

from __future__ import annotations

import json
import math
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from scipy import special

from benchmarks.statistics_menu import markdown
from lab.calibrate.settings import Settings
from lab.campaign.job import GUEST_SLOWDOWN_OPTION, run_job
from lab.cli.build_progress import build_progress
from lab.cli.wiring import Lab
from lab.core.arm import Arm
from lab.disk.paths import RESULTS
from lab.stats.estimate import Floats
from lab.stats.planning import smallest_n
from lab.stats.typical import typical
from lab.stats.verdicts import State, judge

SLOWDOWNS_PERMILLE = (0, 20, 50)
INFERENCES = 20
GOAL = 0.02


class Comparison(NamedTuple):
    """What one tool says of two commands.

    Attributes:
        differs: whether it calls them different.
        seconds: that it took.
        to_goal_s: that it would take until the ratio's 95 % interval is ±2 %, by the spread of its own runs.
    """

    differs: bool
    seconds: float
    to_goal_s: float


Tool = Callable[[list[str], list[str], int, Path], Comparison]


def _student_blocks(a: Floats, b: Floats) -> int:
    """Runs of each command at which Student's interval of a ratio of means is ±2 %."""
    spread = math.hypot(a.std(ddof=1) / a.mean(), b.std(ddof=1) / b.mean())
    return next(n for n in range(2, 100_000) if special.stdtrit(2 * n - 2, 0.975) * spread / math.sqrt(n) <= GOAL)


def _hyperfine(first: list[str], second: list[str], runs: int, place: Path) -> Comparison:
    file, start = place / "hyperfine.json", time.monotonic()
    command = ["hyperfine", "-N", "--style", "none", "--warmup", "1", "--runs", str(runs), "--export-json", str(file)]
    _run([*command, shlex.join(first), shlex.join(second)], place)
    seconds = time.monotonic() - start
    a, b = (np.array(result["times"]) for result in json.loads(file.read_text())["results"])
    ratio = b.mean() / a.mean()
    spread = ratio * math.hypot(a.std(ddof=1) / a.mean(), b.std(ddof=1) / b.mean())
    return Comparison(bool(abs(ratio - 1) > spread), seconds, seconds / runs * _student_blocks(a, b))


def _pyperf(first: list[str], second: list[str], runs: int, place: Path) -> Comparison:
    start, pyperf = time.monotonic(), [sys.executable, "-m", "pyperf"]
    values = []
    for name, command in (("a", first), ("b", second)):
        (place / f"{name}.json").unlink(missing_ok=True)
        options = ["--quiet", "--processes", str(runs), "--values", "1", "--warmups", "0", "--loops", "1"]
        _run([*pyperf, "command", *options, "--name", "guest", "-o", f"{name}.json", "--", *command], place)
        found = json.loads((place / f"{name}.json").read_text())
        values.append(np.array([value for run in found["benchmarks"][0]["runs"] for value in run.get("values", ())]))
    said = _run([*pyperf, "compare_to", "a.json", "b.json"], place)
    seconds = time.monotonic() - start
    return Comparison("not significant" not in said.lower(), seconds, seconds / runs * _student_blocks(*values))


def _lab(first: list[str], second: list[str], runs: int, place: Path) -> Comparison:
    """Blocks of both commands in random order, each timed from start to exit; judged as the lab judges."""
    start, rng = time.monotonic(), random.Random(runs)  # noqa: S311 - an order, not a secret
    times: tuple[list[float], list[float]] = ([], [])
    for block in range(runs + 1):
        for side in rng.sample((0, 1), 2):
            began = time.perf_counter()
            _run((first, second)[side], place)
            if block:  # block 0 warms up
                times[side].append(time.perf_counter() - began)
    seconds = time.monotonic() - start
    log_ratios = np.log(times[1]) - np.log(times[0])
    spread = float(typical(log_ratios).error) * math.sqrt(runs)
    blocks = smallest_n(spread, math.log1p(GOAL), 0.95) or 10**6
    return Comparison(judge(log_ratios, 1e-9).state is State.DIFFERS, seconds, seconds / runs * blocks)


TOOLS: dict[str, Tool] = {"hyperfine": _hyperfine, "pyperf": _pyperf, "this lab": _lab}


def _run(command: list[str], place: Path) -> str:
    return subprocess.run(command, cwd=place, check=True, capture_output=True, text=True).stdout


def _commands(place: Path) -> Iterator[list[str]]:
    """The native guest as it is and made slower, with its files beside it in `place`."""
    settings, lab = Settings(arm="native@o3", iterations=INFERENCES), Lab()
    with build_progress() as progress:
        materials = lab.gather([settings.case], settings.experiment, progress)
    limits = settings.experiment.measure.limits
    job = run_job(
        settings.case, materials, limits, campaign="", iterations=INFERENCES, module=None, return_output=False
    )
    for mount in job.mounts:
        shutil.copy(mount.source, place / mount.name)
    (place / "out").mkdir()
    program = place / materials.runtime(Arm.parse(settings.arm)).guest_file
    for permille in SLOWDOWNS_PERMILLE:
        slower = [GUEST_SLOWDOWN_OPTION, str(permille)] if permille else []
        yield [str(program), *job.argv[1:], *slower]


def main(rounds: int, runs: int) -> None:
    """Compare, print, write; ends with what to install where hyperfine or pyperf is not here."""
    if shutil.which("hyperfine") is None or find_spec("pyperf") is None:
        sys.exit("this compares with hyperfine and pyperf, which are not both here: see `pydoc benchmarks.live_peers`")
    found: dict[str, dict[int, list[Comparison]]] = {tool: {size: [] for size in SLOWDOWNS_PERMILLE} for tool in TOOLS}
    with tempfile.TemporaryDirectory() as name:
        place, rng = Path(name), random.Random(1)  # noqa: S311
        base, *slower = _commands(place)
        for number in range(rounds):
            for permille, command in zip(SLOWDOWNS_PERMILLE, (base, *slower), strict=True):
                for tool in rng.sample(list(TOOLS), len(TOOLS)):
                    found[tool][permille].append(TOOLS[tool](base, command, runs, place))
            sys.stderr.write(f"round {number + 1} of {rounds}\n")
    rows = [
        [
            tool,
            *(f"{sum(one.differs for one in by_size[size])} of {rounds}" for size in SLOWDOWNS_PERMILLE),
            f"{np.median([one.seconds for ones in by_size.values() for one in ones]):.0f} s",
            f"{np.median([one.to_goal_s for ones in by_size.values() for one in ones]):.0f} s",
        ]
        for tool, by_size in found.items()
    ]
    heads = ["tool", "false alarms", "2 % found", "5 % found", f"time of {runs} runs", "time to ±2 %"]
    print(markdown(heads, rows))  # noqa: T201 - the answer
    Path(RESULTS).mkdir(exist_ok=True)
    plain = {
        tool: {size: [one._asdict() for one in ones] for size, ones in sizes.items()} for tool, sizes in found.items()
    }
    (Path(RESULTS) / "live_peers.json").write_bytes(msgspec.json.format(msgspec.json.encode(plain), indent=2))


if __name__ == "__main__":
    main(*(map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (10, 20)))
