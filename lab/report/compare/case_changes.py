"""Case by case: how campaign B stands to A, with verdicts that are corrected for their number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

import msgspec
import numpy as np

from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.trial import QUANTITIES, Outcome
from lab.report.compare.fingerprints import Basis
from lab.report.results import NOT_RUN, Cell, Results
from lab.stats.combine import compare_geometric_means
from lab.stats.estimate import Estimate
from lab.stats.levels import ReplicationUnit
from lab.stats.ratios import Floats
from lab.stats.typical import typical
from lab.stats.verdicts import Judgement, State, compare_family

ALPHA = 0.05
COMPARED = {name: quantity for name, quantity in QUANTITIES.items() if quantity.compared}
DEFAULT_QUANTITIES = ("single_total_ns", "first_infer_ns", "rss_peak_bytes")
_FAILURES = (Outcome.WRONG_OUTPUT, Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY, Outcome.CRASHED, Outcome.UNSUPPORTED)


class Change(StrEnum):
    """What became of one quantity of one case."""

    IDENTICAL = "identical"
    WORSE = "worse"
    BETTER = "better"
    DIFFERS = "differs"
    EQUIVALENT = "equivalent"
    UNDETERMINED = "undetermined"


class ComparisonLine(msgspec.Struct, frozen=True):
    """A line of a comparison, of one case or one arm."""

    def entry(self) -> dict[str, object]:
        """The line as JSON holds it: its case or arm by the id."""
        fields = msgspec.structs.asdict(self)
        return {name: value.id if isinstance(value, Case | Arm) else value for name, value in fields.items()}


class CaseLine(ComparisonLine, frozen=True):
    """One quantity of one case in both campaigns.

    Attributes:
        case: the case.
        quantity: as in `COMPARED`.
        a, b: typical trials: in the quantity's unit, or as a ratio to native, by the basis.
        change: ``worse`` and ``better`` differ by more than the margin, ``differs`` by an estimate within it.
        judgement: of b over a, with estimate, interval and corrected p-values.
    """

    case: Case
    quantity: str
    a: float
    b: float
    change: Change
    judgement: Judgement

    @property
    def sentence(self) -> str:
        """The case, the quantity, and what the judgement says."""
        return f"{self.case.id}: {COMPARED[self.quantity].title} {self.judgement.sentence}"


class MeanLine(ComparisonLine, frozen=True):
    """One arm's geometric mean of b over a, over the models and batches that both campaigns measured."""

    arm: Arm
    quantity: str
    estimate: Estimate


class OutcomeLine(ComparisonLine, frozen=True):
    """A case whose outcome changed.

    Attributes:
        case: the case.
        a, b: ``ok``, a failure, ``not yet run``, or ``absent`` where the experiment has no such case.
        why: the reason of B's failure, if it has one.
        worse: it was sound in A and failed in B at least once.
    """

    case: Case
    a: str
    b: str
    why: str | None
    worse: bool

    @property
    def sentence(self) -> str:
        """The case, and how it ended in each campaign."""
        return f"{self.case.id}: {self.a} before, now {self.b}{f' ({self.why})' if self.why else ''}"


Samples = dict[tuple[Case, str], tuple[Floats, Floats]]


def collect(a: Results, b: Results, basis: Basis, quantities: Iterable[str]) -> Samples:
    """Logarithms of what is compared, for every case and quantity that both campaigns have.

    Returns:
        By case and quantity, (a, b), shapes (blocks of a,) and (blocks of b,), or worlds, neither empty.
    """
    found: Samples = {}
    unit = common_unit(a, b)
    for quantity in quantities:
        for case in a.cells:
            if case in b.cells:
                pair = _logs(a, case, quantity, basis, unit), _logs(b, case, quantity, basis, unit)
                if len(pair[0]) and len(pair[1]):
                    found[case, quantity] = pair
    return found


def common_unit(a: Results, b: Results) -> ReplicationUnit:
    """Worlds if both campaigns have several, else blocks."""
    return ReplicationUnit.WORLD if a.unit is b.unit is ReplicationUnit.WORLD else ReplicationUnit.BLOCK


def compare_cases(
    samples: Samples, margin: float, unit: ReplicationUnit = ReplicationUnit.BLOCK
) -> tuple[CaseLine, ...]:
    """A verdict for each, all of them one family: the chance of any false ``worse`` stays below `ALPHA`."""
    judged = compare_family(samples, margin, ALPHA, "this comparison", unit) if samples else {}
    return tuple(
        CaseLine(
            case=case,
            quantity=quantity,
            a=_typical(a),
            b=_typical(b),
            change=_change(a, b, judged[case, quantity]),
            judgement=judged[case, quantity],
        )
        for (case, quantity), (a, b) in samples.items()
    )


def compare_means(samples: Samples) -> tuple[MeanLine, ...]:
    """A geometric mean for each arm and quantity."""
    grouped: dict[tuple[Arm, str], dict[str, tuple[Floats, Floats]]] = {}
    for (case, quantity), pair in samples.items():
        grouped.setdefault((case.arm, quantity), {})[f"{case.model} b{case.batch}"] = pair
    return tuple(MeanLine(arm, quantity, _mean(pairs)) for (arm, quantity), pairs in grouped.items())


def compare_outcomes(a: Results, b: Results) -> Iterator[OutcomeLine]:
    """Cases whose outcome changed."""
    for case in dict.fromkeys([*a.cells, *b.cells]):
        before, after = a.cells.get(case), b.cells.get(case)
        if outcome_label(before) != outcome_label(after):
            sound = before is not None and before.n > 0 and not _failed(before)
            worse = sound and after is not None and _failed(after)
            yield OutcomeLine(case, outcome_label(before), outcome_label(after), after.why if after else None, worse)


def _logs(results: Results, case: Case, quantity: str, basis: Basis, unit: ReplicationUnit) -> Floats:
    cell = results.cells[case]
    if basis is Basis.VALUES:
        return results.logs(cell, quantity, unit)
    baseline = results.cells.get(case.baseline)
    if case.arm.is_native or baseline is None:
        return np.empty(0)
    return results.log_ratios(cell, baseline, quantity, unit)


def _typical(logs: Floats) -> float:
    return math.exp(float(typical(logs).value))


def _mean(pairs: Mapping[str, tuple[Floats, Floats]]) -> Estimate:
    a, b = ({name: pair[side] for name, pair in pairs.items()} for side in (0, 1))
    return compare_geometric_means(a, b, 1 - ALPHA)


def _change(a: Floats, b: Floats, judgement: Judgement) -> Change:
    if np.array_equal(a, b):
        return Change.IDENTICAL
    value = judgement.estimate.value
    if judgement.exceeds_margin:
        return Change.WORSE
    if judgement.state is State.DIFFERS and value is not None and value < 1 / (1 + judgement.margin):
        return Change.BETTER
    return Change(judgement.state.value)


def _failed(cell: Cell) -> bool:
    return any(outcome in cell.failures for outcome in _FAILURES)


def outcome_label(cell: Cell | None) -> str:
    """``ok``, with what failed at times; a failure; ``not yet run``; or ``absent`` if there is no such cell."""
    if cell is None:
        return "absent"
    if cell.status == NOT_RUN or not cell.n:
        return cell.status
    # how often it failed depends on how many blocks were run: only that it did is compared
    failed = [str(outcome) for outcome in _FAILURES if outcome in cell.failures]
    return ", ".join(["ok", *(f"sometimes {name}" for name in failed)])
