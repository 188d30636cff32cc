"""The table of `just faults`: what tests injected, kept as they end, gone on with, whatever fails."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.disk.paths import ROOT
from tests.fault_table import Ended, Table, code_of, first_line, read_table

TESTS = """
import os, signal
from pathlib import Path
import pytest

@pytest.mark.fault("cheap", seconds=1)
def test_cheap(faults, rng, tmp_path):
    for _ in range(faults.rounds):
        with open(os.environ["SEEN"], "a") as seen:
            print(rng.random(), file=seen)
        faults.injected()

@pytest.mark.fault("costly", seconds=30)
def test_costly(faults):
    for _ in range(faults.rounds):
        faults.injected()

@pytest.mark.fault("fatal", seconds=20)
def test_fatal(faults, fault_part):
    faults.injected()
    assert fault_part.number > 0, "only the first part fails"
    faults.injected()

@pytest.mark.fault(seconds=20)
@pytest.mark.parametrize("name", [pytest.param("x", marks=pytest.mark.fault("by parameter"))])
def test_parameter(walls, name):
    walls.stopped("guest", "reach out", "the wall")
    if Path(os.environ["SEEN"]).with_name("interrupt").exists():
        os.kill(os.getpid(), signal.SIGINT)

@pytest.mark.fault("left out")
def test_left_out():
    pytest.skip("LEFT OUT: no small disk")

def test_of_no_fault():
    raise AssertionError("not asked for")
"""


class Checkout:
    """A directory with tests of faults, and its table."""

    def __init__(self, place: Path) -> None:
        self._place, self.table = place, place / "results" / "faults.json"
        self.seen, self.interrupt = place / "seen", place / "interrupt"
        (place / "test_made_up.py").write_text(TESTS, encoding="utf-8")

    def run(self, *options: str) -> str:
        """What pytest prints."""
        words = (
            "-p",
            "tests.faults",
            "-p",
            "no:cacheprovider",
            "-c",
            "/dev/null",
            "--rootdir",
            self._place,
            "-m",
            "fault",
        )
        table = ("--fault-seconds", "60", "--fault-table", self.table)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *map(str, (*words, *table)), *options, str(self._place)],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "SEEN": str(self.seen)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "INTERNALERROR" not in done.stdout + done.stderr
        return done.stdout + done.stderr

    @property
    def kinds(self) -> dict[str, tuple[int, int, int]]:
        """Injected, survived, failed tests; by kind."""
        kinds = json.loads(self.table.read_text(encoding="utf-8"))["kinds"]
        return {kind["fault"]: (kind["times"], kind["survived"], kind["failed_tests"]) for kind in kinds}

    @property
    def tests(self) -> list[Any]:
        """What has ended, in order."""
        return list(json.loads(self.table.read_text(encoding="utf-8"))["tests"])


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


WHOLE = {
    "cheap": (25, 25, 0),
    "costly": (2, 2, 0),
    "fatal": (4, 3, 1),
    "by parameter": (3, 3, 0),
    "left out": (0, 0, 0),
}


def test_cheap_faults_are_injected_more_often_and_a_failure_ends_no_other_part(checkout: Checkout) -> None:
    said = checkout.run()
    assert checkout.kinds == WHOLE
    assert "all 4 kinds" in said
    assert "FAILED test_made_up.py::test_fatal[part0]: AssertionError: only the first part fails" in said
    assert "LEFT OUT: no small disk" in said
    assert "tests left, about" in said
    walls = json.loads(checkout.table.with_name("walls.json").read_text(encoding="utf-8"))["attempts"]
    assert walls == [{"who": "guest", "attempt": "reach out", "stopped by": "the wall", "test": "test_parameter"}]


def test_every_kind_comes_once_before_any_comes_again(checkout: Checkout) -> None:
    checkout.run()
    parts = [found[1] for ended in checkout.tests if (found := re.search(r"part(\d+)", ended["test"]))]
    assert len(parts) == len(checkout.tests)
    assert parts == sorted(parts)


def test_an_interrupted_run_goes_on_and_a_finished_one_begins_again(checkout: Checkout) -> None:
    checkout.interrupt.touch()
    checkout.run()
    before = checkout.kinds
    assert 0 < len(before) < len(WHOLE)
    seen = checkout.seen.read_text(encoding="utf-8").split()
    checkout.interrupt.unlink()
    checkout.run()
    assert checkout.kinds == WHOLE
    assert checkout.seen.read_text(encoding="utf-8").split() == seen, "what had ended was not run again"
    assert len(set(seen)) == len(seen) == 25, "each part has randomness of its own"
    checkout.run()
    assert checkout.kinds == WHOLE
    assert checkout.seen.read_text(encoding="utf-8").split() == [*seen, *seen], "the same randomness in every run"


def test_a_run_whose_time_is_up_still_sees_every_kind(checkout: Checkout) -> None:
    said = checkout.run("--fault-minutes", "0")
    assert {kind: times > 0 for kind, (times, _, _) in checkout.kinds.items()} == {
        kind: kind != "left out" for kind in WHOLE
    }
    assert checkout.kinds["by parameter"] == (1, 1, 0)
    assert "the time of this run is up" in said


def test_a_table_of_other_code_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    table = Table(code_of(ROOT))
    table.add(Ended("a", "kind", 1, 1, 2.0))
    table.write(path)
    assert read_table(path, {"a", "b"}).done == {"a"}
    Table("another", table.kinds, table.tests).write(path)
    assert read_table(path, {"a", "b"}).done == set()
    path.write_text("{", encoding="utf-8")
    assert read_table(path, {"a", "b"}).done == set()


def test_what_failed_a_test_is_given_in_one_line_for_terminals() -> None:
    assert first_line("def f():\n>   x\nE   AssertionError: one\nE   two") == "AssertionError: one"
    assert "\x1b" not in first_line("a fixture\nfailed \x1b[31m")
