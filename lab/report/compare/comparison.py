"""Two campaigns compared: bytes, then fingerprints, then what was measured.

A is before (or the reference), B is after: a ratio above 1 means that B costs more. Campaigns share no block, so
cases are compared unpaired, by block. Between machines only overheads over native are comparable: docs/comparing.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from lab.core.errors import NothingToReport, UsageError
from lab.report.compare.case_changes import (
    ALPHA,
    COMPARED,
    DEFAULT_QUANTITIES,
    CaseLine,
    Change,
    MeanLine,
    OutcomeLine,
    collect,
    common_unit,
    compare_cases,
    compare_means,
    compare_outcomes,
)
from lab.report.compare.changed_files import ByteLine, Presence, compare_bytes
from lab.report.compare.fingerprints import Basis, Difference, choose_basis, compare_fingerprints
from lab.report.results import Results, load_results
from lab.stats.levels import ReplicationUnit
from lab.store.campaigns import journal_sha256


class CampaignSide(msgspec.Struct, frozen=True):
    """One of the two campaigns.

    Attributes:
        name: of the campaign.
        created_at: UTC, ISO 8601.
        edition: of its runtimes.
        trials: in its journal.
        journal_sha256: of the journal.
    """

    name: str
    created_at: str
    edition: str
    trials: int
    journal_sha256: str


class Confirmation(msgspec.Struct, frozen=True):
    """Fresh blocks of what seemed worse, measured on both sides by turns.

    Attributes:
        a, b: directories of the two fresh campaigns; None where nothing seemed worse.
        blocks: measured of each case.
        unconfirmed: what seemed worse, and what the fresh blocks say of it: a sentence each.
    """

    a: str | None
    b: str | None
    blocks: int
    unconfirmed: tuple[str, ...]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What `compare` found.

    Attributes:
        a, b: the campaigns, before and after.
        identical: they hold the same trials and fingerprint, byte for byte; nothing is left to judge.
        margin: smallest difference that matters, as a fraction.
        alpha: chance of any false ``worse`` among all cases.
        basis: what is compared.
        basis_reason: the sentence about it.
        contents: what is known by content.
        differences: facts of the fingerprints that differ.
        outcomes: cases that did not end alike.
        cases: one line per quantity and case.
        means: one line per quantity and arm.
        worse: what got worse by more than the margin or no longer works: a sentence each; with a confirmation, only
            what it confirmed.
        notes: what a reader should know before believing it.
        unit: what the campaigns are compared by: blocks, or worlds where both have several.
        confirmation: fresh blocks of what seemed worse; None where none were asked for.
    """

    a: CampaignSide
    b: CampaignSide
    identical: bool
    margin: float
    alpha: float = ALPHA
    basis: Basis
    basis_reason: str
    contents: tuple[ByteLine, ...]
    differences: tuple[Difference, ...]
    outcomes: tuple[OutcomeLine, ...]
    cases: tuple[CaseLine, ...]
    means: tuple[MeanLine, ...]
    worse: tuple[str, ...]
    notes: tuple[str, ...]
    unit: ReplicationUnit = ReplicationUnit.BLOCK
    confirmation: Confirmation | None = None

    @property
    def tally(self) -> dict[Change, int]:
        """How many lines came to each verdict."""
        counts = Counter(line.change for line in self.cases)
        return {change: counts[change] for change in Change if counts[change]}

    def entry(self) -> dict[str, object]:
        """The comparison as JSON holds it: cases and arms by their ids."""
        return {
            **msgspec.structs.asdict(self),
            "outcomes": [line.entry() for line in self.outcomes],
            "cases": [line.entry() for line in self.cases],
            "means": [line.entry() for line in self.means],
        }


