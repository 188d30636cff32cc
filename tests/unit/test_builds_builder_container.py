"""What is reported of a compilation while it runs."""

from __future__ import annotations

import pytest

from lab.builds import builder_container

BAR = "    Building [====>      ] 57/228: tract-core, ndarray\r"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("   Compiling libc v0.2.1\n", ("compiling libc v0.2.1", None)),
        (BAR, ("compiling tract-core, ndarray", 0.25)),
        (f"{BAR}   Compiling syn v3\n", ("compiling tract-core, ndarray", 0.25)),
        (f"    Building [> ] 1/228: a\r{BAR}", ("compiling tract-core, ndarray", 0.25)),
    ],
)
def test_the_newest_of_cargos_bars_goes_before_its_other_lines(text: str, expected: tuple[str, float | None]) -> None:
    heard: list[tuple[str, float | None]] = []
    builder_container.report_step(text, lambda message, fraction: heard.append((message, fraction)))
    assert heard == [expected]


def test_a_compilers_own_output_is_not_taken_for_a_step() -> None:
    heard: list[str] = []
    builder_container.report_step("warning: unused variable\n", lambda message, _: heard.append(message))
    assert heard == []
