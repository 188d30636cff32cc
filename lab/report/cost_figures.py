"""The paper's three cost figures as data: which cells each holds, and their costs and verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab.core.case import Case
from lab.report.overheads import MEMORY, TIME, CostFigure, CostQuantity, costs
from lab.report.precompilation import is_precompiled, is_uncompiled
from lab.report.results import Results


@dataclass(frozen=True)
class CostFigures:
    """The figures of one campaign; each is a family of verdicts.

    Attributes:
        time: Figure 1(a), overall time without precompilation.
        memory: Figure 1(b), peak memory without precompilation.
        aot: Figure 2, overall time of precompiled modules; without cells where the campaign has none.
    """

    time: CostFigure
    memory: CostFigure
    aot: CostFigure

    def __iter__(self) -> Iterator[CostFigure]:
        """In the paper's order."""
        return iter((self.time, self.memory, self.aot))


def cost_figures(results: Results) -> CostFigures:
    """The cost figures of a campaign."""
    plain = [case for case in results.cells if is_uncompiled(case)]
    compiled = [case for case in results.cells if is_precompiled(case)]
    if all(case.arm.is_native for case in compiled):
        compiled = []

    def figure(name: str, title: str, quantity: CostQuantity, cases: list[Case]) -> CostFigure:
        return CostFigure(name, title, quantity, costs(results, quantity.name, cases, title))

    return CostFigures(
        time=figure("figure-1a-time", "Overall time (Figure 1a)", TIME, plain),
        memory=figure("figure-1b-memory", "Maximum resident set size (Figure 1b)", MEMORY, plain),
        aot=figure("figure-2-aot-time", "Overall time, precompiled (Figure 2)", TIME, compiled),
    )
