"""Human notations for durations, sizes and fractions, as experiment files and options write them."""

from __future__ import annotations

import math
import re
from functools import cache

from lab.core.errors import ExperimentError

_DURATION_S = {"ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_SIZE_BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "kB": 10**3, "MB": 10**6, "GB": 10**9}
_LARGEST = 1e15
_NUMBER_AND_UNIT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z%]+)\s*")


def _split(text: str, units: dict[str, float] | dict[str, int], example: str) -> tuple[float, str]:
    match = _NUMBER_AND_UNIT.fullmatch(text)
    if match is None or match[2] not in units:
        raise ExperimentError(f"'{text}' is not a quantity in {', '.join(units)}", f"write it like {example}")
    if not math.isfinite(number := float(match[1])) or number > _LARGEST:
        raise ExperimentError(f"'{text[:20]}…' is too large a number", f"write it like {example}")
    return number, match[2]


@cache
def parse_duration_s(text: str) -> float:
    """Seconds in ``"90s"``, ``"20m"``, ``"2h"``, ``"250ms"``.

    Raises:
        ExperimentError: the text is no number followed by one of those units.
    """
    number, unit = _split(text, _DURATION_S, '"90s" or "20m"')
    return number * _DURATION_S[unit]


@cache
def parse_size_bytes(text: str) -> int:
    """Bytes in ``"4GiB"``, ``"512MiB"``, ``"1GB"``.

    Raises:
        ExperimentError: the text is no number followed by one of those units.
    """
    number, unit = _split(text, _SIZE_BYTES, '"4GiB"')
    return round(number * _SIZE_BYTES[unit])


@cache
def parse_fraction(text: str) -> float:
    """The fraction that ``"2%"`` stands for (0.02).

    Raises:
        ExperimentError: the text is no percentage.
    """
    number, _ = _split(text, {"%": 1}, '"2%"')
    return number / 100


def show_duration(seconds: float) -> str:
    """Format seconds for readers: ``0.8 s``, ``42 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def show_percent(fraction: float) -> str:
    """Format a fraction for readers: ``0.8 %``, ``12 %``, ``150 %``."""
    if fraction >= 1:
        return f"{100 * fraction:.0f} %"
    # two digits, and no exponent where they round up to 100
    return f"{float(f'{100 * fraction:.2g}'):g} %"


def show_bytes(count: float) -> str:
    """Format bytes for readers, in binary units: ``5.6 MiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError("unreachable")
