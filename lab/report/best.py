"""Which runtime for which model: per model the arm that takes least, for one run, for many, and of memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lab.core.arm import Arm
from lab.core.case import Case
from lab.report.break_even import COLD, STEADY
from lab.report.display import bounds, megabytes, model_name, names_of, ratio, seconds
from lab.report.overheads import MEMORY, Cost, costs
from lab.report.results import Results
from lab.stats.ratios import Estimate


@dataclass(frozen=True)
class Aspect:
    """What an arm may be best at.

    Attributes:
        quantity: the least of which is best; its name in `lab.core.trial.QUANTITIES`.
        title: for people.
        show: a value of it for people.
    """

    quantity: str
    title: str
    show: Callable[[float], str]


ASPECTS = (
    Aspect(COLD, "one cold run", seconds),
    Aspect(STEADY, "each further inference", seconds),
    Aspect(MEMORY.name, "peak memory", megabytes),
)


@dataclass(frozen=True)
class Winner:
    """The arm that takes least, native and other frameworks aside.

    Attributes:
        case: its.
        cost: its typical trial, and that over native.
        alike: others that may be as good: the interval of their ratio to it holds 1; cheapest first.
    """

    case: Case
    cost: Cost
    alike: tuple[Case, ...]


@dataclass(frozen=True)
class ModelBest:
    """One model at one batch size.

    Attributes:
        model, batch: which.
        winners: by quantity; those that were measured on no arm are missing.
        cold: the cost of one cold run of every arm, native included, that has one.
    """

    model: str
    batch: int
    winners: Mapping[str, Winner]
    cold: Mapping[Case, Cost]


def best_of(results: Results) -> list[ModelBest]:
    """One for every model that an arm of WebAssembly was measured on, at the smallest batch; in display order."""
    batch = results.batches[0]
    found = []
    for model in results.models:
        cases = [case for case in results.cells if (case.model, case.batch) == (model, batch)]
        by_aspect = {aspect.quantity: costs(results, aspect.quantity, cases, "this model's arms") for aspect in ASPECTS}
        winners = {name: won for name, costs_ in by_aspect.items() if (won := _winner(results, name, costs_))}
        if winners:
            cold = {case: cost for case, cost in by_aspect[COLD].items() if cost.level is not None}
            found.append(ModelBest(model, batch, winners, cold))
    return found


def _winner(results: Results, quantity: str, by_case: Mapping[Case, Cost]) -> Winner | None:
    values = {case: value for case, cost in by_case.items() if case.arm.target == "wasm" and (value := _value(cost))}
    if not values:
        return None
    least, *others = sorted(values, key=lambda case: (values[case], case.id))
    beside = costs(results, quantity, [least, *others], "this model's arms", least.arm)
    return Winner(least, by_case[least], tuple(case for case in others if may_equal(beside[case].overhead)))


def _value(cost: Cost) -> float | None:
    return None if cost.level is None else cost.level.value


def may_equal(over: Estimate | None) -> bool:
    """Whether the ratio may be 1; a test would call everything alike that has few blocks."""
    return over is not None and over.low is not None and over.low <= 1


def names_in(found: Sequence[ModelBest]) -> dict[Arm, str]:
    """Names of all arms that win or are alike."""
    return names_of(
        case.arm for best in found for winner in best.winners.values() for case in (winner.case, *winner.alike)
    )


def winner_text(winner: Winner, aspect: Aspect) -> str:
    """``95.1 ms, 1.42× native [1.31, 1.5]``."""
    value, over = _value(winner.cost), winner.cost.overhead
    text = aspect.show(value or 0.0)
    if over is not None and over.value is not None:
        text += f", {ratio(over.value)} native{bounds(over.low, over.high)}"
    return text


def headlines(found: Sequence[ModelBest]) -> Iterator[str]:
    """The answer over all models, a sentence for each aspect; none where nothing was measured."""
    names = names_in(found)
    for aspect in ASPECTS:
        winners = {best.model: best.winners[aspect.quantity] for best in found if aspect.quantity in best.winners}
        if not winners:
            continue
        counts = Counter(winner.case.arm for winner in winners.values())
        (first, wins), *_ = counts.most_common()
        lone = [winner for winner in winners.values() if winner.case.arm == first]
        if len(winners) == 1:
            (model,) = winners
            over = f"on {model_name(model)}: {winner_text(lone[0], aspect)}"
        else:
            over = f"on {wins} of {len(winners)} models{_range(lone)}"
        yield f"{aspect.title[0].upper()}{aspect.title[1:]}: least with {names[first]} {over}."


def _range(winners: Sequence[Winner]) -> str:
    values = [
        w.cost.overhead.value for w in winners if w.cost.overhead is not None and w.cost.overhead.value is not None
    ]
    if not values:
        return ""
    low, high = ratio(min(values)), ratio(max(values))
    return f", {low} native" if low == high else f", {low} to {high} native"
