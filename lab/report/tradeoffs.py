"""What is traded for what: start-up against steady speed, overhead against memory, and who is on which front.

At the smallest batch, among arms of one level: those that share a baseline. Fronts are of typical trials of arms that
are not native.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.core.arm import GuestProfile
from lab.core.case import Case
from lab.report.overheads import MEMORY, TIME, Cost, costs
from lab.report.precompilation import compile_cost
from lab.report.results import Results
from lab.stats.fronts import pareto_front
from lab.stats.ratios import Estimate

_STEADY = "steady_infer_ns"


@dataclass(frozen=True)
class TradeoffFigure:
    """A picture of two costs: its file name without level and suffix, its title, and its axes with their units."""

    name: str
    title: str
    across: str
    up: str


START_FIGURE = TradeoffFigure(
    "pareto-start",
    "Start-up against steady speed",
    "start: one cold run less a steady inference, s",
    "steady inference, ms",
)
MEMORY_FIGURE = TradeoffFigure(
    "pareto-memory", "Overhead against memory", "overall time of a cold run over native", "peak memory, MB"
)


@dataclass(frozen=True)
class Standing:
    """Where one case stands; values are of the typical trial, None where not measured.

    Attributes:
        case: which.
        start_ns: a cold run less one steady inference: what a start costs beside its inferences.
        steady_ns: each further inference.
        over_native: overall time of a cold run over native.
        memory_bytes: peak memory.
        artifact_bytes: of its precompiled module.
    """

    case: Case
    start_ns: float | None
    steady_ns: float | None
    over_native: Estimate | None
    memory_bytes: float | None
    artifact_bytes: float | None

    @property
    def start_and_steady(self) -> tuple[float, float] | None:
        """Both in ns; None unless both are above 0."""
        return _both(self.start_ns, self.steady_ns)

    @property
    def overhead_and_memory(self) -> tuple[float, float] | None:
        """Ratio to native, 1 of native itself, and bytes; None unless both are known."""
        over = 1.0 if self.case.arm.is_native else self.over_native.value if self.over_native else None
        return _both(over, self.memory_bytes)


@dataclass(frozen=True)
class ModelTradeoffs:
    """One model under the arms of one level.

    Attributes:
        level: guest of the baseline that these arms share.
        model: its name.
        standings: by case, in display order; native among them.
        start_front: cases that none beats in start-up without losing in steady speed, quickest start first.
        memory_front: the same of overhead and memory, least overhead first.
    """

    level: GuestProfile
    model: str
    standings: dict[Case, Standing]
    start_front: tuple[Case, ...]
    memory_front: tuple[Case, ...]


def tradeoffs(results: Results) -> list[ModelTradeoffs]:
    """One for every level and model that an arm other than native was measured on; in display order."""
    batch = results.batches[0]
    cases = [case for case in results.cells if case.batch == batch]
    by_quantity = {name: costs(results, name, cases, "trade-offs") for name in (TIME.name, _STEADY, MEMORY.name)}
    found = []
    for level in results.levels:
        for model in results.models:
            here = [case for case in cases if case.model == model and case.arm.baseline.guest is level]
            standings = {case: _standing(results, case, by_quantity) for case in here if results.cells[case].n}
            if any(not case.arm.is_native for case in standings):
                found.append(
                    ModelTradeoffs(
                        level,
                        model,
                        standings,
                        _front({case: standing.start_and_steady for case, standing in standings.items()}),
                        _front({case: standing.overhead_and_memory for case, standing in standings.items()}),
                    )
                )
    return found


def _front(both: dict[Case, tuple[float, float] | None]) -> tuple[Case, ...]:
    return tuple(pareto_front({case: pair for case, pair in both.items() if pair and not case.arm.is_native}))


def _standing(results: Results, case: Case, by_quantity: dict[str, dict[Case, Cost]]) -> Standing:
    cold, steady, memory = (_level(by_quantity[name][case]) for name in (TIME.name, _STEADY, MEMORY.name))
    return Standing(
        case,
        None if cold is None or steady is None else cold - steady,
        steady,
        by_quantity[TIME.name][case].overhead,
        memory,
        compile_cost(results, case).artifact_bytes,
    )


def _level(cost: Cost) -> float | None:
    return None if cost.level is None else cost.level.value


def _both(first: float | None, second: float | None) -> tuple[float, float] | None:
    if first is None or second is None or first <= 0 or second <= 0:
        return None
    return first, second
