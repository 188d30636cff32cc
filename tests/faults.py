"""Counts the faults that tests inject, by kind, and what was survived: the table of ``just faults``.

A test of a fault carries ``@pytest.mark.fault("kind")``. It counts as one, or as many as it says through the fixture
``faults``, which also says how many to inject: few in an ordinary run, more where ``--fault-rounds`` asks for them.

What hostile programs attempt from inside a container, and what stopped them, tests write down through the fixture
``walls``: the second table, in ``walls.json`` beside the first.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path

import pytest
from tabulate import tabulate

ROUNDS = 2
_COUNT = pytest.StashKey[int]()
_FOUND = pytest.StashKey[dict[str, list[int]]]()
_STOPPED = pytest.StashKey[list[tuple[str, str, str, str]]]()


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


@pytest.fixture
def faults(request: pytest.FixtureRequest) -> Faults:
    """The count of this test."""
    return Faults(request.node, request.config.getoption("--fault-rounds"))


class Walls:
    """What stopped a hostile program."""

    def __init__(self, test: str, rows: list[tuple[str, str, str, str]]) -> None:
        self._test, self._rows = test, rows

    def stopped(self, who: str, attempt: str, by: str) -> None:
        """Who attempted what was stopped by that."""
        self._rows.append((who, attempt, by, self._test))


@pytest.fixture
def walls(request: pytest.FixtureRequest) -> Walls:
    """The table of attempts."""
    return Walls(request.node.name, request.config.stash[_STOPPED])


def pytest_addoption(parser: pytest.Parser) -> None:
    """How many rounds, and where the table goes."""
    parser.addoption("--fault-rounds", type=int, default=ROUNDS, help="how often each random fault is injected")
    parser.addoption("--fault-table", type=Path, help="file that the table of faults is written to, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    """The marker, and an empty table."""
    config.addinivalue_line("markers", "fault(kind): injects faults of that kind, for real; counted by `just faults`")
    config.stash[_FOUND] = {}
    config.stash[_STOPPED] = list[tuple[str, str, str, str]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count a test's faults once it has run; the one that failed it was not survived."""
    report = yield
    marker = item.get_closest_marker("fault")
    if marker is not None and call.when == "call" and not report.skipped:
        times, survived = item.config.stash[_FOUND].setdefault(marker.args[0], [0, 0])
        counted = item.stash.get(_COUNT, 0)
        # a test that failed had one more fault at work than it has counted
        made = counted + 1 if report.failed else max(1, counted)
        item.config.stash[_FOUND][marker.args[0]] = [times + made, survived + made - int(report.failed)]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table, and write it down."""
    table = config.getoption("--fault-table")
    found = config.stash[_FOUND]
    if table is None:
        return
    rows = [(kind, times, survived) for kind, (times, survived) in sorted(found.items())]
    total = (f"all {len(rows)} kinds", sum(row[1] for row in rows), sum(row[2] for row in rows))
    terminalreporter.write_line(tabulate([*rows, total], ("fault", "times", "survived")))
    table.parent.mkdir(parents=True, exist_ok=True)
    content = [{"fault": kind, "times": times, "survived": survived} for kind, times, survived in rows]
    table.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    header = ("who", "attempt", "stopped by", "test")
    attempts = config.stash[_STOPPED]
    stopped = sorted(set(attempts))
    if stopped:
        terminalreporter.write_line("\n" + tabulate(stopped, header))
        walls_of = [dict(zip(header, row, strict=True)) for row in stopped]
        table.with_name("walls.json").write_text(json.dumps(walls_of, indent=1) + "\n", encoding="utf-8")
