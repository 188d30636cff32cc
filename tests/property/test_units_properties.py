from __future__ import annotations

import contextlib
import math

from hypothesis import given
from hypothesis import strategies as st

from lab.core.errors import ExperimentError
from lab.core.units import parse_duration_s, parse_fraction, parse_size_bytes, show_bytes, show_duration

DURATIONS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
SIZES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "kB": 10**3, "MB": 10**6, "GB": 10**9}
WHOLE = st.integers(0, 10**6)


@given(WHOLE, st.sampled_from(sorted(DURATIONS)))
def test_a_whole_number_of_any_unit_of_time_is_read_back(number: int, unit: str) -> None:
    assert math.isclose(parse_duration_s(f"{number}{unit}"), number * DURATIONS[unit])


@given(WHOLE, st.sampled_from(sorted(SIZES)))
def test_a_whole_number_of_any_unit_of_size_is_read_back_exactly(number: int, unit: str) -> None:
    assert parse_size_bytes(f"{number} {unit}") == number * SIZES[unit]


@given(st.integers(0, 10_000))
def test_per_cents_are_hundredths(number: int) -> None:
    assert math.isclose(parse_fraction(f"{number}%") * 100, number)


@given(st.text(max_size=20))
def test_any_text_is_a_finite_quantity_that_is_not_negative_or_is_refused(text: str) -> None:
    for parse in (parse_duration_s, parse_size_bytes, parse_fraction):
        with contextlib.suppress(ExperimentError):
            value = parse(text)
            assert value >= 0
            assert math.isfinite(value)


@given(st.floats(0, 1e7))
def test_a_shown_duration_is_near_the_one_meant(seconds: float) -> None:
    number_and_unit = show_duration(seconds).split()
    shown = sum(
        parse_duration_s(number + unit)
        for number, unit in zip(number_and_unit[::2], number_and_unit[1::2], strict=True)
    )
    # tenths up to ten seconds, whole seconds from there on, whole minutes from an hour on
    rounding = 0.05 if seconds < 10 else max(0.5, 0.02 * seconds)
    assert abs(shown - seconds) <= rounding + 1e-9


@given(st.integers(0, 2**50))
def test_shown_bytes_are_near_those_meant(count: int) -> None:
    shown = parse_size_bytes(show_bytes(count))
    assert abs(shown - count) <= max(0, 0.05 * count)


@given(st.floats(0, 1e7), st.floats(0, 1e7))
def test_a_longer_time_is_never_read_as_a_shorter_one(one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert _seconds(show_duration(less)) <= _seconds(show_duration(more)) + 0.05


def _seconds(text: str) -> float:
    words = text.split()
    return sum(parse_duration_s(number + unit) for number, unit in zip(words[::2], words[1::2], strict=True))
