"""The paper's claims as data: what each says, which quantity decides it, and how near is near enough."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path

import msgspec

import lab
from lab.core.arm import Arm, GuestProfile
from lab.core.errors import ExperimentError
from lab.runtimes.registry import check

# An experiment without claims of its own is compared with those of the paper.
PAPER = "paper"


class ClaimQuantity(StrEnum):
    """What is computed from a campaign; the header of the claims file defines each."""

    TIME_RATIO = "time_ratio"
    GAP_RATIO = "gap_ratio"
    STARTUP_RATIO = "startup_ratio"
    MEMORY_RATIO = "memory_ratio"
    BATCH_TIME_RATIO = "batch_time_ratio"
    BATCH_MEMORY_RATIO = "batch_memory_ratio"
    INFERENCE_SHARE = "inference_share"
    SHARE_DIFFERENCE = "share_difference"
    STARTUP_SHARE = "startup_share"
    READ_SHARE = "read_share"
    RSS_PEAK_GB = "rss_peak_gb"
    OUTCOME = "outcome"
    PARAMETERS = "parameters"
    CONV_LAYERS = "conv_layers"

    @property
    def is_share(self) -> bool:
        """Whether it is one share in %, averaged over systems and models."""
        return self in {ClaimQuantity.INFERENCE_SHARE, ClaimQuantity.STARTUP_SHARE, ClaimQuantity.READ_SHARE}

    @property
    def is_count(self) -> bool:
        """Whether it is read off the graph, exactly, rather than measured."""
        return self in {ClaimQuantity.PARAMETERS, ClaimQuantity.CONV_LAYERS}


class Relation(StrEnum):
    """How our figure must stand to the paper's."""

    ABOUT = "about"
    ABOVE = "above"
    BELOW = "below"


class Pick(StrEnum):
    """How several systems make one side.

    `MEAN` is their geometric mean, `EXTREMES` the worst of `systems` against the best of `over`, `LEAST` the best of
    each side. `MOST` counts networks instead of averaging them: the ratio that more than half of them reach.
    """

    MEAN = "mean"
    EXTREMES = "extremes"
    LEAST = "least"
    MOST = "most"


class Cause(StrEnum):
    """Why a case failed, by the paper."""

    MEMORY = "memory"
    TIME = "time"


class Over(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The other side of a comparison; what is left out is as in the claim."""

    systems: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


class Claim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One statement of the paper.

    Attributes:
        id: unique.
        place: section, table or figure.
        says: in a few words.
        quantity: what decides it.
        relation: how ours must stand to `paper`.
        paper: the paper's figure, in the quantity's unit; for outcomes ``failed`` or ``ok``.
        printed: the figure as the paper prints it, or the word that was read as `paper`.
        tolerance: by the rule in the header of the file.
        systems, models, batch: the cases.
        over: what they are compared with.
        pick: how several systems make one side.
        guests: guest builds to judge it on, the paper's first; each is judged by itself.
        cause: of a failure, where the paper states one.
        constant: whether no measurement can change the verdict; such a claim is left out of the tally.
        note: how the definition differs from the paper's, if it does.
    """

    id: str
    place: str
    says: str
    quantity: ClaimQuantity
    relation: Relation = Relation.ABOUT
    paper: float | str
    printed: str
    tolerance: float = 0.0
    systems: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    batch: int = 1
    over: Over = Over()
    pick: Pick = Pick.MEAN
    guests: tuple[GuestProfile, ...] = (GuestProfile.O0, GuestProfile.O3)
    cause: Cause | None = None
    constant: bool = False
    note: str | None = None

    def arm(self, system: str, guest: GuestProfile) -> Arm:
        """The arm of one of the claim's systems."""
        return Arm.parse(f"{system}@{guest}")

    @property
    def accepted(self) -> tuple[float, float]:
        """The figures that agree with the paper's: both ends, either of which may be infinite."""
        paper = float(self.paper)
        low = float("-inf") if self.relation is Relation.BELOW else paper - self.tolerance
        high = float("inf") if self.relation is Relation.ABOVE else paper + self.tolerance
        return low, high


def claims_path(experiment: str) -> Path | None:
    """The claims that belong to an experiment: ``experiments/<name>/claims.toml`` beside the package, if there."""
    path = Path(lab.__file__).resolve().parent.parent / "experiments" / experiment / "claims.toml"
    return path if path.is_file() else None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    claim: tuple[Claim, ...]


def load_claims(path: Path) -> tuple[Claim, ...]:
    """Read a claims file.

    Raises:
        ExperimentError: it is missing, malformed, names an arm that does not exist, or holds an id twice.
    """
    try:
        claims = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File).claim
    except OSError as error:
        raise ExperimentError(f"cannot read {path}: {error.strerror}", "restore the file") from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ExperimentError(f"{path}: {error}", "its header says what a claim holds") from error
    seen: set[str] = set()
    for claim in claims:
        if claim.id in seen:
            raise ExperimentError(f"{path}: two claims are named '{claim.id}'", "give one of them another id")
        seen.add(claim.id)
        for system in (*claim.systems, *claim.over.systems):
            for guest in claim.guests:
                check(claim.arm(system, guest))
    return claims
