"""The report's section on cold starts of prepared guests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.trial import Kind, Outcome, Trial
from lab.report.preparation import ColdStart, cold_starts
from lab.report.render import render
from lab.report.results import Results, load_results
from lab.report.sections.cold_start import cold_start_section
from lab.store.campaigns import create
from lab.store.journal import JOURNAL_NAME, write_journal
from tests.synthetic import make_manifest

MODEL = "mobilenet_v1_0.25_128"
WASM, NATIVE = "wasmtime-aot-cranelift@o3-simd+tract-0.23", "native@o3+tract-0.23"
TOTAL_MS = {WASM: 60, f"{WASM}+prepared": 15, NATIVE: 40, f"{NATIVE}+prepared": 10}


def trial(arm: str, kind: Kind, block: int, number: int, **rest: Any) -> Trial:
    parsed = Arm.parse(arm)
    case = Case(parsed, MODEL, 1) if kind is not Kind.COMPILE else Case(parsed, MODEL, 1).module
    return Trial.of(
        case, kind=kind, block=block, number=number, started_at="2025-03-01T10:15:00", outcome=Outcome.OK, **rest
    )


def trials() -> Iterator[Trial]:
    number = 0
    for arm in (f"{WASM}+prepared", f"{NATIVE}+prepared"):
        made = {"prepare_ns": 900_000_000, "artifact_bytes": 13_000_000, "rss_peak_bytes": 80_000_000}
        yield trial(arm, Kind.PREPARE, 0, number, total_ns=900_000_000, **made)
        number += 1
    for arm, compile_ns in ((WASM, 5_000_000_000), (f"{WASM}+prepared", 5_300_000_000)):
        yield trial(arm, Kind.COMPILE, 0, number, total_ns=compile_ns, compile_ns=compile_ns, artifact_bytes=21_000_000)
        number += 1
    for block in range(6):
        for arm, ms in TOTAL_MS.items():
            total_ns = round(ms * 1e6 * (1 + 0.01 * block + 0.001 * number))
            decoded = {} if arm.endswith("+prepared") else {"decode_ns": 1000, "build_ns": 1000, "optimise_ns": 1000}
            yield trial(
                arm, Kind.RUN, block, number, total_ns=total_ns, startup_ns=2_000_000, read_ns=1000, infer_ns=(3000,),
                rss_peak_bytes=20_000_000, output_sha256="a" * 64, **decoded,
            )  # fmt: skip
            number += 1


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = create(tmp_path, make_manifest(tuple(TOTAL_MS), (MODEL,), (1,)))
    (directory / JOURNAL_NAME).unlink()
    write_journal(directory / JOURNAL_NAME, trials())
    return directory


@pytest.fixture
def results(directory: Path) -> Results:
    return load_results(directory)


def start_of(results: Results, arm: str) -> ColdStart:
    return next(start for start in cold_starts(results) if start.cell.case.arm.id == arm)


def test_a_prepared_start_is_set_against_itself_native_and_native_prepared(results: Results) -> None:
    start = start_of(results, f"{WASM}+prepared")
    for found, expected in (
        (start.over_plain, 15 / 60),
        (start.over_native, 15 / 40),
        (start.over_native_prepared, 15 / 10),
    ):
        assert found is not None
        assert found.value == pytest.approx(expected, rel=0.01)
        assert found.low is not None


def test_native_prepared_is_not_set_against_itself(results: Results) -> None:
    start = start_of(results, f"{NATIVE}+prepared")
    assert start.over_native_prepared is None
    assert start.over_plain == start.over_native is not None
    assert start.compile_ns is None


def test_preparation_pays_after_its_own_time_and_what_compiling_takes_longer(results: Results) -> None:
    start = start_of(results, f"{WASM}+prepared")
    assert (start.prepare_ns, start.rss_peak_bytes, start.artifact_bytes) == (900e6, 80e6, 13e6)
    assert start.compile_ns == 5.3e9
    assert start.starts_to_pay_back == pytest.approx((0.9 + 5.3 - 5.0) / 0.045, rel=0.05)


def test_preparations_and_precompilations_are_no_trials_of_a_cell(results: Results) -> None:
    assert {cell.n for cell in results.cells.values()} == {6}
    assert len(results.preparations) == 2
    assert len(results.compiles) == 2


def test_a_campaign_without_prepared_guests_has_no_such_section(results: Results) -> None:
    assert cold_start_section([]) is None
    section = cold_start_section(cold_starts(results))
    assert section is not None
    assert [row["arm"] for row in section.overview[0].rows] == [f"{NATIVE}+prepared", f"{WASM}+prepared"]


def test_the_whole_report_holds_the_section(directory: Path) -> None:
    render(directory)
    text = (directory / "report" / "report.md").read_text()
    assert "## Cold start, prepared" in text
    assert (directory / "report" / "tables" / "cold-start.csv").is_file()
