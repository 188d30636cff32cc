"""How many claims of the paper a budget decides: the plan of single cases beside the plan that buys sets for claims.

    python -m benchmarks.plan_replay                    # 20, 60 and 240 minutes, three machines
    python -m benchmarks.plan_replay 30                 # minutes of your own

Each campaign is run as it would be, by the lab's own campaign on an engine that answers at once from a cost model:
speeds by kind of arm as the lab guesses them before it has measured, each arm faster or slower than that by a factor of
its own (lognormal, half an e-fold; another draw makes another machine), 3 % noise in each trial. Claims are judged on
its journal as on any other. Exit code 1 if 60 minutes decide less than twice as many by sets.
"""

from __future__ import annotations

import math
import os
import random
import sys
import tempfile
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import msgspec

from lab.campaign.experiment_file import cases_of, load
from lab.campaign.materials import Materials
from lab.campaign.prediction import guess, guess_compile_s
from lab.campaign.run import CampaignRun
from lab.campaign.session import Session
from lab.core.arm import Arm, GuestProfile
from lab.core.case import Case
from lab.core.probe import PhaseMark, ProbeReport
from lab.core.trial import Trial
from lab.core.want import Want
from lab.engines.engine import Job, JobResult
from lab.report.claims.claim_file import load_claims
from lab.report.claims.judge import judge_all
from lab.report.claims.wants import wants_of
from lab.report.results import Results
from lab.store.columns import table_of
from lab.store.journal import Journal, read_trials
from tests.fakes import FakeEngine, LoggingObserver, make_materials
from tests.synthetic import MODELS, make_manifest

ROOT = Path(__file__).resolve().parents[1]
EXPERIMENT, TIER = load(ROOT / "experiments" / "paper.toml"), "standard"
CASES = cases_of(EXPERIMENT, TIER)
CLAIMS = load_claims(ROOT / "experiments" / "paper" / "claims.toml")
MINUTES, MACHINES, NOISE, SPREAD = (20, 60, 240), (1, 2, 3), 0.03, 0.5
TARGET_MINUTES, TARGET_FACTOR = 60, 2.0
_GRAPH_BYTES_PER_PARAMETER = 4


class PaperEngine(FakeEngine):
    """Answers jobs by the speeds that the lab guesses, each arm's times a factor of its own."""

    def __init__(self, materials: Materials, machine: int, log: list[str]) -> None:
        super().__init__(materials, log=log)
        self._machine = machine

    def _factor(self, arm: Arm) -> float:
        return math.exp(random.Random(f"{self._machine} {arm.id}").gauss(0, SPREAD))  # noqa: S311 - no secret

    def _compile(self, job: Job, arm: Arm) -> JobResult:
        done = super()._compile(job, arm)
        total_ns = round(guess_compile_s(arm) * self._factor(arm) * 1e9)
        report = None if done.report is None else msgspec.structs.replace(done.report, total_ns=total_ns)
        return msgspec.structs.replace(done, report=report)

    def _report(self, job: Job, case: Case) -> ProbeReport:
        plain = super()._report(job, case)
        rng = random.Random(f"{self._machine} {case.id} {self.ran[case.id]}")  # noqa: S311 - noise, no secret
        noise = math.exp(rng.gauss(0, NOISE))
        factor = self._factor(case.arm)
        speed, (parameters, _, macs, _) = guess(case.arm), MODELS[case.model]
        load_s = speed.load_s_per_mb * parameters * _GRAPH_BYTES_PER_PARAMETER / 1e6
        lengths = {"infer": speed.infer_s_per_gmac * macs * case.batch / 1e9}
        now, marks = speed.startup_s * factor * noise, []
        for mark in plain.marks:
            length = 0.0 if mark.name == "start" else lengths.get(mark.name, load_s / 4) * factor * noise
            now += length
            guest_ns = None if mark.name == "start" else round(length * 1e9)
            marks.append(PhaseMark(mark.name, round(now * 1e9), guest_ns, 10_000_000))
        memory = round((parameters * 10 + 1e8 * factor) * math.exp(rng.gauss(0, 0.005)))
        total_ns = round((now + 0.001) * 1e9)
        report = msgspec.structs.replace(plain, total_ns=total_ns, marks=tuple(marks), rss_peak_bytes=memory)
        if total_ns > job.timeout_s * 1e9:
            limit_ns = round(job.timeout_s * 1e9)
            seen = tuple(mark for mark in marks if mark.seen_ns < limit_ns)
            cut = {"exit_code": None, "signal": 9, "timed_out": True, "output_sha256": None}
            return msgspec.structs.replace(report, total_ns=limit_ns, marks=seen, **cut)
        return report


