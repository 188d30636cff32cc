"""The journal's wire format, and its readers: one trial per line of ``trials.jsonl``.

A line is the trial as `lab.core.trial` documents it, with ``schema`` first (always written, so that a later version can
recognise old lines) and ``crc32`` last (of the bytes before ``,"crc32"``). The checksum is what finds and names a byte
that was changed after it was written; a line imported from another tool says ``"crc32":null`` and is not checked.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from lab.core.errors import DataError
from lab.core.trial import TRIAL_SCHEMA, Trial

JOURNAL_NAME = "trials.jsonl"
BATCH_BYTES = 1 << 24
LONGEST_LINE_BYTES = 1 << 26
_CRC_KEY = b',"crc32":"'
_NO_CRC = b',"crc32":null}'
_CRC_TAIL_BYTES = len(_CRC_KEY) + 8 + len(b'"}')
_SCHEMA_PREFIX = b'{"schema":%d,' % TRIAL_SCHEMA
_RESTORE = "restore the file from a copy; or delete that line and all after it, and run the experiment again to resume"
_UPGRADE = "use the version of the lab that wrote it (manifest.json names it)"

_decoder = msgspec.json.Decoder(Trial)


class _Version(msgspec.Struct):
    schema: int | None = None


def encode_line(trial: Trial) -> bytes:
    """The trial as one line of the journal, newline included."""
    body = msgspec.json.encode({"schema": trial.schema, **msgspec.to_builtins(trial)})[:-1]
    return b'%s%s%08x"}\n' % (body, _CRC_KEY, zlib.crc32(body))


def _fault(line: bytes, number: int) -> tuple[str, str] | None:
    """What is wrong with a line and the remedy; None if nothing is."""
    try:
        version = msgspec.json.decode(line, type=_Version).schema
        if version != TRIAL_SCHEMA:
            declared = "no schema version" if version is None else f"schema version {version}"
            return f"has {declared}, this lab reads {TRIAL_SCHEMA}", _UPGRADE
        trial = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return f"is no trial ({error})", _RESTORE
    if not _intact(line):
        return "does not match its checksum, or has none: a byte was changed after it was written", _RESTORE
    if trial.number != number:
        return f"holds trial {trial.number} where {number} belongs: lines are missing, doubled or moved", _RESTORE
    return None


def _intact(line: bytes) -> bool:
    body, tail = line[:-_CRC_TAIL_BYTES], line[-_CRC_TAIL_BYTES:]
    return tail == b'%s%08x"}' % (_CRC_KEY, zlib.crc32(body)) or line.endswith(_NO_CRC)


def is_whole_line(line: bytes) -> bool:
    """Whether the bytes are a complete line without its newline: what a checksum proves, and nothing else does."""
    return _intact(line) and not line.endswith(_NO_CRC)


def decode_lines(lines: list[bytes], first: int, path: Path) -> list[Trial]:
    """Trials of consecutive lines, the quick way; on any doubt the slow way finds which line is at fault.

    Args:
        lines: without their newlines.
        first: number of the first.
        path: the journal that an error names.

    Raises:
        DataError: a line is damaged, of an unknown schema, or has another number.
    """
    try:
        trials = list(map(_decoder.decode, lines))
        sound = all(map(_intact, lines)) and all(line.startswith(_SCHEMA_PREFIX) for line in lines)
        if sound and [trial.number for trial in trials] == list(range(first, first + len(lines))):
            return trials
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        trials = []
    for offset, line in enumerate(lines):
        if fault := _fault(line, first + offset):
            raise DataError(f"{path}, line {first + offset + 1} {fault[0]}", fault[1])
    return trials


def _whole_lines(path: Path, batch_bytes: int) -> Iterator[list[bytes]]:
    """Complete lines without their newlines, some megabytes at a time; a torn last line is left out."""
    rest = b""
    with path.open("rb") as file:
        while block := file.read(batch_bytes):
            *lines, rest = (rest + block).split(b"\n")
            if len(rest) > LONGEST_LINE_BYTES:
                raise DataError(f"{path} holds a line of more than {LONGEST_LINE_BYTES >> 20} MiB: no trial", _RESTORE)
            if lines:
                yield lines


def read_batches(path: Path, batch_bytes: int = BATCH_BYTES) -> Iterator[list[Trial]]:
    """The journal's trials in order, in lists of bounded memory. Safe while another process appends.

    Raises:
        DataError: there is no journal, or a line is damaged or of an unknown schema; it names file and line.
    """
    if not path.is_file():
        raise DataError(
            f"{path} does not exist", "name a campaign directory; `lab report` without one takes the latest"
        )
    first = 0
    for lines in _whole_lines(path, batch_bytes):
        yield decode_lines(lines, first, path)
        first += len(lines)


def read_trials(path: Path) -> Iterator[Trial]:
    """The journal's trials one by one.

    Raises:
        DataError: as `read_batches`.
    """
    for batch in read_batches(path):
        yield from batch
