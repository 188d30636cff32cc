"""Counts the faults that tests inject, by kind, and what was survived: the table of ``just faults``.

A test of a fault carries ``@pytest.mark.fault("kind", seconds=…)``: what one fault of it costs. It counts as one, or as
many as it says through the fixture ``faults``, which also says how many to inject: few in an ordinary run. With
``--fault-seconds`` each test gets rounds for about so many seconds, in parts, each an item with randomness of its own:
one that fails ends none of the others. All first parts come first, so that a run whose time is up has seen every kind.

What hostile programs attempt from inside a container, and what stopped them, tests write down through the fixture
``walls``: the second table, in ``walls.json`` beside the first.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.fault_table import Ended, first_line, read_table

ROUNDS = 2
_FEWEST, _MOST = 2, 25
_MOST_ALIKE = 5
"""Of a test that does the same thing each time: once more only finds races."""
_PART_S = 45.0
"""A part of a test should not take longer."""
_USUAL_S = 1.5
"""What a fault costs whose test says nothing: a container and what is done in it."""
_COUNT = pytest.StashKey[int]()
_RUN = pytest.StashKey["Run"]()
_STOPPED = pytest.StashKey[list[tuple[str, str, str, str]]]()
_BEGAN = pytest.StashKey[float]()


class Part(NamedTuple):
    """Some rounds of a test, an item of their own."""

    number: int
    rounds: int


class Faults:
    """How many faults a test injects, and has injected."""

    def __init__(self, node: pytest.Item, rounds: int) -> None:
        self._node, self.rounds = node, rounds

    @property
    def count(self) -> int:
        """How many this test has injected so far."""
        return self._node.stash.get(_COUNT, 0)

    def injected(self) -> None:
        """One more was injected, and survived so far."""
        self._node.stash[_COUNT] = self.count + 1


class Walls:
    """What stopped a hostile program."""

    def __init__(self, node: pytest.Item) -> None:
        self._test, self._rows = node.name.partition("[")[0], node.stash.setdefault(_STOPPED, [])

    def stopped(self, who: str, attempt: str, by: str) -> None:
        """Who attempted what was stopped by that."""
        self._rows.append((who, attempt, by, self._test))


class Run:
    """One run of `just faults`.

    Attributes:
        table: what ended so far, earlier runs included.
    """

    def __init__(self, path: Path, items: list[pytest.Item], minutes: float) -> None:
        self._path, self._minutes, self._began = path, minutes, time.monotonic()
        self.table = read_table(path, {item.nodeid for item in items})
        self.left = [item for item in items if item.nodeid not in self.table.done]
        self._costs = {item.nodeid: _cost(item) for item in self.left}
        self._expected = 0.0

    @property
    def is_over_time(self) -> bool:
        """Whether only kinds that were not seen yet are still run."""
        return time.monotonic() - self._began > 60 * self._minutes

    def add(self, ended: Ended) -> str:
        """Keep it; a line that says so, and how long the rest takes."""
        self.table.add(ended)
        self.table.write(self._path)
        self._expected += self._costs.pop(ended.test, 0.0)
        spent = time.monotonic() - self._began
        pace = spent / self._expected if self._expected else 1.0
        left_s = min(sum(self._costs.values()) * pace, max(60 * self._minutes - spent, 0.0))
        how = ended.left_out or f"{ended.survived} of {ended.times} survived" + (", FAILED" if ended.failed else "")
        return (
            f"{ended.fault}: {how}, {ended.seconds:.0f} s   [{sum(kind.times for kind in self.table.kinds)} faults; "
            f"{len(self._costs)} tests left, about {left_s / 60:.0f} min]"
        )


@pytest.fixture
def faults(request: pytest.FixtureRequest) -> Faults:
    """The count of this test."""
    return Faults(request.node, _part(request.node).rounds)


@pytest.fixture
def walls(request: pytest.FixtureRequest) -> Walls:
    """The table of attempts."""
    return Walls(request.node)


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Another sequence for each test and each part of it, the same in every run."""
    return random.Random(request.node.nodeid)  # noqa: S311 - seeded on purpose


