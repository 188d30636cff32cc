from __future__ import annotations

import pytest

from lab.core.errors import ExperimentError
from lab.core.units import parse_duration_s, parse_fraction, parse_size_bytes, show_bytes, show_duration, show_percent


@pytest.mark.parametrize(
    ("text", "seconds"), [("250ms", 0.25), ("90s", 90), ("20m", 1200), ("20 min", 1200), ("1.5h", 5400), (" 0s ", 0)]
)
def test_durations_are_numbers_with_a_unit(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("4GiB", 4 << 30), ("512MiB", 512 << 20), ("1.5KiB", 1536), ("1GB", 10**9), ("7B", 7)]
)
def test_sizes_distinguish_binary_units_from_decimal_ones(text: str, size: int) -> None:
    assert parse_size_bytes(text) == size


def test_a_fraction_is_written_in_per_cent() -> None:
    assert parse_fraction("2%") == 0.02
    assert parse_fraction("0.5 %") == 0.005


@pytest.mark.parametrize("text", ["", "90", "s", "-5s", "5 fortnights", "1e3s", "5ss", "5m5s"])
def test_a_quantity_that_is_none_is_refused_with_an_example(text: str) -> None:
    for parse, example in ((parse_duration_s, '"90s"'), (parse_size_bytes, '"4GiB"'), (parse_fraction, '"2%"')):
        with pytest.raises(ExperimentError) as caught:
            parse(text)
        assert f"'{text}'" in caught.value.message
        assert example in caught.value.remedy


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.84, "0.8 s"),
        (42.4, "42 s"),
        (200, "3 min 20 s"),
        (3599.6, "1 h 0 min"),
        (7500, "2 h 5 min"),
        (90000, "25 h 0 min"),
    ],
)
def test_durations_are_shown_as_a_person_says_them(seconds: float, text: str) -> None:
    assert show_duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5_872_026, "5.6 MiB"), (3 << 40, "3072.0 GiB")],
)
def test_bytes_are_shown_in_binary_units(count: int, text: str) -> None:
    assert show_bytes(count) == text


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0.02, "2 %"),
        (0.008, "0.8 %"),
        (0.125, "12 %"),
        (0.996, "100 %"),
        (1.1, "110 %"),
        (1.5, "150 %"),
        (12, "1200 %"),
    ],
)
def test_percentages_have_two_digits_and_never_an_exponent(fraction: float, text: str) -> None:
    assert show_percent(fraction) == text
