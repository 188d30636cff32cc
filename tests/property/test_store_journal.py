"""Whatever a trial holds, and wherever a journal is cut or changed: it is read back equal, or refused."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.core.arm import GuestProfile, Mode
from lab.core.errors import DataError
from lab.core.trial import Kind, Outcome, Trial
from lab.store.columns import table_of
from lab.store.journal import Journal, read_trials, write_journal

counts = st.none() | st.integers(0, 2**53)
texts = st.none() | st.text(max_size=30)
trials = st.builds(
    Trial,
    schema=st.just(1),
    number=st.just(0),
    block=st.integers(0, 2**31 - 1),
    kind=st.sampled_from(Kind),
    runtime=st.text(max_size=8),
    mode=st.sampled_from(Mode),
    backend=texts,
    guest=st.sampled_from(GuestProfile),
    model=st.text(max_size=12),
    batch=st.integers(0, 100),
    started_at=st.text(max_size=30),
    outcome=st.sampled_from(Outcome),
    why=texts,
    output_sha256=texts,
    flags=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    total_ns=counts,
    startup_ns=counts,
    read_ns=counts,
    infer_ns=st.just(()),
    rss_peak_bytes=counts,
    predicted_ns=counts,
    phase_rss_peak_bytes=st.none() | st.dictionaries(st.text(max_size=6), st.integers(0, 2**53), max_size=3),
)


def numbered(some: list[Trial]) -> list[Trial]:
    return [msgspec.structs.replace(trial, number=number) for number, trial in enumerate(some)]


@settings(deadline=None)  # every example writes files
@given(st.lists(trials, max_size=5).map(numbered))
def test_any_trials_are_read_back_equal(some: list[Trial]) -> None:
    with tempfile.TemporaryDirectory() as root:
        path = Path(root) / "trials.jsonl"
        write_journal(path, some)
        assert list(read_trials(path)) == some


@settings(deadline=None)  # every example writes files
@given(st.lists(trials, min_size=1, max_size=4).map(numbered), st.data())
def test_a_journal_cut_anywhere_keeps_exactly_its_whole_lines(some: list[Trial], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as root:
        path = Path(root) / "trials.jsonl"
        write_journal(path, some)
        content = path.read_bytes()
        cut = content[: data.draw(st.integers(0, len(content)))]
        path.write_bytes(cut)
        # a line that lacks only its newline is proved whole by its checksum
        whole = (cut + b"\n").count(b'"}\n') if content.startswith(cut + b"\n") else cut.count(b"\n")
        with Journal(path) as journal:
            assert journal.next_number == whole
        assert list(read_trials(path)) == some[:whole]


@settings(deadline=None)  # every example writes files
@given(st.lists(trials, min_size=1, max_size=3).map(numbered), st.data())
def test_one_changed_byte_is_never_read_as_another_trial(some: list[Trial], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as root:
        path = Path(root) / "trials.jsonl"
        write_journal(path, some)
        content = bytearray(path.read_bytes())
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)
        try:
            found = list(read_trials(path))
        except DataError:
            return
        # a change that is no damage: in the last newline (a torn line), or in the checksum's own key
        assert found in (some, some[:-1])


@settings(deadline=None)  # every example writes files
@given(st.lists(trials, max_size=6).map(numbered))
def test_columns_hold_what_the_trials_hold(some: list[Trial]) -> None:
    table = table_of([some[:2], some[2:]])
    assert len(table) == len(some)
    for row, trial in enumerate(some):
        assert table.cases[table.case[row]] == trial.case
        assert table.block[row] == trial.block
        total = table.quantities["total_ns"][row]
        assert np.isnan(total) if trial.total_ns is None else total == trial.total_ns
        output = table.output[row]
        assert (table.outputs[output] if output >= 0 else None) == (trial.output_sha256 or None)
        assert table.flags[table.flag[row]] == trial.flags


def test_an_empty_table_has_no_rows() -> None:
    assert len(table_of([])) == 0
    assert table_of([]).rows_by_case(Kind.RUN) == {}
