"""The mutations of `tests.fuzz`: whole messages stay whole, and tables add up."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.batch import End
from tests.fuzz.messages import leb128, mutated, parse, serialise
from tests.fuzz.table import Row, read_rows, show, write_rows

# field 1: a message of a number (field 1) and a text (field 2); field 3: a number
MESSAGE = b"\x0a\x08\x08\x96\x01\x12\x03abc\x18\x2a"


def test_a_message_is_read_to_its_leaves_and_written_as_it_was() -> None:
    fields = parse(MESSAGE)
    assert fields is not None
    assert [field.number for field in fields] == [1, 3]
    assert isinstance(fields[0].value, list)
    assert fields[0].value[0].value == 150
    assert serialise(fields) == MESSAGE


@pytest.mark.parametrize("broken", [b"\x0a\x09\x08", b"\x0f", b"\x08\x80", b"\x00\x01"])
def test_bytes_that_are_no_message_are_none(broken: bytes) -> None:
    assert parse(broken) is None


@given(st.integers(min_value=0, max_value=2**63), st.integers(min_value=0, max_value=2**64 - 1))
def test_every_number_survives(seed: int, number: int) -> None:
    content = b"\x08" + leb128(number)
    fields = parse(content)
    assert fields is not None
    assert fields[0].value == number
    assert mutated(content, random.Random(seed)) == mutated(content, random.Random(seed))  # noqa: S311


def test_most_mutants_are_whole_messages_and_other_ones() -> None:
    made = [mutated(MESSAGE, random.Random(seed)) for seed in range(200)]  # noqa: S311
    assert sum(parse(content) is not None for content in made) > 120
    assert sum(content != MESSAGE for content in made) > 150


def test_a_table_goes_on_where_it_was_and_names_what_crashed_or_did_harm(tmp_path: Path) -> None:
    path = tmp_path / "results" / "fuzz.json"
    row = Row("guest, native", "identity", 1)
    row.add([End("result", 0.1, b"x", ""), End("crashed", 0.2, None, "SIG\x1bSEGV")], 1.0)
    write_rows(path, [row])
    again = read_rows(path)["guest, native"]
    again.add([End("refused", 0.3, None, "", harm="a file was made")], 1.0)
    assert (again.cases, again.kinds, again.harmful) == (3, {"result": 1, "crashed": 1, "refused": 1}, 1)
    assert [(finding.case, finding.kind) for finding in again.findings] == [(1, "crashed"), (2, "refused")]
    assert "\x1b" not in again.findings[0].why
    assert "guest, native" in show([again])
    assert read_rows(tmp_path / "none") == {}
