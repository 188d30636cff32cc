"""Everything that the lab was made fast in, side by side in one campaign: results/bench.json and its tables.

    just bench                              # experiments/bench.toml, tier standard; goes on with an unfinished one
    just bench --tier smoke                 # one network, minutes
    just bench --campaign latest            # the tables of a campaign that was measured before

Ratios are the lab's own: paired by block, with intervals at the level of the campaign's family of verdicts, to native
tract with its tuned kernels, to the same with its model loaded beforehand, and to single-threaded LiteRT. Needs a quiet
machine.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
from tabulate import tabulate

import lab
from lab.api import Campaign
from lab.core.errors import LabError
from lab.core.trial import QUANTITIES
from lab.disk.paths import RESULTS
from lab.disk.whole import write_json
from lab.stats.estimate import Estimate

EXPERIMENT = Path("experiments/bench.toml")
OUTPUT = RESULTS / "bench.json"
BASELINES = {
    "native tuned": "native@o3+tract-0.23",
    "native prepared": "native@o3+tract-0.23+prepared",
    "LiteRT": "litert-framework@python",
}
SECTIONS = {
    "infer": "steady_infer_ns",
    "cold": "single_total_ns",
    "load": "load_ns",
    "memory": "rss_peak_bytes",
}
"""Quantities by section of the output."""


class Ratio(msgspec.Struct, frozen=True):
    """A ratio to a baseline with its interval, over so many blocks."""

    value: float
    low: float | None
    high: float | None
    blocks: int


class Row(msgspec.Struct, frozen=True):
    """A case's typical trial, in the quantity's unit, and its ratios by baseline."""

    model: str
    arm: str
    value: float
    over: dict[str, Ratio]


class Guest(msgspec.Struct, frozen=True):
    """A guest's size, and the start-up in seconds of each arm that compiles it just in time."""

    name: str
    bytes: int
    startup_s: dict[str, float]


class Overheads(msgspec.Struct, frozen=True):
    """What the lab adds to the trials' own time.

    Attributes:
        trials: neighbours in the journal that this rests on.
        wall_over_trials: from each one's start to the next one's, over the sum of their processes' times.
        per_trial_s: median of what lies between a trial's process and the next one's start.
        processor_share: of one core, by the lab and the pages that it renders, in the campaign; None if it ran before.
    """

    trials: int
    wall_over_trials: float
    per_trial_s: float
    processor_share: float | None


class Bench(msgspec.Struct, frozen=True):
    """What results/bench.json holds; `units` are those of the sections' values."""

    schema: int
    campaign: str
    processor: str | None
    units: dict[str, str]
    guests: list[Guest]
    infer: list[Row]
    cold: list[Row]
    load: list[Row]
    memory: list[Row]
    lab: Overheads


def main(argv: list[str]) -> int:
    """Measure, unless a campaign is named; write and print. Exit code as `lab run`'s where that fails."""
    parser = argparse.ArgumentParser(prog="just bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tier", default="standard", choices=("smoke", "standard", "full"))
    parser.add_argument("--campaign", help="measure nothing: a campaign of experiments/bench.toml, or latest")
    options = parser.parse_args(argv)
    share = None
    if options.campaign is None:
        share, status = measure(options.tier)
        if status:
            return status
    try:
        campaign = lab.open(options.campaign or "latest")
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    output = summarise(campaign, share)
    write_json(OUTPUT, output)
    for text in tables(output):
        print(text, end="\n\n")  # noqa: T201
    print(f"written: {OUTPUT}")  # noqa: T201
    return 0


def measure(tier: str) -> tuple[float, int]:
    """Run the campaign: the lab's share of one core meanwhile, and its exit code."""
    started = time.monotonic()
    child = subprocess.Popen([sys.executable, "-m", "lab", "run", str(EXPERIMENT), "--tier", tier])
    _, status, usage = os.wait4(child.pid, 0)
    return (usage.ru_utime + usage.ru_stime) / (time.monotonic() - started), os.waitstatus_to_exitcode(status)


