"""What the campaign's own data say about causes: sentences from numbers that stand in the same report.

No sentence judges: claims are judged in the claims, and each sentence names the table that its numbers are in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from lab.core.arm import Arm, GuestProfile, Mode
from lab.core.case import Case
from lab.report.claims.verdict import ClaimResult, Verdict, tally
from lab.report.display import arm_name, digits, model_name, ratio, share
from lab.report.overheads import Cost
from lab.report.phases import phase_parts_ns
from lab.report.precompilation import counterpart
from lab.report.results import Results

_LOADING = ("read", "decode", "build", "optimise")
TOPICS = {
    "claims": "The paper's claims",
    "time": "Overall time",
    "share": "Loading and inference",
    "aot": "Precompilation",
    "memory": "Memory",
    "batch": "Batch",
}
_PLACES = {
    "Figure 1(a)": "time",
    "Figure 1(b)": "memory",
    "Figure 2": "aot",
    "Table II": "share",
    "Table III": "batch",
    "IV.D": "share",
    "IV.E": "batch",
}


@dataclass(frozen=True)
class Sentence:
    """One finding.

    Attributes:
        topic: a key of `TOPICS`.
        text: with its numbers.
        table: the section that holds them.
    """

    topic: str
    text: str
    table: str


def differences(
    results: Results, time: Mapping[Case, Cost], memory: Mapping[Case, Cost], claims: Sequence[ClaimResult] = ()
) -> list[Sentence]:
    """All findings that this campaign's data allow, by topic; fewer where it is partial."""
    found = [
        *_tally(claims),
        *_compile_shares(results),
        *_inference_alone(results, time),
        *_levels(results),
        *_loading(results),
        *_precompiled(results),
        *_memory(memory),
    ]
    return [sentence for topic in TOPICS for sentence in [*_against(claims, topic), *found] if sentence.topic == topic]


def _tally(claims: Sequence[ClaimResult]) -> Iterator[Sentence]:
    judged = [result for result in claims if not result.claim.constant]
    for guest in GuestProfile if judged else ():
        counts = tally(judged, guest)
        if sum(counts.values()) > counts[Verdict.NOT_RUN]:
            counted = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
            head = f"Of the {sum(counts.values())} claims that a measurement can decide"
            yield Sentence("claims", f"{head}, on guest level {guest}: {counted}.", "claims")


def _against(claims: Sequence[ClaimResult], topic: str) -> Iterator[Sentence]:
    """How many of the paper's claims on this topic are not reproduced: what the sentences after it help to explain."""
    of_topic = [result for result in claims if _topic(result.claim.place) == topic]
    against = Counter(result.claim.place for result in of_topic if result.verdict is Verdict.NOT_REPRODUCED)
    if against and topic != "claims":
        places = "; ".join(f"{place}: {count}" for place, count in against.items())
        text = f"{against.total()} of the {len(of_topic)} claims on this are not reproduced ({places})"
        yield Sentence(topic, f"{text}. The sentences here say what this campaign's data show about why.", "claims")


def _topic(place: str) -> str:
    """What a place in the paper is about; its longest matching mark decides ("Table III" before "Table II")."""
    marks = [mark for mark in _PLACES if mark in place]
    return _PLACES[max(marks, key=len)] if marks else "claims"


def _name(arm: Arm) -> str:
    return f"{arm_name(arm)} ({arm.guest})"


def _first_batch(results: Results, arm: Arm) -> list[tuple[str, dict[str, float]]]:
    """Mean phases of the arm's measured models at the smallest batch, as fractions of the total."""
    found = []
    for model in results.models:
        cell = results.cells.get(Case(arm, model, results.batches[0]))
        parts = phase_parts_ns(results, cell) if cell is not None and cell.n else {}
        total = sum(parts.values())
        if total > 0:
            found.append((model, {name: value / total for name, value in parts.items()}))
    return found


def _range(values: Sequence[float], models: Sequence[str], what: Any = share) -> str:
    """``84.0 % (VGG 19) to 97.0 % (YuNet)``, or the one value."""
    low, high = int(np.argmin(values)), int(np.argmax(values))
    if low == high:
        return f"{what(values[low])} ({model_name(models[low])})"
    return f"{what(values[low])} ({model_name(models[low])}) to {what(values[high])} ({model_name(models[high])})"


def _compile_shares(results: Results) -> Iterator[Sentence]:
    for arm in results.arms:
        if arm.mode is not Mode.JIT:
            continue
        parts = [(model, phases["startup"]) for model, phases in _first_batch(results, arm) if "startup" in phases]
        if parts:
            spread = _range([value for _, value in parts], [model for model, _ in parts])
            text = f"{_name(arm)}: start-up, in which the module is compiled, takes {spread} of overall time"
            yield Sentence("time", f"{text}; median {share(median(value for _, value in parts))}.", "phases")


