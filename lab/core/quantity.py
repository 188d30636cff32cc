"""A measured quantity: what it is called, its unit, where it comes from. `lab.core.trial.QUANTITIES` lists them all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """What a quantity counts; reports show its values accordingly."""

    NS = "ns"
    BYTES = "bytes"
    COUNT = "count"
    SHARE = "share"


@dataclass(frozen=True)
class Quantity:
    """One quantity of a trial.

    Attributes:
        title: its name for readers, as it stands within a sentence.
        probe: where the probe's report holds it, dotted: ``rusage.user_ns``; None for what the lab makes out of marks.
        after: of a derived quantity, the one that it follows in tables and exports; None for a field of the trial.
        column: its name in exports; None where that is its own.
        compared: whether `lab compare` knows it. More of such a quantity is worse.
        name: of the trial's attribute, which ends in the unit; filled in by the registry.
    """

    title: str
    probe: str | None = None
    after: str | None = None
    column: str | None = None
    compared: bool = False
    name: str = ""

    @property
    def unit(self) -> Unit:
        """The unit of its values, which its name ends with."""
        if "share" in self.name:
            return Unit.SHARE
        suffix = self.name.rpartition("_")[2]
        return Unit(suffix) if suffix in {Unit.NS, Unit.BYTES} else Unit.COUNT
