"""Fresh blocks of what seems worse: both sides of a comparison measured again, by turns, on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from lab.campaign.materials import Materials
from lab.campaign.prepare import manifest_of
from lab.campaign.side_by_side import run_side_by_side
from lab.cli.alone import alone
from lab.cli.build_progress import build_progress
from lab.cli.measuring import measuring
from lab.cli.output import note
from lab.cli.progress import CampaignProgress
from lab.cli.wiring import Lab
from lab.core.case import Case
from lab.core.errors import UsageError
from lab.core.experiment import Experiment, Matrix, Tier
from lab.core.manifest import Manifest
from lab.core.trial import Outcome, Trial
from lab.engines.engine import Engine
from lab.report.compare.comparison import Comparison
from lab.report.compare.confirmation import confirmed, suspects, unsuspicious
from lab.report.compare.fingerprints import machine_differences
from lab.store.campaigns import campaign_name, create, mark_finished, read_manifest
from lab.store.journal import JOURNAL_NAME, read_trials

CONFIRMATIONS = "confirmations"
"""Directory, below that of campaigns, of the fresh campaigns: `latest` and resuming are none of their business."""
_TIERS = ("confirm-a", "confirm-b")


def confirm(
    lab: Lab,
    found: Comparison,
    directories: tuple[Path, Path],
    engine: Engine,
    *,
    blocks: int,
    results: Path,
    wait: bool,
) -> Comparison:
    """The comparison with only that called worse which fresh blocks confirm; where nothing seems worse, as it is.

    Args:
        lab: finds what both sides ran with.
        found: the comparison.
        directories: of campaigns A and B.
        engine: runs the trials.
        blocks: to measure of each case.
        results: directory of campaigns.
        wait: whether to wait while another lab measures or builds.

    Raises:
        UsageError: a side cannot be measured again here: its binaries are gone, or it ran on another kind of engine.
        MachineBusy: another lab measures or builds.
        EngineFailed, EngineMissing: from the engine.
    """
    cases = suspects(found)
    if not cases:
        note("nothing seems worse: there is nothing to confirm")
        return unsuspicious(found)
    manifests = [read_manifest(directory) for directory in directories]
    for manifest in manifests:
        _check_engine(manifest, engine)
    with alone(f"confirmation of {found.b.name}", wait=wait):
        with build_progress() as progress:
            materials = [lab.recorded(manifest, cases, progress) for manifest in manifests]
        fresh = [
            _begin(*side, cases, engine, blocks, results / CONFIRMATIONS)
            for side in zip(manifests, materials, _TIERS, strict=True)
        ]
        what = "1 case" if len(cases) == 1 else f"{len(cases)} cases"
        note(f"measuring {blocks} fresh blocks of {what} on both sides into {results / CONFIRMATIONS}")
        _measure(lab, fresh, materials, engine, _iterations(cases, directories, manifests[0].experiment), blocks)
    return confirmed(found, fresh[0], fresh[1], blocks)


def _check_engine(manifest: Manifest, engine: Engine) -> None:
    if manifest.isolation != engine.isolation:
        raise UsageError(
            f"{manifest.campaign} ran on engine '{manifest.isolation}', not '{engine.isolation}'",
            f"give --engine {manifest.isolation}; campaigns of two kinds of engines cannot be confirmed",
        )


def _begin(
    known: Manifest,
    materials: Materials,
    tier: str,
    cases: Sequence[Case],
    engine: Engine,
    blocks: int,
    into: Path,
) -> Path:
    """A fresh campaign of these cases as the earlier one describes it."""
    now = datetime.now(UTC)
    plan = known.experiment
    fresh = msgspec.structs.replace(
        plan,
        matrix=tuple(Matrix((case.arm.id,), (case.model,), (case.batch,)) for case in cases),
        tiers={tier: msgspec.structs.replace(plan.tier(known.tier), min_blocks=blocks, max_blocks=blocks)},
    )
    name = campaign_name(plan.name, tier, now)
    manifest = manifest_of(
        materials, fresh, tier, cases, engine, name=name, created_at=now.isoformat(timespec="seconds")
    )
    apart = machine_differences(known.host, manifest.host)
    if apart:
        note(f"note: {known.campaign} ran on another machine ({', '.join(apart)}); both sides are measured on this one")
    return create(into, manifest)


def _measure(
    lab: Lab,
    directories: Sequence[Path],
    materials: Sequence[Materials],
    engine: Engine,
    iterations: dict[Case, int],
    blocks: int,
) -> None:
    progress = CampaignProgress(lambda: None)
    try:
        with ExitStack() as stack:
            sessions, tiers = [], []
            for directory, of_side in zip(directories, materials, strict=True):
                manifest = read_manifest(directory)
                tiers.append(manifest.experiment.tier(manifest.tier))
                limits = manifest.experiment.measure_in(tiers[-1])
                opened = measuring(lab, directory, of_side, limits, engine, beside=progress)
                sessions.append(stack.enter_context(opened))
            run_side_by_side(sessions, iterations, blocks)
            _finish(directories, [len(session.trials) for session in sessions], tiers)
    finally:
        progress.close()


def _finish(directories: Sequence[Path], trials: Sequence[int], tiers: Sequence[Tier]) -> None:
    for directory, count, tier in zip(directories, trials, tiers, strict=True):
        mark_finished(directory, count, tier.budget_s)


def _iterations(cases: Iterable[Case], directories: Iterable[Path], plan: Experiment) -> dict[Case, int]:
    """Inferences per trial: as many as in the good trials of the campaigns, the fewest where they differ."""
    trials = [trial for directory in directories for trial in read_trials(directory / JOURNAL_NAME)]
    return {case: _made(case, trials) or plan.measure.iterations for case in cases}


def _made(case: Case, trials: Iterable[Trial]) -> int | None:
    found = (len(t.infer_ns) for t in trials if t.case == case and t.outcome is Outcome.OK and t.infer_ns)
    return min(found, default=None)