@pytest.fixture
def fault_part(request: pytest.FixtureRequest) -> Part:
    """The part of a test that this item is."""
    return _part(request.node)


def pytest_addoption(parser: pytest.Parser) -> None:
    """How much is injected, and where the table goes."""
    parser.addoption("--fault-seconds", type=float, help="inject each kind of fault for about so many seconds")
    parser.addoption(
        "--fault-minutes", type=float, default=math.inf, help="after so many minutes begin only kinds not seen yet"
    )
    parser.addoption("--fault-table", type=Path, help="file that the table of faults is kept in, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    """The marker."""
    config.addinivalue_line(
        "markers",
        "fault(kind, seconds=1.5): injects faults of that kind, for real, each of which takes so long; "
        "counted by `just faults`",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test of a fault in as many parts as its rounds take."""
    asked = metafunc.config.getoption("--fault-seconds")
    if asked is None or metafunc.definition.get_closest_marker("fault") is None:
        return
    seconds = _seconds(metafunc.definition)
    if "faults" in metafunc.fixturenames:
        rounds = min(max(_FEWEST, round(asked / seconds)), _MOST)
        parts = math.ceil(rounds / max(_FEWEST, int(_PART_S / seconds)))
        shares = [len(range(part, rounds, parts)) for part in range(parts)]
    else:
        shares = [1] * min(max(1, round(asked / seconds)), _MOST_ALIKE)
    metafunc.fixturenames.append("fault_part")
    values = [Part(number, share) for number, share in enumerate(shares)]
    metafunc.parametrize("fault_part", values, indirect=True, ids=[f"part{part.number}" for part in values])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """First parts first; those that an earlier run came to are not run again."""
    table = config.getoption("--fault-table")
    if table is None:
        return
    items.sort(key=lambda item: _part(item).number)
    run = config.stash[_RUN] = Run(table, items, config.getoption("--fault-minutes"))
    done = [item for item in items if item.nodeid in run.table.done]
    config.hook.pytest_deselected(items=done)
    items[:] = run.left


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """When it began, or that it is too late for it."""
    item.stash[_BEGAN] = time.monotonic()
    run = item.config.stash.get(_RUN, None)
    if run is not None and run.is_over_time and _part(item).number > 0:
        pytest.skip("LEFT OUT: the time of this run is up")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count a test's faults once it has run; the one that failed it was not survived."""
    report = yield
    run = item.config.stash.get(_RUN, None)
    if run is not None and (call.when == "call" or not report.passed):
        line = run.add(_ended(item, call, report))
        terminal = item.config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            terminal.ensure_newline()
            terminal.write_line(line)
    return report


def _ended(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> Ended:
    counted, attempts = item.stash.get(_COUNT, 0), item.stash.get(_STOPPED, None)
    if call.when != "call" or report.skipped:
        times = survived = 0
    elif report.failed:
        # it had one more fault at work than it has counted
        times, survived = counted + 1, counted
    else:
        times = survived = max(1, counted)
    return Ended(
        item.nodeid,
        _kind(item),
        times=times,
        survived=survived,
        seconds=time.monotonic() - item.stash[_BEGAN],
        failed=first_line(report.longreprtext) if report.failed else "",
        left_out=str(report.longrepr[2]).removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else "",
        stopped=tuple(attempts or ()),
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    run = config.stash.get(_RUN, None)
    if run is not None and run.table.tests:
        terminalreporter.write_line(run.table.show())


def _kind(item: pytest.Item) -> str:
    return next((str(marker.args[0]) for marker in item.iter_markers("fault") if marker.args), item.name)


def _seconds(node: pytest.Item) -> float:
    return next((marker.kwargs["seconds"] for marker in node.iter_markers("fault") if marker.kwargs), _USUAL_S)


def _part(item: pytest.Item) -> Part:
    found = item.callspec.params.get("fault_part") if hasattr(item, "callspec") else None
    return found if isinstance(found, Part) else Part(0, ROUNDS)


def _cost(item: pytest.Item) -> float:
    return _seconds(item) * _part(item).rounds
