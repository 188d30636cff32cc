"""docs/results.md names every field that is stored or exported, and every file of a report."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from lab.core.manifest import GuestFingerprint, Host, Manifest, ModelFingerprint, RuntimeFingerprint
from lab.core.trial import Outcome, Trial
from lab.report.compose import compose
from lab.report.results import Results
from lab.store.columns import table_of
from lab.store.export import COLUMNS
from tests.synthetic import make_manifest, make_trials

TEXT = (Path(__file__).parents[2] / "docs" / "results.md").read_text(encoding="utf-8")
STORED = (Trial, Manifest, Host, RuntimeFingerprint, GuestFingerprint, ModelFingerprint)


@pytest.mark.parametrize("record", STORED, ids=lambda record: str(record.__name__))
def test_every_stored_field_is_documented(record: type[msgspec.Struct]) -> None:
    missing = [name for name in record.__struct_fields__ if name not in TEXT]
    assert missing == []


def test_every_export_column_is_documented() -> None:
    names = {column.name for column in COLUMNS if not column.name.startswith("rss_peak_")}
    assert [name for name in sorted(names) if f"`{name}`" not in TEXT] == []


def test_every_outcome_is_documented() -> None:
    assert [outcome for outcome in Outcome if f"`{outcome}`" not in TEXT] == []


def test_every_table_of_a_report_is_documented() -> None:
    arms = ("native@o3", "wasmtime-jit-cranelift@o3", "wasmtime-aot-cranelift@o3")
    manifest = make_manifest(arms=arms, models=("yunet",))
    report = compose(Results(manifest, table_of([list(make_trials(manifest, 1))])), (), "0" * 64, is_finished=True)
    names = {Path(name).stem for name in report.files if name.startswith("tables/")}
    assert names
    assert [name for name in sorted(names) if f"`{name}`" not in TEXT] == []