class Decided(NamedTuple):
    """Claims that a campaign decides: on guest level 0, on level 3, on either."""

    level_0: int
    level_3: int
    either: int


def paper_materials(directory: Path) -> Materials:
    """What the toy campaigns of the tests run with, its models of the sizes of the paper's."""
    toy = make_materials(directory, ("tiny",))
    models = {}
    for name, (parameters, conv_layers, macs, _) in MODELS.items():
        graph = directory / "models" / name / "graph.pb"
        graph.parent.mkdir()
        graph.touch()
        os.truncate(graph, parameters * _GRAPH_BYTES_PER_PARAMETER)
        models[name] = msgspec.structs.replace(
            toy.models["tiny"], name=name, graph_path=graph, parameters=parameters, conv_layers=conv_layers, macs=macs
        )
    return msgspec.structs.replace(toy, models=models)


def replay(minutes: float, machine: int, wants: tuple[Want, ...]) -> list[Trial]:
    """The trials of one campaign with that budget."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        materials = paper_materials(home)
        log: list[str] = []
        tier = msgspec.structs.replace(EXPERIMENT.tier(TIER), budget=f"{minutes}m")
        with Journal(home / "trials.jsonl") as journal:
            session = Session(
                name="replay-standard-20250301T101500Z",
                materials=materials,
                limits=EXPERIMENT.measure_in(tier),
                engine=PaperEngine(materials, machine, log),
                journal=journal,
                trials=(),
                home=home / "home",
                observer=LoggingObserver(log),
            )
            CampaignRun(session, tier, CASES, wants).run()
        return list(read_trials(home / "trials.jsonl"))


def decided(trials: list[Trial]) -> Decided:
    """How many claims those trials decide."""
    arms = tuple(dict.fromkeys(case.arm.id for case in CASES))
    results = Results(make_manifest(arms), table_of([trials]))
    judged = [each for each in judge_all(CLAIMS, results) if not each.claim.constant]
    levels = [[(found := each.at(guest)) is not None and found.verdict.decides for each in judged] for guest in LEVELS]
    return Decided(sum(levels[0]), sum(levels[1]), sum(map(max, zip(*levels, strict=True))))


LEVELS = (GuestProfile.O0, GuestProfile.O3)


def main(minutes: tuple[float, ...]) -> int:
    """Print one line per budget; 1 if the target was measured and missed."""
    missed = False
    wants = wants_of(CLAIMS)
    heads = ("plan", "level 0", "level 3", "either", "trials")
    say(f"{'minutes':>8} " + " ".join(f"{head:>8}" for head in heads) + f"   means of {len(MACHINES)} machines")
    for budget in minutes:
        found = {}
        for name, chosen in (("cases", ()), ("sets", wants)):
            runs = [replay(budget, machine, chosen) for machine in MACHINES]
            counts = [decided(trials) for trials in runs]
            found[name] = mean(each.level_0 + each.level_3 for each in counts)
            columns = [mean(column) for column in zip(*counts, strict=True)]
            trials = mean(len(trials) for trials in runs)
            say(f"{budget:8g} {name:>8} " + " ".join(f"{each:8.1f}" for each in columns) + f" {trials:8.0f}")
        missed |= budget == TARGET_MINUTES and found["sets"] < TARGET_FACTOR * found["cases"]
    return int(missed)


def say(line: str) -> None:
    """A line of the answer."""
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(tuple(map(float, sys.argv[1:])) or MINUTES))
