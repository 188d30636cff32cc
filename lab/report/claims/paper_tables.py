"""The paper's own tables as data, and what they say to the paper's own sentences.

Table II gives inference's share by runtime and network, Table III how time and memory grow with a batch of three. Each
sentence about such a quantity is computed from them by the same formula as from a campaign.
"""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path

import msgspec

from lab.core.arm import Arm, GuestProfile
from lab.core.case import Case
from lab.core.errors import ExperimentError
from lab.report.claims.claim_file import Claim, ClaimQuantity
from lab.report.claims.formula import complete_sides, formula_of, sides_of

TABLES_NAME = "tables.toml"
FAILED = "failed"
_TABLES = ("Table I", "Table II", "Table III")


class Says(StrEnum):
    """Whether the paper's own numbers agree with one of its sentences."""

    AGREE = "agree"
    REFUTE = "refute"


class Reading(msgspec.Struct, frozen=True):
    """What the paper's tables make of a claim.

    Attributes:
        figure: the claim's quantity, computed from the paper's cells.
        says: whether that is what the claim accepts.
        table: which table the cells stand in.
    """

    figure: float
    says: Says
    table: str


class PaperTables(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tables II and III as printed; a cell is the text that stands in the paper.

    Attributes:
        inference_share: by model, then by system.
        batch_time_ratio, batch_memory_ratio: by system.
    """

    inference_share: dict[str, dict[str, str]]
    batch_time_ratio: dict[str, str]
    batch_memory_ratio: dict[str, str]

    def reading(self, claim: Claim) -> Reading | None:
        """What the tables say to a claim; None if they do not hold its quantity, or if it is one of their cells."""
        if claim.place in _TABLES:
            return None
        if claim.quantity in {ClaimQuantity.INFERENCE_SHARE, ClaimQuantity.SHARE_DIFFERENCE}:
            figure, table = self._share(claim), "Table II"
        elif claim.quantity is ClaimQuantity.BATCH_TIME_RATIO:
            figure, table = _ratio(claim, self.batch_time_ratio), "Table III"
        elif claim.quantity is ClaimQuantity.BATCH_MEMORY_RATIO:
            figure, table = _ratio(claim, self.batch_memory_ratio), "Table III"
        else:
            return None
        if figure is None:
            return None
        least, most = claim.accepted
        return Reading(figure, Says.AGREE if least <= figure <= most else Says.REFUTE, table)

    def _share(self, claim: Claim) -> float | None:
        sides = sides_of(claim, GuestProfile.O0)
        values = self._shares()
        missing = {case for side in sides for case in side.cases if case not in values}
        kept = complete_sides(claim, sides, missing)
        return formula_of(claim, kept)(values) if any(side.cases for side in kept) else None

    def _shares(self) -> dict[Case, float]:
        return {
            Case(Arm.parse(f"{system}@o0"), model, 1): number(cell) / 100
            for model, row in self.inference_share.items()
            for system, cell in row.items()
            if cell != FAILED
        }


def number(cell: str) -> float:
    """A printed cell as a number: ``39.55%``, ``1,38x``."""
    return float(cell.rstrip("%x").replace(",", "."))


def _ratio(claim: Claim, by_system: dict[str, str]) -> float | None:
    """A system's ratio, or the quotient of two systems' where the claim compares them."""
    if not {*claim.systems, *claim.over.systems} <= by_system.keys() or len(claim.systems) != 1:
        return None
    mine = number(by_system[claim.systems[0]])
    return mine / number(by_system[claim.over.systems[0]]) if claim.over.systems else mine


def load_tables(claims: Path) -> PaperTables | None:
    """The tables beside a claims file; None if there are none.

    Raises:
        ExperimentError: the file is malformed.
    """
    path = claims.parent / TABLES_NAME
    if not path.is_file():
        return None
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), PaperTables)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ExperimentError(f"{path}: {error}", "its header says what it holds") from error
