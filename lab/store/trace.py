"""A campaign as a timeline: trace events as Perfetto and Chrome's ``about:tracing`` read them.

One process is the campaign, with a track of its blocks and a track per arm. On an arm's track each trial is a slice,
and in it its phases: start-up, loading, every inference, output. They follow each other from the trial's start; what
lies between them is left at the end. The container's start is not in a trial, so gaps between trials hold it. What
ended without a time (refused, over budget) is an instant. Timestamps are microseconds since the campaign's first trial.

The format: Google, "Trace Event Format", the JSON object form.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from lab.core.phase import LOADING
from lab.core.plain_text import printable_line
from lab.core.trial import Kind, Trial
from lab.disk.whole import whole_file
from lab.store.campaigns import read_manifest
from lab.store.journal_format import JOURNAL_NAME, read_trials

_PROCESS = 1
_BLOCKS = 0
"""The track of blocks; arms follow from 1."""
Event = dict[str, Any]


def export_trace(campaign_dir: Path, destination: Path) -> int:
    """Write the timeline to `destination`, which appears only once it is whole. Returns how many trials.

    Raises:
        DataError: manifest or journal is missing or damaged.
    """
    manifest = read_manifest(campaign_dir)
    events = _Events(read_trials(campaign_dir / JOURNAL_NAME), manifest.campaign)
    with whole_file(destination) as draft, draft.open("wb") as file:
        file.write(b'{"displayTimeUnit":"ms","traceEvents":[')
        for place, event in enumerate(events):
            file.write((b",\n" if place else b"\n") + msgspec.json.encode(event))
        file.write(b"\n]}\n")
    return events.trials


class _Events:
    """The events of a campaign's trials, made while they are read; counts the trials."""

    def __init__(self, trials: Iterable[Trial], campaign: str) -> None:
        self._source, self._campaign = trials, campaign
        self._tracks: dict[str, int] = {}
        self._begin: datetime | None = None
        self._block: tuple[int, float, float] | None = None
        self.trials = 0

    def __iter__(self) -> Iterator[Event]:
        yield _named("process_name", _BLOCKS, printable_line(self._campaign))
        yield _named("thread_name", _BLOCKS, "blocks")
        for trial in self._source:
            self.trials += 1
            yield from self._of(trial)
        yield from self._end_of_block()

    def _of(self, trial: Trial) -> Iterator[Event]:
        started = datetime.fromisoformat(trial.started_at)
        self._begin = self._begin or started
        start_us = (started - self._begin).total_seconds() * 1e6
        arm = trial.arm.id
        if arm not in self._tracks:
            self._tracks[arm] = len(self._tracks) + 1
            yield _named("thread_name", self._tracks[arm], arm)
        track = self._tracks[arm]
        duration_us = (trial.total_ns or 0) / 1e3
        yield from self._enter_block(trial.block, start_us, start_us + duration_us)
        yield from _slices(trial, track, start_us, duration_us)

    def _enter_block(self, block: int, start_us: float, end_us: float) -> Iterator[Event]:
        if self._block is not None and self._block[0] == block:
            self._block = (block, self._block[1], max(self._block[2], end_us))
            return
        yield from self._end_of_block()
        self._block = (block, start_us, end_us)

    def _end_of_block(self) -> Iterator[Event]:
        if self._block is not None:
            block, start_us, end_us = self._block
            yield _slice(f"block {block}", "block", _BLOCKS, start_us, end_us - start_us, {})


def _slices(trial: Trial, track: int, start_us: float, duration_us: float) -> Iterator[Event]:
    """The trial, and its phases within."""
    what = f"{printable_line(trial.model)}, batch {trial.batch}" if trial.model else ""
    name = what if trial.kind is Kind.RUN else f"{trial.kind.noun} {what}".strip()
    arguments = {
        "trial": trial.number,
        "block": trial.block,
        "outcome": str(trial.outcome),
        "why": None if trial.why is None else printable_line(trial.why),
        "rss_peak_bytes": trial.rss_peak_bytes,
        "flags": " ".join(trial.flags) or None,
    }
    known = {key: value for key, value in arguments.items() if value is not None}
    if trial.total_ns is None:
        place = {"ph": "i", "s": "t", "ts": start_us, "pid": _PROCESS, "tid": track}
        yield {"name": f"{name}: {trial.outcome}", "cat": "trial", **place, "args": known}
        return
    yield _slice(name, "trial", track, start_us, duration_us, known)
    at_us, end_us = start_us, start_us + duration_us
    for phase, length_ns in _phases(trial):
        length_us = min(length_ns / 1e3, end_us - at_us)  # two clocks: no phase may outlast its trial
        yield _slice(phase, "phase", track, at_us, length_us, {})
        at_us += length_us


def _phases(trial: Trial) -> Iterator[tuple[str, int]]:
    loading = [(str(phase), getattr(trial, phase.quantity)) for phase in LOADING]
    inferences = [(f"inference {number}", length) for number, length in enumerate(trial.infer_ns, 1)]
    parts = [("start-up", trial.startup_ns), *loading, *inferences, ("output", trial.output_ns)]
    return ((name, length) for name, length in parts if length is not None)


def _slice(name: str, kind: str, track: int, start_us: float, length_us: float, arguments: dict[str, Any]) -> Event:
    place = {"ts": start_us, "dur": length_us, "pid": _PROCESS, "tid": track}
    return {"name": name, "cat": kind, "ph": "X", **place, "args": arguments}


def _named(what: str, track: int, name: str) -> Event:
    return {"name": what, "ph": "M", "pid": _PROCESS, "tid": track, "args": {"name": name}}
