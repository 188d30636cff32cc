"""What the walls of a trial's container cost: milliseconds per trial, and whether a measured phase moves.

    python -m benchmarks.hardening_cost [BLOCKS] [SEED]

Each block runs the same program once in a container as trials have it and once in one of the engine's defaults, with
the same image, probe and files, in random order. Intervals and verdicts are the lab's own statistics, paired by block.
Needs a quiet machine; 30 blocks take two to three minutes there.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from tabulate import tabulate

from lab.builds.guests import ensure_guests, ensure_tools
from lab.builds.images.ensure import build_images
from lab.core.errors import EngineFailed
from lab.core.guest import GuestId
from lab.core.probe import ProbeReport
from lab.disk.paths import home
from lab.engines.containers import container_options
from lab.engines.docker_sdk import DockerClient, connect
from lab.engines.engine import NONCE_VARIABLE, WORK_DIR, Job, Mount, decode_report, new_nonce, probe_argv
from lab.engines.leftovers import discarded
from lab.stats.sentences import show_ratio
from lab.stats.typical import interval, typical
from lab.stats.verdicts import judge
from lab.zoo import catalog

MODEL = "mobilenet_v1_0.25_128"
STEPS = ("create", "start", "wait", "remove")
MARGIN = 0.02
_LEVEL = 0.95
Options = Callable[[Job, str], dict[str, Any]]


def main(blocks: int = 30, seed: int = 1) -> None:
    """Print both tables."""
    rng, client = random.Random(seed), connect()  # noqa: S311 - an order, no secret
    jobs = _jobs()
    kinds: dict[str, Options] = {"hardened": container_options, "plain": plain_options}
    times: dict[tuple[str, str], list[dict[str, float]]] = {(job, kind): [] for job in jobs for kind in kinds}
    phases: dict[tuple[str, str], list[dict[str, float]]] = {key: [] for key in times}
    for block in range(-1, blocks):
        for job, kind in rng.sample(list(times), len(times)):
            steps, report = _run(client, jobs[job], kinds[kind])
            # what the first block finds cold, the others find warm
            if block >= 0:
                times[job, kind].append(steps)
                phases[job, kind].append(_phases(report))
        sys.stderr.write(f"block {block + 1} of {blocks}\n")
    _print_steps(times, list(jobs))
    _print_phases(phases, "guest")


def plain_options(job: Job, nonce: str) -> dict[str, Any]:
    """The engine's defaults, with the trial's files and labels."""
    hardened = container_options(job, nonce)
    kept = {name: hardened[name] for name in ("labels", "mounts")}
    return {**kept, "working_dir": WORK_DIR, "environment": {NONCE_VARIABLE: nonce}}


def _jobs() -> dict[str, Job]:
    images = build_images(["native"])
    images.raise_for_problems()
    image = images.images["native"].image_id
    native = GuestId.parse("native/o3")
    model = catalog.prepare([MODEL], home(), "seeded", (1,))[MODEL]
    given = model.input_for(1)
    words = ("--shape", ",".join(map(str, given.shape)), "--outputs", ",".join(out.node for out in model.outputs))
    guest = (
        Mount(ensure_guests([native])[native].path, "guest"),
        Mount(model.graph_path, "model.pb"),
        Mount(given.input_path, "input.f32"),
    )
    common = {"image": image, "timeout_s": 60.0, "memory_bytes": 1 << 30, "campaign": "hardening-cost"}
    return {
        "fixture": Job(argv=("/work/guest", "spin", "1"), mounts=(Mount(ensure_tools().fixture, "guest"),), **common),
        "guest": Job(
            argv=("/work/guest", "model.pb", "--input", "input.f32", *words, "--iterations", "5"),
            mounts=guest,
            **common,
        ),
    }


def _run(client: DockerClient, job: Job, options: Options) -> tuple[dict[str, float], ProbeReport]:
    """Milliseconds of each step, and the probe's report."""
    nonce, clock = new_nonce(), [time.perf_counter_ns()]

    def lap() -> None:
        clock.append(time.perf_counter_ns())

    with discarded(lambda: client.containers.create(job.image, probe_argv(job), **options(job, nonce))) as container:
        lap()
        container.start()
        lap()
        container.wait()
        lap()
        report = decode_report(container.logs(stdout=True, stderr=False), nonce)
        lap()
    lap()
    if report is None or report.exit_code != 0:
        raise EngineFailed(f"the trial failed: {report}", "run `lab doctor`")
    created, started, waited, _, removed = ((end - begin) / 1e6 for begin, end in pairwise(clock))
    return dict(zip(STEPS, (created, started, waited, removed), strict=True)), report


def _phases(report: ProbeReport) -> dict[str, float]:
    spans: dict[str, float] = {"total": report.total_ns}
    for mark in report.marks:
        if mark.guest_ns:
            spans.setdefault(mark.name if mark.name != "infer" else "first infer", mark.guest_ns)
    return spans


def _print_steps(times: dict[tuple[str, str], list[dict[str, float]]], jobs: list[str]) -> None:
    rows = []
    for job in jobs:
        for step in (*STEPS, "all"):
            hardened, plain = (
                np.array([_step(one, step) for one in times[job, kind]]) for kind in ("hardened", "plain")
            )
            center = typical(hardened - plain)
            low, high = interval(center, _LEVEL)
            values = (float(typical(plain).value), float(typical(hardened).value), float(center.value))
            rows.append((job, step, *values, f"[{low:.2f}, {high:.2f}]"))
    header = ("program", "step", "plain ms", "hardened ms", "difference ms", f"{_LEVEL:.0%} interval")
    sys.stdout.write(tabulate(rows, header, floatfmt=".2f") + "\n\n")


def _step(times: dict[str, float], step: str) -> float:
    return sum(times.values()) if step == "all" else times[step]


def _print_phases(phases: dict[tuple[str, str], list[dict[str, float]]], job: str) -> None:
    hardened, plain = phases[job, "hardened"], phases[job, "plain"]
    rows = []
    for phase in plain[0]:
        pairs = [(a[phase], b[phase]) for a, b in zip(hardened, plain, strict=True) if phase in a and phase in b]
        judgement = judge(np.array([np.log(a / b) for a, b in pairs]), MARGIN)
        rows.append(
            (
                phase,
                typical(np.array([b for _, b in pairs])).value / 1e6,
                f"{show_ratio(judgement.estimate)}, {judgement.state}",
            )
        )
    sys.stdout.write(tabulate(rows, ("phase", "plain ms", "hardened / plain"), floatfmt=".3f") + "\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
