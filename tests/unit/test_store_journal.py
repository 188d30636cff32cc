"""The journal survives kills, refuses damage, and has one writer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from lab.core.errors import DataError, NoSpace, UsageError
from lab.core.trial import UNNUMBERED, Trial
from lab.store.journal import JOURNAL_NAME, Journal, read_trials, write_journal
from lab.store.journal_format import encode_line, read_batches
from tests.synthetic import make_manifest, make_trials

SOME = make_manifest(
    arms=("native@o3", "wamr-interpreter-fast@o3", "wasmtime-aot-cranelift@o3"), models=("yunet", "vgg_16")
)


def some_trials() -> list[Trial]:
    return list(make_trials(SOME, blocks=2))


def written(path: Path) -> list[Trial]:
    trials = some_trials()
    with Journal(path) as journal:
        for trial in trials:
            journal.append(trial)
    return trials


def test_what_is_appended_is_read_back_equal_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / JOURNAL_NAME
    trials = written(path)
    assert list(read_trials(path)) == trials


def test_reading_in_small_batches_gives_the_same_trials(tmp_path: Path) -> None:
    path = tmp_path / JOURNAL_NAME
    trials = written(path)
    assert [trial for batch in read_batches(path, batch_bytes=100) for trial in batch] == trials


def test_every_line_says_its_schema_version_first(tmp_path: Path) -> None:
    written(tmp_path / JOURNAL_NAME)
    lines = (tmp_path / JOURNAL_NAME).read_bytes().splitlines()
    assert all(line.startswith(b'{"schema":1,') for line in lines)


def test_reopening_goes_on_where_the_journal_ended(tmp_path: Path) -> None:
    path = tmp_path / JOURNAL_NAME
    trials = written(path)
    with Journal(path) as journal:
        assert journal.next_number == len(trials)
        assert journal.cut_bytes == 0


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_a_torn_last_line_is_cut_off_on_opening(tmp_path: Path, kept: int) -> None:
    path = tmp_path / JOURNAL_NAME
    trials = written(path)
    torn = encode_line(msgspec.structs.replace(trials[0], number=len(trials)))[:-1][:kept]
    path.write_bytes(path.read_bytes() + torn)
    assert list(read_trials(path)) == trials
    with Journal(path) as journal:
        assert journal.cut_bytes == len(torn)
        journal.append(msgspec.structs.replace(trials[0], number=len(trials)))
    assert len(list(read_trials(path))) == len(trials) + 1


def test_a_journal_that_is_one_torn_line_becomes_empty(tmp_path: Path) -> None:
    path = tmp_path / JOURNAL_NAME
    path.write_bytes(b'{"schema":1,"num')
    with Journal(path) as journal:
        assert journal.next_number == 0
    assert path.read_bytes() == b""


def damaged(path: Path, line: int, old: bytes, new: bytes) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    assert old in lines[line]
    lines[line] = lines[line].replace(old, new, 1)
    path.write_bytes(b"".join(lines))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b'"total_ns":', b'"totel_ns":', "checksum"),
        (b'"block":0', b'"block":1', "checksum"),
        (b'"outcome":"ok"', b'"outcome":"OK"', "is no trial"),
        (b'{"schema":1', b'{"schema":7', "schema version 7"),
        (b'{"schema":1,', b"{", "no schema version"),
        (b'{"schema":1', b"\x00\x00", "is no trial"),
    ],
)
def test_damage_anywhere_but_at_the_end_names_file_and_line(tmp_path: Path, old: bytes, new: bytes, said: str) -> None:
    path = tmp_path / JOURNAL_NAME
    written(path)
    damaged(path, 2, old, new)
    with pytest.raises(DataError) as caught:
        list(read_trials(path))
    assert f"{path}, line 3" in caught.value.message
    assert said in caught.value.message
    assert caught.value.remedy
    with pytest.raises(DataError):
        Journal(path)


def test_a_lost_line_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / JOURNAL_NAME
    written(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3] + lines[4:]))
    with pytest.raises(DataError, match="line 4 holds trial 4 where 3 belongs"):
        list(read_trials(path))


def test_a_line_without_checksum_from_another_tool_is_taken(tmp_path: Path) -> None:
    path = tmp_path / JOURNAL_NAME
    trials = some_trials()
    lines = [msgspec.json.encode({"schema": 1, **msgspec.to_builtins(trial), "crc32": None}) for trial in trials]
    path.write_bytes(b"\n".join(lines) + b"\n")
    assert list(read_trials(path)) == trials


def test_a_missing_journal_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        list(read_trials(tmp_path / JOURNAL_NAME))


def test_a_second_writer_is_refused_and_a_third_may_follow_the_first(tmp_path: Path) -> None:
    path = tmp_path / JOURNAL_NAME
    with Journal(path), pytest.raises(UsageError, match="another process"):
        Journal(path)
    Journal(path).close()


def test_the_journal_numbers_trials_and_returns_them_as_stored(tmp_path: Path) -> None:
    path = tmp_path / JOURNAL_NAME
    unnumbered = [msgspec.structs.replace(trial, number=UNNUMBERED) for trial in some_trials()]
    with Journal(path) as journal:
        stored = [journal.append(trial) for trial in unnumbered]
    assert [trial.number for trial in stored] == list(range(len(stored)))
    assert list(read_trials(path)) == stored


def test_a_full_disk_is_said_and_leaves_the_journal_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / JOURNAL_NAME
    trials = some_trials()
    with Journal(path) as journal:
        journal.append(trials[0])
        real = os.write
        monkeypatch.setattr(os, "write", lambda descriptor, content: real(descriptor, content[:50]))
        with pytest.raises(NoSpace):
            journal.append(trials[1])
        monkeypatch.undo()
        journal.append(trials[1])
    assert list(read_trials(path)) == trials[:2]


def test_append_returns_only_after_fsync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []
    real_write, real_sync = os.write, os.fsync

    def write(descriptor: int, content: bytes) -> int:
        log.append("write")
        return real_write(descriptor, content)

    def sync(descriptor: int) -> None:
        log.append("fsync")
        real_sync(descriptor)

    with Journal(tmp_path / JOURNAL_NAME) as journal:
        monkeypatch.setattr(os, "write", write)
        monkeypatch.setattr(os, "fsync", sync)
        journal.append(some_trials()[0])
    assert log == ["write", "fsync"]


WRITER = """
import sys
from pathlib import Path
from lab.store.journal import Journal
from tests.synthetic import make_manifest, make_trials
with Journal(Path(sys.argv[1])) as journal:
    for trial in make_trials(make_manifest(arms=("native@o3",), models=("yunet",), batches=(1,)), blocks=10**6):
        journal.append(trial)
        print(journal.next_number, flush=True)
