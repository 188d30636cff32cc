"""A journal merged from two runs may hold several trials of one case in one block: they count once."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from lab.core.trial import Trial
from lab.report.compare.case_changes import collect
from lab.report.compare.fingerprints import Basis
from lab.report.overheads import TIME, costs
from lab.report.results import Results
from lab.store.columns import table_of
from tests.claims_support import ran
from tests.synthetic import make_manifest

NATIVE, JIT = "native@o3 yunet b1", "wasmtime-jit-cranelift@o3 yunet b1"
MANIFEST = make_manifest(("native@o3", "wasmtime-jit-cranelift@o3"), ("yunet",), (1,))
BLOCKS = range(7)


def numbered(trials: Iterator[Trial]) -> Results:
    return Results(MANIFEST, table_of([[msgspec.structs.replace(t, number=n) for n, t in enumerate(trials)]]))


def merged() -> Iterator[Trial]:
    for block in BLOCKS:
        yield ran(NATIVE, block, 1.0 + block / 100)
        yield ran(JIT, block, 2.0 + block / 50)
        yield ran(JIT, block, 8.0 + block / 10)


def once() -> Iterator[Trial]:
    for block in BLOCKS:
        yield ran(NATIVE, block, 1.0 + block / 100)
        yield ran(JIT, block, math.sqrt((2.0 + block / 50) * (8.0 + block / 10)))


def test_the_report_counts_several_trials_of_a_block_once_by_their_mean() -> None:
    found, expected = (costs(of, TIME.name, of.cells, "test") for of in (numbered(merged()), numbered(once())))
    assert found.keys() == expected.keys()
    for case, cost in expected.items():
        for mine, theirs in ((found[case].level, cost.level), (found[case].overhead, cost.overhead)):
            assert (mine is None) == (theirs is None)
            if mine is not None and theirs is not None and mine.value is not None and theirs.value is not None:
                assert mine.n == theirs.n == len(BLOCKS)
                # times are whole nanoseconds
                assert math.isclose(mine.value, theirs.value, rel_tol=1e-8)


def test_a_comparison_counts_several_trials_of_a_block_once_by_their_mean() -> None:
    pairs = collect(numbered(merged()), numbered(once()), Basis.VALUES, [TIME.name])
    assert len(pairs) == 2
    for a, b in pairs.values():
        assert len(a) == len(b) == len(BLOCKS)
        assert all(math.isclose(x, y, rel_tol=1e-8) for x, y in zip(a, b, strict=True))
