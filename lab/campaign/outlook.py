"""When a campaign can begin: which of its cases need no long compilation, and how long building takes until then.

Compiling a runtime takes longer than anything else before the first trial. So cases whose runtimes are here soon are
measured once before the others are built; nothing is built while something is measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from lab.builds.outlook import missing, seconds_for
from lab.core.arm import GuestProfile
from lab.core.case import Case
from lab.core.experiment import Experiment
from lab.core.guest import GuestId
from lab.zoo import catalog
from lab.zoo.entries import ENTRIES

QUICK_MINUTES = 2.0
"""A runtime that takes this much processor time or less to build is not waited for by itself."""
_SMALL_BYTES = 100_000_000
_SMALL_MODEL_MINUTES, _LARGE_MODEL_MINUTES = 0.2, 1.0
_FIRST_BLOCK_S = 60.0


class Outlook(msgspec.Struct, frozen=True):
    """How a campaign begins.

    Attributes:
        early: cases to measure before the rest is built; empty if everything is built first.
        first_s: predicted seconds until the first figure.
        build_s: predicted seconds of building in all.
    """

    early: tuple[Case, ...]
    first_s: float
    build_s: float


def outlook(cases: Iterable[Case], experiment: Experiment, home: Path) -> Outlook:
    """Which cases can be measured early, and when.

    Args:
        cases: of the campaign.
        experiment: its edition and weights.
        home: where caches live.

    Raises:
        EngineMissing, EngineForbidden: no engine to ask.
    """
    wanted = tuple(cases)
    runtimes = {case.arm.runtime for case in wanted}
    guests = {GuestId.of(case.arm) for case in wanted}
    lacking = missing(runtimes, guests, experiment.edition)
    models = {case.model for case in wanted}
    unfrozen = [name for name in models if catalog.load(name, home, experiment.weights) is None]
    quick = {name for name in runtimes if lacking.runtimes.get(name, 0.0) <= QUICK_MINUTES}
    measure = experiment.measure.limits
    # worlds and sequential looks are planned for whole blocks
    in_one = measure.replicates > 1 or measure.is_sequential
    early = () if in_one else early_cases(wanted, quick, set(unfrozen))
    every = lacking.minutes(runtimes, guests) + sum(map(_model_minutes, unfrozen))
    longest = max((*lacking.guests.values(), *lacking.runtimes.values()), default=0.0)
    build_s = seconds_for(every, longest)
    if not early:
        return Outlook((), build_s + _FIRST_BLOCK_S, build_s)
    first_guests = {GuestId.of(case.arm) for case in early}
    first_models = {case.model for case in early} & set(unfrozen)
    first = lacking.minutes({case.arm.runtime for case in early}, first_guests) + sum(map(_model_minutes, first_models))
    first_s = seconds_for(first, max((lacking.guests.get(guest, 0.0) for guest in first_guests), default=0.0))
    return Outlook(early, first_s + _FIRST_BLOCK_S, build_s)


def early_cases(cases: Iterable[Case], quick: set[str], unfrozen: set[str]) -> tuple[Case, ...]:
    """The cases to measure before the rest is built; none if nothing is waited for, or no runtime is quick.

    They hold quick runtimes, small networks, the smallest batch, and one optimisation level with its baselines.

    Args:
        cases: of the campaign.
        quick: runtimes that are here soon.
        unfrozen: models that are to be made first.
    """
    chosen = tuple(cases)
    if all(case.arm.runtime in quick for case in chosen):
        return ()
    batch = min(case.batch for case in chosen)
    profile = GuestProfile.O3 if any(case.arm.guest is GuestProfile.O3 for case in chosen) else chosen[0].arm.guest
    early = [
        case
        for case in chosen
        if case.arm.runtime in quick
        and case.batch == batch
        and case.arm.guest is profile
        and not (case.model in unfrozen and _is_large(case.model))
    ]
    wasm = {case.model for case in early if not case.arm.is_native}
    # a baseline is of use beside what is compared with it
    return tuple(case for case in early if case.model in wasm)


def _is_large(model: str) -> bool:
    return model in ENTRIES and ENTRIES[model].graph_bytes >= _SMALL_BYTES


def _model_minutes(model: str) -> float:
    return _LARGE_MODEL_MINUTES if _is_large(model) else _SMALL_MODEL_MINUTES
