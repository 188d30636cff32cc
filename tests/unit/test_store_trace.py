"""A campaign's timeline holds every trial once, each with its phases in it and none longer than what holds it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.store.journal import JOURNAL_NAME, read_trials
from tests.command import lab
from tests.synthetic import make_manifest, write_campaign

ARMS = ("native@o3", "wasmtime-aot-cranelift@o3", "wamr-interpreter-fast@o3")


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    manifest = make_manifest(arms=ARMS, models=("yunet", "vgg_16"), batches=(1,))
    return write_campaign(tmp_path_factory.mktemp("results"), blocks=3, manifest=manifest)


@pytest.fixture(scope="module")
def events(campaign: Path) -> list[dict[str, Any]]:
    ran = lab("export", campaign, "--format", "trace")
    assert ran.code == 0, ran.err
    found: list[dict[str, Any]] = json.loads((campaign / "trace.json").read_text())["traceEvents"]
    return found


def of_kind(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event.get("cat") == kind]


def test_every_trial_is_there_once_with_its_time_in_microseconds(campaign: Path, events: list[dict[str, Any]]) -> None:
    trials = list(read_trials(campaign / JOURNAL_NAME))
    drawn = of_kind(events, "trial")
    assert [event["args"]["trial"] for event in drawn] == [trial.number for trial in trials]
    for event, trial in zip(drawn, trials, strict=True):
        if trial.total_ns is None:
            assert event["ph"] == "i"
            assert event["args"]["why"] == trial.why
        else:
            assert event["dur"] == trial.total_ns / 1e3


def test_phases_follow_each_other_within_their_trial(events: list[dict[str, Any]]) -> None:
    start, end, track, seen = 0.0, 0.0, -1, 0
    for event in events:
        if event.get("cat") == "trial" and event["ph"] == "X":
            start, end, track = event["ts"], event["ts"] + event["dur"], event["tid"]
        elif event.get("cat") == "phase":
            assert event["tid"] == track
            assert event["ts"] >= start - 1e-3
            start = event["ts"] + event["dur"]
            assert start <= end + 1e-3
            seen += 1
    assert seen >= 3 * 3 * 7


def test_every_arm_and_the_blocks_have_a_track_with_a_name(events: list[dict[str, Any]]) -> None:
    names = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"}
    assert {*names.values()} == {"blocks", *ARMS}
    assert {event["tid"] for event in events} == {*names}
    assert [event["name"] for event in of_kind(events, "block")] == ["block 0", "block 1", "block 2"]
