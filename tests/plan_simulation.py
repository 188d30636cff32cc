"""Simulated campaigns under the plan that buys sets, with known truth: what its intervals and verdicts are worth.

Each campaign draws its cases' true times and noise, its questions and its budget. Block 0 visits every case; later
blocks hold what the plan buys from the trials so far. Nothing is sampled but the noise: the plan is the lab's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

import numpy as np

from lab.campaign.prediction import CONTAINER_S
from lab.campaign.schedule import case_progress
from lab.campaign.sets.measurements import Measurements
from lab.campaign.sets.plan import SetPlan
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.experiment import Tier
from lab.core.trial import Kind, Outcome, Trial
from lab.core.want import Want
from lab.stats.ratios import overhead

SYSTEMS = ("native", "wasmtime-jit-cranelift", "wasmer-jit-cranelift", "wamr-interpreter-fast", "wasmedge-interpreter")
NETWORKS = ("yunet", "mobilenet_v1_0.25_128", "mobilenet_v1_1.0_224", "vgg_16")
QUESTIONS = 24
HALF_WIDTHS = (0.1, 0.05, 0.02)
NOISES = (0.01, 0.02, 0.04, 0.08)
MOST_BLOCKS = 30


class Disturbance(StrEnum):
    """How a machine disturbs the logarithm of a trial's time, around 0.

    `EVEN`: normal. `HEAVY`: t with 3 degrees of freedom. `DRIFTING`: normal, and half a per cent more with every block.
    """

    EVEN = "even"
    HEAVY = "heavy tails"
    DRIFTING = "drifting"


@dataclass(frozen=True)
class Answer:
    """One question at the end of a simulated campaign that has an interval for it.

    Attributes:
        blocks: it rests on.
        covered: the interval holds the true figure.
        is_false: with the line that decides drawn at the truth itself, a hair on the wrong side, the verdict is wrong.
        is_settled: the interval is as narrow as the question asked for.
    """

    blocks: int
    covered: bool
    is_false: bool
    is_settled: bool


def simulate(campaigns: int, noise: Disturbance, seed: int = 1) -> Iterator[Answer]:
    """Every question with an interval of so many campaigns."""
    for number in range(campaigns):
        yield from _campaign(np.random.default_rng([seed, number]), noise)


def _campaign(rng: np.random.Generator, noise: Disturbance) -> Iterator[Answer]:
    cases = [Case(Arm.parse(f"{system}@o0"), network, 1) for system in SYSTEMS for network in NETWORKS]
    truth = {case: float(rng.uniform(0, 4)) for case in cases}  # logarithm of seconds
    scale = {case: float(rng.choice(NOISES)) for case in cases}
    wants = [_want(number, rng) for number in range(QUESTIONS)]
    one_block_s = sum(math.exp(log_s) for log_s in truth.values())
    tier = Tier(f"{one_block_s * rng.uniform(2, 12):.3f}s", 3, MOST_BLOCKS)
    plan = SetPlan(wants, tier, {}, 1)
    trials: list[Trial] = []
    for block in range(MOST_BLOCKS):
        progress = case_progress(cases, trials, CONTAINER_S)
        chosen = plan.block(plan.purchase(trials, progress), block, progress, seed=1) if block else cases
        if not chosen:
            break
        trials += _trials(chosen, block, truth, scale, noise, rng)
    yield from _answers(wants, truth, trials)


def _want(number: int, rng: np.random.Generator) -> Want:
    """One or two systems over another, on one to four networks."""
    systems = rng.permutation(len(SYSTEMS))[: 2 + int(rng.integers(2))]
    networks = rng.permutation(len(NETWORKS))[: 1 + int(rng.integers(len(NETWORKS)))]
    sides = [
        tuple(Case(Arm.parse(f"{SYSTEMS[system]}@o0"), NETWORKS[network], 1) for system in side for network in networks)
        for side in (systems[1:], systems[:1])
    ]
    width = float(rng.choice(HALF_WIDTHS))
    return Want(name=f"q{number}", above=sides[0], below=sides[1], quantity="single_total_ns", half_width=width)


def _trials(
    cases: list[Case],
    block: int,
    truth: dict[Case, float],
    scale: dict[Case, float],
    noise: Disturbance,
    rng: np.random.Generator,
) -> list[Trial]:
    shared = float(rng.normal(0, 0.1))
    return [
        Trial.of(
            case,
            block=block,
            kind=Kind.RUN,
            started_at="now",
            outcome=Outcome.OK,
            total_ns=round(1e9 * math.exp(truth[case] + shared + _disturbance(noise, scale[case], block, place, rng))),
        )
        for place, case in enumerate(cases)
    ]


def _disturbance(noise: Disturbance, scale: float, block: int, place: int, rng: np.random.Generator) -> float:
    """Of one trial, by its place in the campaign."""
    own = scale * float(rng.standard_t(3) / math.sqrt(3) if noise is Disturbance.HEAVY else rng.normal())
    if noise is Disturbance.DRIFTING:
        own += 0.005 * (block + (place - len(SYSTEMS) * len(NETWORKS) / 2) / 60)
    return own


def _answers(wants: list[Want], truth: dict[Case, float], trials: list[Trial]) -> Iterator[Answer]:
    measured = Measurements(trials)
    for want in wants:
        estimate = overhead(measured.log_figures(want))
        if estimate.low is None or estimate.high is None or estimate.half_width is None or want.half_width is None:
            continue
        above, below = (float(np.mean([truth[case] for case in side])) for side in (want.above, want.below))
        figure = math.exp(above - below)
        is_high = estimate.low > figure
        yield Answer(
            blocks=estimate.n,
            covered=estimate.low <= figure <= estimate.high,
            # the claim is "above the line", and the truth lies just below it: only an interval above is a false yes
            is_false=is_high,
            is_settled=estimate.half_width <= want.half_width,
        )


@dataclass(frozen=True)
class Rates:
    """Shares of all answers.

    Attributes:
        answers: how many there are.
        covered: intervals that hold the truth.
        false_yes: verdicts `reproduced` on a claim that is false by a hair: the worst case there is.
        settled: answers as narrow as asked for.
        blocks: the median number of blocks behind an answer.
    """

    answers: int
    covered: float
    false_yes: float
    settled: float
    blocks: float


def rates(answers: list[Answer]) -> Rates:
    """Count."""
    return Rates(
        answers=len(answers),
        covered=sum(answer.covered for answer in answers) / len(answers),
        false_yes=sum(answer.is_false for answer in answers) / len(answers),
        settled=sum(answer.is_settled for answer in answers) / len(answers),
        blocks=median(answer.blocks for answer in answers),
    )
