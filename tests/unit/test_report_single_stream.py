"""Percentiles of a stream of inferences: within processes, then over them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from lab.core.trial import Outcome, Trial
from lab.report.document import Section
from lab.report.results import Results
from lab.report.sections.single_stream import single_stream_section
from lab.store.columns import table_of
from tests.synthetic import make_manifest, make_trials

ARMS = ("native@o3", "wasmtime-jit-cranelift@o3")


def streamed(number: int, blocks: int, first_ns: int = 10**9) -> Iterator[Trial]:
    """Trials whose further inferences take 1, 2, … `number` ms in a shuffled order; the first takes far longer."""
    rng = np.random.default_rng(1)
    for trial in make_trials(make_manifest(ARMS, ("yunet",), (2,)), blocks):
        rest = (rng.permutation(number) + 1) * 1_000_000
        yield msgspec.structs.replace(trial, infer_ns=(first_ns, *rest.tolist()), total_ns=10**10)


def section(number: int, blocks: int) -> Section | None:
    manifest = make_manifest(ARMS, ("yunet",), (2,))
    return single_stream_section(Results(manifest, table_of([list(streamed(number, blocks))])))


def test_percentiles_are_of_the_inferences_after_the_first() -> None:
    found = section(200, 7)
    assert found is not None
    (table,) = found.overview
    row = table.rows[1]
    assert (row["arm"], row["trials"], row["inferences"]) == ("wasmtime-jit-cranelift@o3", 7, 200)
    assert [row[f"{name}_ns"].value for name in ("p50", "p90", "p99")] == [100e6, 180e6, 198e6]
    assert row["p99_low_ns"] == row["p99_high_ns"] == 198e6, "all processes are alike"
    assert str(row["p99_ns"]) == "198 ms\n[198 ms, 198 ms]"
    assert row["images_per_s"].value == 2e9 / 100.5e6


def test_a_percentile_that_few_inferences_cannot_show_is_absent() -> None:
    found = section(20, 7)
    assert found is not None
    assert "p90_ns" in found.overview[0].rows[0]
    assert "p99_ns" not in found.overview[0].rows[0]
    assert section(9, 7) is None


def test_five_processes_have_values_and_no_interval() -> None:
    found = section(20, 5)
    assert found is not None
    row = found.overview[0].rows[0]
    assert str(row["p50_ns"]) == "10.0 ms"
    assert "p50_low_ns" not in row


def test_a_case_that_failed_throughout_has_no_row() -> None:
    trials = [
        msgspec.structs.replace(trial, outcome=Outcome.CRASHED, why="x") if not trial.arm.is_native else trial
        for trial in streamed(20, 7)
    ]
    manifest = make_manifest(ARMS, ("yunet",), (2,))
    found = single_stream_section(Results(manifest, table_of([trials])))
    assert found is not None
    assert [row["arm"] for row in found.overview[0].rows] == ["native@o3"]