def summarise(campaign: Campaign, share: float | None, baselines: Mapping[str, str] = BASELINES) -> Bench:
    """The campaign's figures."""
    manifest = campaign.manifest
    return Bench(
        schema=1,
        campaign=manifest.campaign,
        processor=manifest.host.cpu_model,
        units={name: QUANTITIES[quantity].unit for name, quantity in SECTIONS.items()},
        guests=list(guests(campaign)),
        **{name: list(rows(campaign, quantity, baselines)) for name, quantity in SECTIONS.items()},
        lab=overheads(campaign, share),
    )


def rows(campaign: Campaign, quantity: str, baselines: Mapping[str, str]) -> Iterator[Row]:
    """One row per measured case, in display order."""
    present = {case.arm.id for case, cell in campaign.cases.items() if cell.n}
    over = {name: campaign.overheads(quantity, baseline=arm) for name, arm in baselines.items() if arm in present}
    levels = campaign.overheads(quantity)
    for case, cost in levels.items():
        if cost.level is None or cost.level.value is None:
            continue
        ratios = {name: _ratio(costs[case].overhead) for name, costs in over.items()}
        yield Row(case.model, case.arm.id, cost.level.value, {name: ratio for name, ratio in ratios.items() if ratio})


def _ratio(estimate: Estimate | None) -> Ratio | None:
    if estimate is None or estimate.value is None:
        return None
    return Ratio(estimate.value, estimate.low, estimate.high, estimate.n)


def guests(campaign: Campaign) -> Iterator[Guest]:
    """Every guest of the campaign that is a file of its own."""
    for name, build in campaign.manifest.guests.items():
        just_in_time = {
            case.arm.id: float(np.median(campaign.values(case, "startup_ns"))) / 1e9
            for case, cell in campaign.cases.items()
            if cell.n and case.arm.mode == "jit" and f"wasm/{case.arm.guest}" == name
        }
        yield Guest(name, build.size_bytes, just_in_time)


def overheads(campaign: Campaign, share: float | None) -> Overheads:
    """What lies between trials: of neighbours in the journal within one block, so that pauses do not count."""
    frame = campaign.frame()
    starts = np.array([datetime.fromisoformat(text).timestamp() for text in frame["started_at"].astype(str)])
    spent = frame["total_ns"].to_numpy(dtype=float) / 1e9
    same = (frame["block"].to_numpy()[1:] == frame["block"].to_numpy()[:-1]) & (frame["kind"].to_numpy()[:-1] == "run")
    measured = same & (frame["outcome"].to_numpy()[:-1] == "ok") & np.isfinite(spent[:-1])
    whole = np.diff(starts)[measured]
    own = spent[:-1][measured]
    return Overheads(len(own), float(whole.sum() / own.sum()), float(np.median(whole - own)), share)


def tables(output: Bench) -> Iterator[str]:
    """Markdown: the guests, then each section with a row per case, then what the lab adds."""
    sizes = [
        (guest.name, f"{guest.bytes / 1e6:.2f} MB", ", ".join(f"{arm} {s:.2f} s" for arm, s in guest.startup_s.items()))
        for guest in output.guests
    ]
    yield "### guests\n\n" + tabulate(sizes, ("guest", "size", "start-up"), "github")
    for name, section in zip(SECTIONS, (output.infer, output.cold, output.load, output.memory), strict=True):
        unit = "ms" if output.units[name] == "ns" else "MB"
        lines = [
            (row.model, row.arm, f"{row.value / 1e6:.3g}", *(_show(row.over.get(baseline)) for baseline in BASELINES))
            for row in sorted(section, key=lambda row: (row.model, row.arm))
        ]
        wanted = ("model", "arm", unit, *(f"over {baseline}" for baseline in BASELINES))
        yield f"### {name}\n\n" + tabulate(lines, wanted, "github")
    cost = output.lab
    shared = "" if cost.processor_share is None else f"; the lab had {cost.processor_share:.1%} of a core"
    yield (
        f"### lab\n\nwall time over the trials' own {cost.wall_over_trials:.2f}, {cost.per_trial_s:.2f} s between "
        f"two trials ({cost.trials} of them){shared}"
    )


def _show(ratio: Ratio | None) -> str:
    if ratio is None:
        return ""
    interval = "" if ratio.low is None or ratio.high is None else f" [{ratio.low:.2f}, {ratio.high:.2f}]"
    return f"{ratio.value:.2f}{interval}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
