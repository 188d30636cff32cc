"""What a campaign answers to whoever asks how to run a model: the arms that take least, and from when on which pays."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from lab.core.case import Case
from lab.report.best import may_equal
from lab.report.break_even import COLD, STEADY, break_even_of
from lab.report.display import arm_name, bounds, megabytes, ratio, seconds
from lab.report.overheads import Cost, costs
from lab.report.precompilation import compile_cost, savings
from lab.report.results import Results

MEMORY = "rss_peak_bytes"
_QUESTIONS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    (COLD, "One cold run", seconds),
    (STEADY, "Each further inference", seconds),
    (MEMORY, "Peak memory", megabytes),
)
_MOST_NAMED = 3


def advice(results: Results, model: str, batch: int = 1) -> list[str]:
    """Sentences for people; none if nothing was measured.

    Args:
        results: of a campaign that holds the model.
        model: its name.
        batch: images per inference.
    """
    cases, found, best = _measured(results, model, batch)
    lines = [
        _answer(results, quantity, what, show, found[quantity], best[quantity])
        for quantity, what, show in _QUESTIONS
        if quantity in best
    ]
    if best.keys() >= {COLD, STEADY}:
        lines += _crossing(results, best[COLD], best[STEADY])
    for case in dict.fromkeys(best.values()):
        lines += _precompiling(results, case)
    return [*lines, *_without_a_number(results, cases)]


def in_short(results: Results, model: str, batch: int = 1) -> str | None:
    """The same in one sentence: what to use for a cold run, from when on another pays, what needs the least memory.

    Args:
        results: of a campaign that holds the model.
        model: its name.
        batch: images per inference.

    Returns:
        None if no arm of WebAssembly has a cold run.
    """
    _, found, best = _measured(results, model, batch)
    if COLD not in best:
        return None
    use = best[COLD]
    over, memory = found[COLD][use].overhead, _value(found[MEMORY][use])
    parts = [f"Use {_name(use)}"]
    if over is not None and over.value is not None:
        parts[0] += f": {ratio(over.value)} native{bounds(over.low, over.high)} for one cold run"
    if memory is not None:
        parts[0] += f", {megabytes(memory)}"
    steady, least = best.get(STEADY, use), best.get(MEMORY, use)
    starts_from = None if steady == use else break_even_of(results, use, steady).starts_from
    if starts_from is not None:
        parts.append(f"from {starts_from} inferences per start on, {_name(steady)}")
    if least != use:
        parts.append(f"{_name(least)} needs the least memory, {megabytes(_value(found[MEMORY][least]) or 0.0)}")
    return "; ".join(parts) + "."


def _measured(
    results: Results, model: str, batch: int
) -> tuple[list[Case], dict[str, dict[Case, Cost]], dict[str, Case]]:
    """A model's cases, by question what each costs, and by question the one that takes least, if any was measured."""
    cases = [case for case in results.cells if (case.model, case.batch) == (model, batch)]
    found = {quantity: costs(results, quantity, cases, "this model's arms") for quantity, _, _ in _QUESTIONS}
    return cases, found, {quantity: case for quantity in found if (case := _least(found[quantity])) is not None}


def _least(found: dict[Case, Cost]) -> Case | None:
    measured = {case: value for case in found if (value := _value(found[case])) is not None and not case.arm.is_native}
    return min(measured, key=lambda case: (measured[case], case.id)) if measured else None


def _value(cost: Cost) -> float | None:
    return None if cost.level is None else cost.level.value


def _name(case: Case) -> str:
    return f"{arm_name(case.arm)} ({case.arm.guest})"


def _answer(
    results: Results, quantity: str, what: str, show: Callable[[float], str], found: dict[Case, Cost], best: Case
) -> str:
    value, over = _value(found[best]), found[best].overhead
    text = f"{what}: least with {_name(best)}, {show(value or 0.0)}"
    if over is not None and over.value is not None:
        text += f", {ratio(over.value)} native{bounds(over.low, over.high)}"
    others = [case for case in found if case != best and not case.arm.is_native and _value(found[case]) is not None]
    beside = costs(results, quantity, [best, *others], "this model's arms", best.arm)
    alike = [case for case in others if may_equal(beside[case].overhead)]
    if not alike:
        return f"{text}."
    named = ", ".join(_name(case) for case in sorted(alike, key=lambda case: _value(found[case]) or 0.0)[:_MOST_NAMED])
    more = f" and {len(alike) - _MOST_NAMED} more" if len(alike) > _MOST_NAMED else ""
    return f"{text}; within the noise of it: {named}{more}."


def _crossing(results: Results, cold: Case, steady: Case) -> Iterator[str]:
    """From how many inferences per start on the arm with the quickest inference takes less in all."""
    if cold == steady:
        return
    found = break_even_of(results, cold, steady)
    quick_start, quick_step = _name(cold), _name(steady)
    if found.value is None or found.starts_from is None or (found.low, found.high) == (1, math.inf):
        return
    head = f"From {found.starts_from} inferences per start on, {quick_step} takes less in all than {quick_start}"
    if found.low is None or found.high is None:
        yield f"{head}; {found.reason}."
    elif math.isinf(found.high):
        yield f"{head}; the noise allows any number from {math.floor(found.low)} on."
    elif math.ceil(found.high) > found.starts_from or math.floor(found.low) < found.starts_from - 1:
        yield f"{head}; between {math.floor(found.low)} and {math.ceil(found.high)} noise hides which."
    else:
        yield f"{head}."


def _precompiling(results: Results, case: Case) -> Iterator[str]:
    compile_ns = compile_cost(results, case).compile_ns
    for saving in savings(results):
        if saving.cell.case == case and compile_ns is not None and saving.against and saving.runs_to_pay_back:
            starts = math.ceil(saving.runs_to_pay_back)
            yield (
                f"{_name(case)} is precompiled once, in {seconds(compile_ns)}: start {starts} has paid for it, "
                f"against {arm_name(saving.against)}."
            )


def _without_a_number(results: Results, cases: list[Case]) -> Iterator[str]:
    for case in cases:
        cell = results.cells[case]
        if not cell.n:
            yield f"No number for {_name(case)}: {cell.status}{f', {cell.why}' if cell.why else ''}."