"""


def test_kill_9_loses_no_trial_whose_append_returned(tmp_path: Path) -> None:
    path = tmp_path / JOURNAL_NAME
    root = Path(__file__).parents[2]
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, cwd=root)
    assert writer.stdout is not None
    stored = [int(writer.stdout.readline()) for _ in range(20)]
    time.sleep(0.02)
    writer.send_signal(signal.SIGKILL)
    stored += [int(line) for line in writer.stdout.read().splitlines() if line.strip()]
    writer.wait()
    with Journal(path) as journal:
        assert journal.next_number >= stored[-1]


def test_a_bulk_journal_equals_an_appended_one(tmp_path: Path) -> None:
    written(tmp_path / "one.jsonl")
    assert write_journal(tmp_path / "two.jsonl", some_trials()) == len(some_trials())
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()


def test_a_last_line_that_lacks_only_its_newline_is_kept(tmp_path: Path) -> None:
    path = tmp_path / JOURNAL_NAME
    write_journal(path, some_trials())
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with Journal(path) as journal:
        assert (journal.cut_bytes, journal.next_number) == (0, len(some_trials()))
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "change",
    [(b'"crc32"', b'"crd32"'), (b"\n", b"\r\n"), (b',"crc32"', b', "crc32"'), (b'"}\n', b'"} \n')],
)
def test_a_line_whose_checksum_was_made_unreadable_is_damaged(tmp_path: Path, change: tuple[bytes, bytes]) -> None:
    path = tmp_path / JOURNAL_NAME
    path.write_bytes(encode_line(msgspec.structs.replace(some_trials()[0], number=0)).replace(*change))
    with pytest.raises(DataError, match="does not match its checksum, or has none"):
        list(read_trials(path))


@pytest.mark.parametrize("ns", [-1, 2**63])
def test_a_time_that_no_clock_shows_is_refused_on_reading(tmp_path: Path, ns: int) -> None:
    path = tmp_path / JOURNAL_NAME
    path.write_bytes(encode_line(msgspec.structs.replace(some_trials()[0], number=0, total_ns=ns)))
    with pytest.raises(DataError, match="is no trial"):
        list(read_trials(path))


def test_a_file_without_newlines_is_refused_before_all_of_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / JOURNAL_NAME
    with path.open("wb") as file:
        file.truncate(1 << 34)  # sparse: 16 GiB of zeros, which would take minutes
    with pytest.raises(DataError, match="a line of more than 64 MiB"):
        list(read_trials(path))
