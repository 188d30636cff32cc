"""What judging a claim gives: a finding for each guest level, side by side, and the counts over all claims.

A verdict has four states. The whole interval within what agrees with the paper is `reproduced`, the whole interval
outside is `not reproduced`, anything between is `inconclusive`: an interval that can't be computed, or a claim of eight
networks of which six were measured, never turns into a yes or a no. `not run` says that nothing of it was measured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from lab.core.arm import GuestProfile
from lab.report.claims.claim_file import Claim
from lab.report.claims.paper_tables import Reading

FIRM_BLOCKS = 6
"""From so many blocks on the exact rank test can reach 5 %; the stop rule waits for them, too."""


class Verdict(StrEnum):
    """Whether a claim holds here."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    INCONCLUSIVE = "inconclusive"
    NOT_RUN = "not run"

    @property
    def decides(self) -> bool:
        """Whether it is a yes or a no."""
        return self in {Verdict.REPRODUCED, Verdict.NOT_REPRODUCED}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A claim's verdict on one guest build.

    Attributes:
        guest: the guest build it was judged on; None for what is read off the graph.
        verdict: see `Verdict`.
        ours: our figure, or the outcomes seen; None if nothing was measured.
        interval: of `ours`, at 95 %; None if there is none. An end that a trial cut at its limit leaves open is
            infinite, and null in JSON.
        blocks: how many blocks, or trials of an outcome, it rests on.
        why: one line wherever the verdict is not a plain yes.
    """

    guest: GuestProfile | None
    verdict: Verdict
    ours: float | str | None = None
    interval: tuple[float, float] | None = None
    blocks: int = 0
    why: str = ""

    @property
    def is_firm(self) -> bool:
        """Whether it rests on as many blocks as a difference needs to be shown without leaning on the noise's shape."""
        return self.blocks >= FIRM_BLOCKS


class ClaimResult(msgspec.Struct, frozen=True, kw_only=True):
    """One claim judged on a campaign, on each of its guest builds by itself.

    Attributes:
        claim: what the paper says.
        findings: one for each guest build of the claim, the paper's first; at least one.
        tables: what the paper's own tables say to it; None if they cannot decide it.
    """

    claim: Claim
    findings: tuple[Finding, ...]
    tables: Reading | None = None

    @property
    def first(self) -> Finding:
        """The finding on the paper's own guest level."""
        return self.findings[0]

    @property
    def verdict(self) -> Verdict:
        """That of the paper's own guest level."""
        return self.first.verdict

    def at(self, guest: GuestProfile) -> Finding | None:
        """The finding on a guest build; what is read off the graph holds on none."""
        return next((found for found in self.findings if found.guest is guest), None)

    def entry(self) -> dict[str, object]:
        """The result as an entry of ``claims.json``: the claim's fields that a reader needs, then the verdict's.

        The verdict's own fields are those of the paper's guest level; ``levels`` has each level's.
        """
        claim = {name: getattr(self.claim, name) for name in _PUBLISHED}
        found = {name: getattr(self.first, name) for name in Finding.__struct_fields__}
        levels = {str(finding.guest): finding for finding in self.findings if finding.guest is not None}
        return {**claim, **found, "constant": self.claim.constant, "levels": levels, "paper_tables": self.tables}


# Fields of a claim that are part of an entry in claims.json.
_PUBLISHED = ("id", "place", "says", "printed", "quantity", "relation", "paper", "tolerance")


def tally(
    results: Iterable[ClaimResult], guest: GuestProfile = GuestProfile.O0, *, only_firm: bool = False
) -> dict[Verdict, int]:
    """How many claims got each verdict on a guest level, all four present.

    Claims that no measurement can change are left out.

    Args:
        results: of the claims.
        guest: whose findings to count; a claim that is not judged on it is not counted.
        only_firm: count findings on `FIRM_BLOCKS` blocks or more only.
    """
    found = [result.at(guest) for result in results if not result.claim.constant]
    counts = Counter(finding.verdict for finding in found if finding is not None and (finding.is_firm or not only_firm))
    return {verdict: counts[verdict] for verdict in Verdict}


def claims_json(results: Iterable[ClaimResult]) -> bytes:
    """The content of ``claims.json``: a list, the same bytes for the same results."""
    return msgspec.json.format(msgspec.json.encode([result.entry() for result in results]), indent=2) + b"\n"
