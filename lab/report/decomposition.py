"""One cold inference over the best native one, taken apart: framework, kernels, runtime, start-up, loading.

The chain of a block, from the fastest steady inference that some native program makes of the model, to the whole trial:

    best native: steady inference of the fastest native arm, LiteRT say
      × framework   → steady inference of native tract, with the kernels tuned for this processor
      × kernels     → … with the generic kernels, those that wasm gets
      × runtime     → steady inference of the arm
      × start-up    → that and the arm's start-up
      × loading     → one cold inference end to end: reading to optimising, what the first inference takes longer, exit

Where no trial restricts native tract to its generic kernels, kernels and runtime are one factor. Arms of unoptimised
guests are left out: their framework's factor would mix in the compiler's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import exp, fsum, log

from msgspec.structs import replace

from lab.core.arm import UNOPTIMISED, Arm, Mode
from lab.core.case import Case
from lab.report.results import Results
from lab.stats.decomposition import Decomposition, decompose

NAME = "decomposition"
"""Of the section and of the figure."""
FRAMEWORK, KERNELS, RUNTIME, BOTH = "framework", "kernels", "runtime", "kernels × runtime"
STARTUP, LOADING = "start-up", "loading"
FACTORS = (FRAMEWORK, KERNELS, RUNTIME, BOTH, STARTUP, LOADING)
GENERIC = "generic"
"""Backend of the native arm that is restricted to generic kernels: ``native-generic``."""

STEADY, START, TOTAL = "steady_infer_ns", "startup_ns", "single_total_ns"


@dataclass(frozen=True)
class TakenApart:
    """One case's overhead.

    Attributes:
        best: the arm whose steady inference is the reference.
        parts: the factors and their product.
        macs_per_s: multiply-accumulates a second of its own steady inference; None where the model's are not known.
    """

    case: Case
    best: Arm
    parts: Decomposition
    macs_per_s: float | None


def taken_apart(results: Results) -> list[TakenApart]:
    """Every case whose chain was measured in some block, in display order.

    Empty for a campaign with neither another framework nor generic kernels: nothing could be attributed.
    """
    arms = [case.arm for case, cell in results.cells.items() if cell.n]
    if not any(arm.mode is Mode.FRAMEWORK or _is_generic(arm) for arm in arms):
        return []
    found = []
    for case, cell in results.cells.items():
        best = _best(results, case) if cell.n and case.arm.guest not in UNOPTIMISED else None
        parts = None if best is None else decompose(_steady(results, best), list(_links(results, case)))
        if best is not None and parts is not None:
            found.append(TakenApart(case, best.arm, parts, _macs_per_s(results, case)))
    return found


def _is_generic(arm: Arm) -> bool:
    return arm.is_native and arm.backend == GENERIC


def _best(results: Results, like: Case) -> Case | None:
    """The native case with the fastest steady inference of the same model and batch, generic kernels left out."""
    speeds = {
        case: fsum(map(log, steady.values())) / len(steady)
        for case, cell in results.cells.items()
        if cell.n and (case.model, case.batch) == (like.model, like.batch)
        if case.arm.target == "native" and case.arm.guest not in UNOPTIMISED and not _is_generic(case.arm)
        if (steady := _steady(results, case))
    }
    return min(speeds, key=lambda case: speeds[case]) if speeds else None


def _links(results: Results, case: Case) -> Iterator[tuple[str, Mapping[int, float]]]:
    """The links of the case's chain; one that was not measured has no blocks."""
    own = _steady(results, case)
    # a prepared guest infers as the plain one does: only start-up and loading are its own
    baseline = case.arm.plain.baseline
    if case.arm.mode is Mode.FRAMEWORK or case.arm.plain == baseline:
        yield FRAMEWORK, own
    else:
        yield FRAMEWORK, _steady(results, Case(baseline, case.model, case.batch))
        generic = Case(replace(baseline, backend=GENERIC), case.model, case.batch)
        if _is_generic(case.arm):
            yield KERNELS, own
        elif kernels := _steady(results, generic):
            yield KERNELS, kernels
            yield RUNTIME, own
        else:
            yield BOTH, own
    startup = _values(results, case, START)
    yield STARTUP, {block: own[block] + startup[block] for block in own.keys() & startup.keys()}
    yield LOADING, _values(results, case, TOTAL)


def _steady(results: Results, case: Case) -> Mapping[int, float]:
    return _values(results, case, STEADY)


def _values(results: Results, case: Case, quantity: str) -> Mapping[int, float]:
    cell = results.cells.get(case)
    return {} if cell is None else results.by_block(cell, quantity)


def _macs_per_s(results: Results, case: Case) -> float | None:
    facts, steady = results.manifest.models.get(case.model), _steady(results, case)
    if facts is None or not facts.macs or not steady:
        return None
    return facts.macs * case.batch * 1e9 / exp(fsum(map(log, steady.values())) / len(steady))