def compare(
    a_dir: Path,
    b_dir: Path,
    margin: float,
    basis: Basis = Basis.AUTO,
    quantities: Sequence[str] = DEFAULT_QUANTITIES,
) -> Comparison:
    """Compare two campaign directories; writes nothing.

    Args:
        a_dir: before.
        b_dir: after.
        margin: smallest difference that matters, as a fraction above 0.
        basis: what to compare; ``auto`` takes values on one machine and overheads between machines.
        quantities: names in `COMPARED`; all cases of all of them are one family.

    Raises:
        UsageError: a quantity is unknown, or the margin is not above 0.
        DataError: a campaign is damaged.
        NothingToReport: a campaign is empty, or they have nothing in common.
    """
    _check(quantities)
    a, b = load_results(a_dir), load_results(b_dir)
    sides = _side(a, a_dir), _side(b, b_dir)
    chosen, reason = choose_basis(a.manifest, b.manifest, basis)
    samples, unit = collect(a, b, chosen, quantities), common_unit(a, b)
    outcomes, cases = tuple(compare_outcomes(a, b)), compare_cases(samples, margin, unit)
    contents, differences = compare_bytes(a, b), compare_fingerprints(a.manifest, b.manifest)
    worse = tuple(_worse(outcomes, cases))
    if not samples and not worse:
        raise NothingToReport(
            f"{sides[0].name} and {sides[1].name} have no measured case in common ({reason})",
            "compare campaigns of the same experiment; overheads need native cases in both",
        )
    same_bytes = all(line.state is Presence.IDENTICAL for line in contents)
    return Comparison(
        a=sides[0],
        b=sides[1],
        identical=sides[0].journal_sha256 == sides[1].journal_sha256 and same_bytes and not differences,
        margin=margin,
        basis=chosen,
        basis_reason=reason,
        contents=contents,
        differences=differences,
        outcomes=outcomes,
        cases=cases,
        means=compare_means(samples),
        worse=worse,
        unit=unit,
        notes=(*_notes(chosen, contents, cases), *_level_notes(a, b)),
    )


def _side(results: Results, directory: Path) -> CampaignSide:
    manifest = results.manifest
    return CampaignSide(
        manifest.campaign,
        manifest.created_at,
        manifest.experiment.edition,
        len(results.table),
        journal_sha256(directory),
    )


def _worse(outcomes: Sequence[OutcomeLine], cases: Sequence[CaseLine]) -> Iterator[str]:
    for outcome in outcomes:
        if outcome.worse:
            yield outcome.sentence
    for line in cases:
        if line.change is Change.WORSE:
            yield line.sentence


def _notes(basis: Basis, contents: Sequence[ByteLine], cases: Sequence[CaseLine]) -> Iterator[str]:
    if basis is Basis.VALUES:
        yield from _control(contents, cases)
    changed = [line.name for line in contents if line.kind == "output" and line.state is Presence.DIFFERS]
    if changed:
        yield f"outputs are not the same to the bit in {len(changed)} cases: {', '.join(changed[:3])}"
    unsure = sum(line.change is Change.UNDETERMINED for line in cases)
    if unsure:
        yield f"{unsure} of {len(cases)} comparisons are undetermined: shown neither to differ nor to be equivalent"


def _level_notes(a: Results, b: Results) -> Iterator[str]:
    """What the level that the campaigns are compared at leaves out."""
    single = [side.manifest.campaign for side in (a, b) if side.unit is ReplicationUnit.BLOCK]
    if len(single) == 1:
        yield (
            f"{single[0]} ran in one world, the other campaign in several: blocks are compared, and what differs from "
            "world to world is not in the intervals; run both with --replicates"
        )


def _control(contents: Sequence[ByteLine], cases: Sequence[CaseLine]) -> Iterator[str]:
    """Native cases of unchanged bytes are the control: if they moved, the machine did."""
    same = {line.name for line in contents if line.kind == "guest" and line.state is Presence.IDENTICAL}
    for line in cases:
        arm = line.case.arm
        moved = line.change in {Change.WORSE, Change.BETTER, Change.DIFFERS}
        if moved and arm.is_native and f"{arm.target}/{arm.guest}" in same and line.quantity.endswith("_ns"):
            sentence = line.judgement.sentence
            yield f"{line.case.id} moved with unchanged bytes ({sentence}): the machine did; try --basis overheads"
            return


def _check(quantities: Sequence[str]) -> None:
    for name in quantities:
        if name not in COMPARED:
            raise UsageError(f"there is no quantity '{name}' to compare", f"choose among {', '.join(COMPARED)}")
