"""Where the minutes of a build went: what is written down, what the end waited for, and the command that shows it."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import msgspec
import pytest

from lab.core.errors import BuildFailed
from lab.store.build_times import BuildTime, build_runs, build_time, lanes, read_build_times, waited_for
from tests.command import lab


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    return tmp_path


def step(name: str, start: float, end: float, *after: str, ok: bool = True) -> BuildTime:
    return BuildTime(name, after, start, end, ok)


# base and other start at once; guest rests on base; image rests on other, and waits for a worker until tool is done.
BUILD = [
    step("base", 0, 10),
    step("other", 0, 4),
    step("tool", 4, 30),
    step("guest", 10, 25, "base"),
    step("image", 30.5, 90, "other"),
]


def write(home: Path, name: str, steps: list[BuildTime]) -> Path:
    path = home / "builds" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in steps))
    return path


def test_a_step_is_written_down_with_its_times_also_if_it_fails(home: Path) -> None:
    with build_time("toolchain", ["base"], 2.0):
        pass
    with pytest.raises(BuildFailed), build_time("guest", ["toolchain"]):
        raise BuildFailed("it broke", "the remedy")
    (path,) = build_runs(home)
    first, second = read_build_times(path)
    assert (first.step, first.after, first.ok, first.minutes) == ("toolchain", ("base",), True, 2.0)
    assert (second.step, second.ok, second.minutes) == ("guest", False, None)
    assert 0 <= first.seconds < 60
    assert first.ended_at <= second.started_at


def test_steps_that_end_at_once_keep_a_line_each(home: Path) -> None:
    def build() -> None:
        for number in range(50):
            with build_time(f"step {number}"):
                pass

    threads = [threading.Thread(target=build) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_build_times(build_runs(home)[-1])) == 200


def test_a_line_that_a_kill_cut_short_is_left_out(home: Path) -> None:
    path = write(home, "a.jsonl", BUILD)
    path.write_bytes(path.read_bytes()[:-9])
    assert [each.step for each in read_build_times(path)] == ["base", "other", "tool", "guest"]


def test_the_chain_goes_over_parents_and_over_workers_that_became_free() -> None:
    assert [each.step for each in waited_for(BUILD)] == ["other", "tool", "image"]
    assert [each.step for each in waited_for([BUILD[0], BUILD[1], BUILD[3]])] == ["base", "guest"]
    assert waited_for([]) == []


def test_steps_share_a_row_if_they_do_not_overlap() -> None:
    assert lanes(sorted(BUILD, key=lambda each: each.started_at)) == [0, 1, 1, 0, 0]


def test_the_command_prints_the_last_build_and_draws_it(home: Path) -> None:
    write(home, "20250101T000000Z-1.jsonl", [step("older", 0, 1)])
    write(home, "20250102T000000Z-1.jsonl", BUILD)
    figure = home / "timeline.svg"
    ran = lab("build", "--timeline", figure)
    assert ran.code == 0, ran.err
    rows = {line.split()[-1]: line for line in ran.out.splitlines() if line}
    assert "*" in rows["image"]
    assert "*" not in rows["guest"]
    assert "older" not in ran.out
    assert "20250102T000000Z-1: 1 min 30 s" in ran.out
    drawn = figure.read_text()
    assert drawn.startswith("<?xml")
    lab("build", "--timeline", figure)
    assert figure.read_text() == drawn, "the same records give the same bytes"
    found = json.loads(lab("build", "--timeline", "--json").out)
    assert found["waited_for"] == ["other", "tool", "image"]
    assert found["seconds"] == 90


@pytest.mark.parametrize(("words", "why"), [((), "no build is recorded"), (("wasmtime",), "no figure can be drawn")])
def test_a_timeline_of_nothing_or_into_no_figure_is_a_usage_error(words: tuple[str, ...], why: str) -> None:
    ran = lab("build", "--timeline", *words)
    assert ran.code == 2
    assert ran.error[0].startswith(why)


def test_damaged_records_are_named_by_their_line(home: Path) -> None:
    path = write(home, "a.jsonl", BUILD)
    path.write_text("{}\n")
    assert f"{path}, line 1" in lab("build", "--timeline").error[0]