def _inference_alone(results: Results, time: Mapping[Case, Cost]) -> Iterator[Sentence]:
    """Overall overhead against that of inference alone: what start-up and loading add to what generated code costs."""
    for arm in results.arms:
        if arm.is_native or arm.mode is Mode.AOT:
            continue
        overall, alone = [], []
        for model in results.models:
            case = Case(arm, model, results.batches[0])
            native, cost = results.cells.get(case.baseline), time.get(case)
            if native is None or cost is None or cost.overhead is None or cost.overhead.value is None:
                continue
            mine, theirs = (results.values(cell, "first_infer_ns") for cell in (results.cells[case], native))
            if len(mine) and len(theirs):
                overall.append(cost.overhead.value)
                alone.append(float(np.exp(np.log(mine).mean() - np.log(theirs).mean())))
        if overall:
            means = [float(np.exp(np.log(values).mean())) for values in (overall, alone)]
            overall_text = f"{_name(arm)} takes {ratio(means[0])} native's overall time"
            text = f"{overall_text}, and {ratio(means[1])} for the first inference alone"
            yield Sentence("time", f"{text} (geometric means over {len(overall)} models).", "phases")


def _loading(results: Results) -> Iterator[Sentence]:
    for arm in results.arms:
        if not arm.is_native:
            continue
        rows = _first_batch(results, arm)
        if not rows:
            continue
        loads = [sum(phases.get(name, 0.0) for name in _LOADING) for _, phases in rows]
        spread = _range(loads, [model for model, _ in rows])
        largest = rows[-1][1]
        longest = max(_LOADING, key=lambda name: largest.get(name, 0.0))
        head = f"{_name(arm)}: loading takes {spread} of overall time"
        text = f"{head}; on {model_name(rows[-1][0])} most of it is {longest}"
        yield Sentence("share", f"{text} ({share(largest.get(longest, 0.0))} of the total).", "phases")


def _levels(results: Results) -> Iterator[Sentence]:
    """What the guest's optimisation level does to inference, natively and in wasm: the paper measured level 0."""
    for arm in results.arms:
        if arm.guest is not GuestProfile.O0 or arm.mode is Mode.AOT:
            continue
        faster = []
        for model in results.models:
            cells = [
                results.cells.get(Case(Arm(arm.runtime, arm.mode, arm.backend, g), model, results.batches[0]))
                for g in (GuestProfile.O0, GuestProfile.O3)
            ]
            slow, fast = (results.values(cell, "first_infer_ns") if cell else np.empty(0) for cell in cells)
            if len(slow) and len(fast):
                faster.append(float(np.exp(np.log(slow).mean() - np.log(fast).mean())))
        if faster:
            gain = float(np.exp(np.log(faster).mean()))
            head = f"{arm_name(arm)}: the guest at level 0, the paper's, takes {ratio(gain)} the time"
            text = f"{head} of the same guest at level 3 for the first inference"
            yield Sentence("time", f"{text} (geometric mean over {len(faster)} models).", "phases")


def _precompiled(results: Results) -> Iterator[Sentence]:
    for arm in results.arms:
        rival = counterpart(results, arm) if arm.mode is Mode.AOT else None
        if rival is None:
            continue
        mine, theirs = dict(_first_batch(results, arm)), dict(_first_batch(results, rival))
        models = [
            model for model in mine if model in theirs and "startup" in mine[model] and "startup" in theirs[model]
        ]
        if models:
            before, after = (median(side[model]["startup"] for model in models) for side in (theirs, mine))
            head = f"{_name(arm)}: precompilation brings start-up from {share(before)} of overall time"
            text = f"{head} ({arm_name(rival)}) to {share(after)}"
            yield Sentence("aot", f"{text} (medians over {len(models)} models).", "phases")


def _memory(memory: Mapping[Case, Cost]) -> Iterator[Sentence]:
    by_arm: dict[Arm, list[tuple[str, float]]] = {}
    first = min((case.batch for case in memory), default=0)
    for case, cost in memory.items():
        if case.batch == first and cost.overhead is not None and cost.overhead.value is not None:
            by_arm.setdefault(case.arm, []).append((case.model, cost.overhead.value))
    for arm, cells in by_arm.items():
        spread = _range([value for _, value in cells], [model for model, _ in cells], lambda value: f"{digits(value)}×")
        yield Sentence("memory", f"{_name(arm)}: peak memory over native is {spread}.", "figure-1b-memory")
