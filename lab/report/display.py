"""Names and numbers for readers: arms, models, times, sizes, ratios."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lab.core.arm import Arm, Mode
from lab.core.trial import Outcome
from lab.runtimes.registry import runtime_named

# a framework has one mode, and its name says enough
_MODES = {"jit": "JIT", "aot": "AOT", "interpreter": "interpreter", "framework": ""}
MODE_NAMES = {
    Mode.NATIVE: "native",
    Mode.JIT: "just in time (JIT)",
    Mode.INTERPRETER: "interpreter",
    Mode.AOT: "ahead of time (AOT)",
    Mode.FRAMEWORK: "other framework",
}
"""Modes as filters of pages name them."""
SHORT_OUTCOMES = {
    Outcome.OVER_BUDGET: "over budget",
    Outcome.OUT_OF_MEMORY: "out of memory",
    Outcome.WRONG_OUTPUT: "wrong output",
}


def runtime_name(runtime: str) -> str:
    """The runtime as its makers spell it; one that the lab does not know keeps its own name."""
    known = runtime_named(runtime)
    return known.title if known else runtime


def arm_name(arm: Arm) -> str:
    """``Wasmtime JIT cranelift``; the guest is said elsewhere."""
    if arm.is_native:
        return " ".join(part for part in ("native", arm.backend) if part)
    return " ".join(part for part in (runtime_name(arm.runtime), _MODES[arm.mode], arm.backend) if part)


def names_of(arms: Iterable[Arm]) -> dict[Arm, str]:
    """`arm_name` of each, with its guest where they have more than one."""
    chosen = list(arms)
    several = len({arm.guest for arm in chosen}) > 1
    return {arm: f"{arm_name(arm)} ({arm.guest})" if several else arm_name(arm) for arm in chosen}


def model_name(model: str) -> str:
    """``MobileNet V1 0.25/128`` for ``mobilenet_v1_0.25_128``; unknown names as they are."""
    if match := re.fullmatch(r"mobilenet_v(\d)_([\d.]+)_(\d+)", model):
        return f"MobileNet V{match[1]} {match[2]}/{match[3]}"
    if match := re.fullmatch(r"vgg_?(\d+)", model):
        return f"VGG {match[1]}"
    return {"yunet": "YuNet"}.get(model, model)


def outcome_name(outcome: Outcome) -> str:
    """The outcome in words."""
    return SHORT_OUTCOMES.get(outcome, str(outcome))


def digits(value: float, figures: int = 3) -> str:
    """A number to so many significant figures, without exponent: 0.00123, 4.56, 1230."""
    if value == 0:
        return "0"
    rounded = f"{value:.{figures - 1}e}"
    places = figures - 1 - int(rounded.split("e")[1])
    return f"{float(rounded):.{max(0, places)}f}"


def seconds(ns: float) -> str:
    """``12.3 ms``, ``4.56 s``, ``17.1 min``, ``2.05 h``: three significant figures."""
    value = ns / 1e9
    if value < 0.9995:
        return f"{digits(value * 1e3)} ms"
    if value < 600:
        return f"{digits(value)} s"
    return f"{digits(value / 60)} min" if value < 7200 else f"{digits(value / 3600)} h"


def megabytes(count: float) -> str:
    """``12.3 MB``, ``2.51 GB``, decimal units as the paper's axis."""
    return f"{digits(count / 1e6)} MB" if count < 0.9995e9 else f"{digits(count / 1e9)} GB"


def ratio(value: float) -> str:
    """``2.41×``."""
    return f"{digits(value)}×"


def bounds(low: float | None, high: float | None) -> str:
    """`` [2.38, 2.44]`` of a ratio's interval, to follow the ratio; nothing without an interval."""
    return "" if low is None or high is None else f" [{ratio(low)[:-1]}, {ratio(high)[:-1]}]"


def share(value: float) -> str:
    """``39.6 %``."""
    return f"{100 * value:.1f} %"
