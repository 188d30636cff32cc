"""Which trials a host has begun: written before each one starts, so that none is ever started twice.

A trial that was begun and is in no journal was in flight when the host's lab, or the host itself, ended. What it did is
not known, and it may be what ended the host: it is written down as lost, and its case is tried again in a later block.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

FILE_NAME = "started.jsonl"


class TrialId(NamedTuple):
    """What distinguishes a trial from every other one of its host."""

    block: int
    case: str


class _Line(msgspec.Struct, frozen=True):
    block: int
    case: str


class StartedTrials:
    """The list of one campaign on one host.

    Args:
        directory: of the campaign on this host.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE_NAME

    def add(self, trial: TrialId) -> None:
        """Write down that a trial begins; when this returns, that survives a power cut."""
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            # a line that an earlier process left torn must not swallow this one
            os.write(descriptor, b"\n" + msgspec.json.encode(_Line(*trial)) + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def lost(self, written: Collection[TrialId]) -> tuple[TrialId, ...]:
        """Those that began and are not among those that the journal holds, in their order."""
        return tuple(trial for trial in dict.fromkeys(self._read()) if trial not in written)

    def _read(self) -> Iterable[TrialId]:
        lines = self._path.read_bytes().split(b"\n") if self._path.is_file() else []
        for line in lines:
            try:
                found = msgspec.json.decode(line, type=_Line)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue  # empty, or torn: then the trial did not begin
            yield TrialId(found.block, found.case)
