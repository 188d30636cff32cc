"""A campaign as a command runs it: found or begun, measured once early, grown by what is built later, then measured."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from lab.campaign.materials import Materials
from lab.campaign.prepare import manifest_of
from lab.campaign.run import CampaignRun
from lab.cli.first_figure import FirstFigure
from lab.cli.measuring import measuring
from lab.cli.output import note
from lab.cli.questions import wants_for
from lab.cli.rendering import refresh_report, short_report
from lab.cli.wiring import Lab
from lab.core.case import Case
from lab.core.errors import UsageError
from lab.core.experiment import Experiment
from lab.core.manifest import Manifest
from lab.core.units import show_duration
from lab.engines.engine import Engine
from lab.store.campaigns import (
    campaign_name,
    create,
    extend_manifest,
    find_resumable,
    mark_finished,
    point_latest,
    read_manifest,
    reopen,
    why_not_resumed,
)
from lab.store.fingerprint import differences, fingerprint, is_part_of, part_of

# Of what has changed since a campaign that cannot be resumed, so much is named.
MOST_CHANGES = 5
EARLY_CASE_S = 20.0
"""A case whose first trial, precompilation included, is predicted to take longer does not hold up the first figure."""


class RunningCampaign:
    """One tier of an experiment, in one directory.

    Args:
        lab: its home holds goldens and precompiled modules.
        plan: the experiment.
        tier: how much of it.
        engine: runs the trials.
        results: directory of campaigns.
        first: is called as soon as there is a report.

    Attributes:
        directory: of the campaign, once it is open.
    """

    directory: Path

    def __init__(
        self, lab: Lab, plan: Experiment, tier: str, engine: Engine, results: Path, first: FirstFigure
    ) -> None:
        self._lab, self._plan, self._tier, self._engine = lab, plan, tier, engine
        self._results, self._first = results, first

    def open(self, materials: Materials, cases: tuple[Case, ...], *, new: bool) -> None:
        """Go on with the campaign of the same fingerprint that there is more to measure in, or begin one."""
        now = datetime.now(UTC)
        name = campaign_name(self._plan.name, self._tier, now)
        manifest = self._manifest(materials, cases, name, now.isoformat(timespec="seconds"))
        found = None if new else find_resumable(self._results, manifest)
        if found is None:
            if not new and (other := why_not_resumed(self._results, manifest)) is not None:
                note(f"begins a new campaign: {other[0]} cannot go on, since these have changed: {_in_short(other[1])}")
            self.directory = create(self._results, manifest)
            return
        known = read_manifest(found)
        _check_looks(found, known, manifest)
        note(f"resuming {found}")
        self.directory = found
        if fingerprint(known) != fingerprint(manifest) and is_part_of(known, manifest):
            extend_manifest(found, _as(known, manifest))

    def grow(self, materials: Materials, cases: tuple[Case, ...]) -> None:
        """Describe the materials that have joined; what was there has not changed meanwhile, or another one begins."""
        known = read_manifest(self.directory)
        manifest = self._manifest(materials, cases, known.campaign, known.created_at)
        if is_part_of(known, manifest):
            extend_manifest(self.directory, manifest)
        else:
            changes = differences(known, part_of(manifest, known))
            note(f"{self.directory} cannot go on, since these have changed: {_in_short(changes)}")
            self.open(materials, cases, new=True)

    def measure_early(self, materials: Materials, cases: tuple[Case, ...]) -> None:
        """Run each of these cases once, unless that was done before; then show what is known."""
        once = msgspec.structs.replace(self._plan.tier(self._tier), min_blocks=1, max_blocks=1)
        limits = self._plan.measure_in(once)
        with measuring(self._lab, self.directory, materials, limits, self._engine) as session:
            reopen(self.directory)
            point_latest(self.directory)
            cheap = [case for case in cases if session.predict_first_s(case) <= EARLY_CASE_S]
            baselines = {case.baseline for case in cheap if not case.arm.is_native}
            chosen = [case for case in cheap if not case.arm.is_native or case in baselines]
            note(f"measuring {len(chosen)} cases once into {self.directory}")
            CampaignRun(session, once, chosen).run()
        failed, answer = short_report(self.directory)
        if not failed:
            self._first.reached(self.directory)
            note(f"\n{answer}\nfurther arms join as soon as they are built")

    def measure(self, materials: Materials, cases: tuple[Case, ...]) -> None:
        """Measure until precise or out of budget.

        Raises:
            EngineFailed, EngineMissing: from the engine.
            DataError: the journal is damaged, or in use.
        """
        tier = self._plan.tier(self._tier)
        note(f"measuring into {self.directory} for at most {show_duration(tier.budget_s)}")
        limits = self._plan.measure_in(tier)
        wants = wants_for(self._plan.name) if tier.claims_first else ()
        try:
            with measuring(self._lab, self.directory, materials, limits, self._engine, self._refresh) as session:
                # only now: a campaign whose journal is damaged, or in use, stays as it is
                reopen(self.directory)
                point_latest(self.directory)
                CampaignRun(session, tier, cases, wants).run()
                mark_finished(self.directory, len(session.trials), tier.budget_s)
                session.remove_worlds()
        except KeyboardInterrupt:
            self._refresh()
            raise

    def _refresh(self) -> None:
        if refresh_report(self.directory, note):
            self._first.reached(self.directory)

    def _manifest(self, materials: Materials, cases: tuple[Case, ...], name: str, created_at: str) -> Manifest:
        return manifest_of(materials, self._plan, self._tier, cases, self._engine, name=name, created_at=created_at)


def _check_looks(directory: Path, known: Manifest, manifest: Manifest) -> None:
    """Refuse to move the last look of a sequential campaign: its bounds rest on a number that was fixed before."""
    planned, fixed = (each.experiment.tier(each.tier).max_blocks for each in (manifest, known))
    if manifest.experiment.measure.limits.is_sequential and planned != fixed:
        raise UsageError(
            f"{directory} stops at sequential bounds for at most {fixed} blocks, which cannot become {planned}",
            f"go on with --blocks {fixed}, or begin another campaign with --new",
        )


def _as(known: Manifest, manifest: Manifest) -> Manifest:
    """The manifest under the name and the date of the campaign that it goes on with."""
    return msgspec.structs.replace(manifest, campaign=known.campaign, created_at=known.created_at)


def _in_short(changes: tuple[str, ...]) -> str:
    rest = len(changes) - MOST_CHANGES
    return ", ".join(changes[:MOST_CHANGES]) + (f" and {rest} more" if rest > 0 else "")
