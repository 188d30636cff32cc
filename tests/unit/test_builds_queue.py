"""Many builds at once: order, failures, and what is left alone."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from lab.builds.images.ensure import BuildReport
from lab.builds.steps.dockerfile import follow
from lab.builds.steps.queue import run_all
from lab.builds.steps.step import BuildStep
from lab.core.errors import BuildFailed, UnobtainableError


class TimedStep(BuildStep, frozen=True, kw_only=True):
    takes: float

    @property
    def minutes(self) -> float:
        return self.takes


A = TimedStep("a", "a", "a:1", takes=1)
B = TimedStep("b", "b", "b:1", (A,), takes=5)
C = TimedStep("c", "c", "c:1", takes=2)
D = TimedStep("d", "d", "d:1", (B, C), takes=1)


class Yard:
    """A pretended engine that remembers what it built, in order."""

    def __init__(self, broken: set[str] | None = None, here: set[str] | None = None) -> None:
        self.log: list[str] = []
        self._here, self._broken, self._lock = here or set(), broken or set(), threading.Lock()

    def build(self, step: BuildStep) -> None:
        with self._lock:
            self.log.append(step.name)
            if step.name in self._broken:
                raise BuildFailed(f"{step.name} broke", "the remedy")
            self._here.add(step.tag)

    def exists(self, step: BuildStep) -> bool:
        return step.tag in self._here


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_parents_are_built_first_and_shared_ones_once(workers: int) -> None:
    yard = Yard()
    assert run_all([D, B], yard.build, yard.exists, workers) == {}
    assert sorted(yard.log) == ["a", "b", "c", "d"]
    assert yard.log.index("a") < yard.log.index("b") < yard.log.index("d")
    assert yard.log.index("c") < yard.log.index("d")


def test_a_failure_stops_what_rests_on_it_and_nothing_else() -> None:
    yard = Yard(broken={"a"})
    failures = run_all([D], yard.build, yard.exists, 2)
    assert set(failures) == {"a:1", "b:1", "d:1"}
    assert failures["d:1"].message == "a broke"
    assert sorted(yard.log) == ["a", "c"]


def test_what_an_existing_image_rests_on_is_not_built_again() -> None:
    yard = Yard(here={"b:1"})
    assert run_all([D], yard.build, yard.exists, 2) == {}
    assert sorted(yard.log) == ["c", "d"]


def test_the_most_expensive_of_those_that_are_ready_goes_first() -> None:
    yard = Yard()
    run_all([A, C], yard.build, yard.exists, 1)
    assert yard.log == ["c", "a"]


def test_the_head_of_the_longest_way_goes_first() -> None:
    yard = Yard()
    run_all([D, C], yard.build, yard.exists, 1)
    assert yard.log == ["a", "b", "c", "d"]


def test_a_light_step_does_not_wait_behind_compilations() -> None:
    light_is_done, counting = threading.Event(), threading.Lock()
    compiling, most = 0, 0

    def build(step: BuildStep) -> None:
        nonlocal compiling, most
        if step.name == "light":
            light_is_done.set()
            return
        with counting:
            compiling += 1
            most = max(most, compiling)
        assert light_is_done.wait(60), "the light step waits for a compilation"
        with counting:
            compiling -= 1

    steps = [TimedStep(name, name, name, takes=minutes) for name, minutes in (("one", 9), ("two", 8), ("three", 7))]
    light = TimedStep("light", "light", "light", takes=0.5)
    assert run_all([*steps, light], build, lambda _: False, 2) == {}
    assert most <= 2, "a compilation waits for a worker"


def test_an_error_that_is_nobodys_fault_is_not_swallowed() -> None:
    def build(step: BuildStep) -> None:
        raise ZeroDivisionError(step.name)

    with pytest.raises(ZeroDivisionError):
        run_all([A], build, lambda _: False, 1)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("\x1b[0m\x1b[91m   Compiling\x1b[0m\x1b[91m memchr v2.7.6\n", ("step 2/4 memchr v2.7.6", 0.25)),
        ("\x1b[91m   Compiling log v0.4.28\n", ("step 2/4 log v0.4.28", 0.25)),
        ("[ 50%] Building CXX object\n", ("step 2/4 50 %", 0.375)),
        ("Setting up gcc (4:14.2.0-1) ...\n", ("step 2/4 gcc", 0.25)),
    ],
)
def test_a_long_step_reports_how_far_it_is(said: str, expected: tuple[str, float], tmp_path: Path) -> None:
    heard: list[tuple[str, float | None]] = []
    lines = [{"stream": "Step 2/4 : RUN long"}, {"stream": said}]
    with (tmp_path / "log").open("w") as log:
        follow(lines, "a", log, lambda _item, message, fraction=None: heard.append((message, fraction)))
    assert heard[1] == expected


def test_nothing_is_reported_done_before_the_last_step_ends(tmp_path: Path) -> None:
    heard: list[float | None] = []
    lines = [{"stream": "Step 4/4 : RUN make"}, {"stream": "[100%] Built target one\n"}, {"stream": "[  1%] another\n"}]
    with (tmp_path / "log").open("w") as log:
        follow(lines, "a", log, lambda _item, _message, fraction=None: heard.append(fraction))
    assert heard.pop() == 1.0
    assert max(done for done in heard if done is not None) < 1.0


def test_what_cannot_be_had_may_be_left_out_and_what_broke_may_not() -> None:
    absent, broken = UnobtainableError("no wasmedge", "hint"), BuildFailed("wasmer, step 3", "hint")
    BuildReport({}, {"wasmedge": absent}).raise_for_problems(ignore=UnobtainableError)
    with pytest.raises(UnobtainableError):
        BuildReport({}, {"wasmedge": absent}).raise_for_problems()
    with pytest.raises(BuildFailed, match="wasmer, step 3"):
        BuildReport({}, {"wasmedge": absent, "wasmer": broken}).raise_for_problems(ignore=UnobtainableError)
    with pytest.raises(BuildFailed, match="2 images could not be made: wasmedge: no wasmedge; wasmer: wasmer, step 3"):
        BuildReport({}, {"wasmedge": absent, "wasmer": broken}).raise_for_problems()
