"""Where the time of one cold inference goes: each cell's mean phases, for tables, figures and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.core.phase import Phase
from lab.report.results import Cell, Results

# What lies between the phases, and after them.
REST = "rest"
_PHASES = {"startup" if phase is Phase.START else str(phase): phase for phase in Phase if phase is not Phase.OUTPUT}
PHASE_NAMES = {name: phase.legend for name, phase in _PHASES.items()} | {REST: "output and exit"}
PHASE_HEADINGS = {name: phase.heading for name, phase in _PHASES.items()} | {REST: REST}


@dataclass(frozen=True)
class PhaseStack:
    """One cell as a stack of phases.

    Attributes:
        parts_ns: mean ns of each phase by the names of `PHASE_NAMES`; empty if there is none.
        status: why there is none; empty for a measured cell.
    """

    parts_ns: Mapping[str, float]
    status: str = ""


def phase_parts_ns(results: Results, cell: Cell) -> dict[str, float]:
    """Mean ns of each phase by the names of `PHASE_NAMES`; a phase never measured is absent. Their sum is the total."""
    parts = {}
    for name, phase in _PHASES.items():
        values = results.values(cell, phase.quantity)
        if len(values):
            parts[name] = float(values.mean())
    totals = results.values(cell, "single_total_ns")
    if len(totals) and parts:
        # two clocks meet here: where the phases add up to more than the whole, nothing is left
        parts[REST] = max(0.0, float(totals.mean()) - sum(parts.values()))
    return parts


def phase_stack(results: Results, cell: Cell) -> PhaseStack:
    """The cell's phases, or its status where it has none."""
    return PhaseStack(phase_parts_ns(results, cell), "" if cell.n else cell.status)


def phase_figure_names(results: Results) -> tuple[str, ...]:
    """Names of the phase figures: one per guest build."""
    return tuple(f"phases-{guest}" for guest in results.guests)
