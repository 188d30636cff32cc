"""Exports hold one row per trial, every quantity, and say nothing where nothing was measured."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from pyarrow import parquet

from lab.core.errors import DataError
from lab.core.trial import Trial
from lab.store.export import COLUMNS, Format, export
from lab.store.journal import JOURNAL_NAME, read_trials
from tests.synthetic import write_campaign

PROMISED = {
    *("runtime", "mode", "backend", "guest", "model", "batch", "block", "outcome", "output_sha256"),
    *(
        "cgroup_peak_bytes",
        "rss_peak_bytes",
        "total_ns",
        "startup_ns",
        "read_ns",
        "decode_ns",
        "build_ns",
        "optimise_ns",
    ),
    *("infer_first_ns", "infer_steady_ns", "infer_ns", "inference_share", "compile_ns", "artifact_bytes"),
}


def exported(campaign: Path, format_: Format) -> list[dict[str, object]]:
    path = campaign / f"out.{format_}"
    export(campaign, format_, path)
    if format_ is Format.CSV:
        with path.open(newline="") as file:
            return [dict(row) for row in csv.DictReader(file)]
    if format_ is Format.JSON:
        rows: list[dict[str, object]] = json.loads(path.read_text())
        return rows
    return list(parquet.read_table(path).to_pylist())


@pytest.mark.parametrize("format_", Format)
def test_there_is_one_row_per_trial_with_every_promised_column(tmp_path: Path, format_: Format) -> None:
    campaign = write_campaign(tmp_path, blocks=2)
    trials = list(read_trials(campaign / JOURNAL_NAME))
    rows = exported(campaign, format_)
    assert len(rows) == len(trials)
    assert set(rows[0]) >= PROMISED
    assert all(list(row) == [column.name for column in COLUMNS] for row in rows)


def test_parquet_and_json_hold_the_same_values_and_no_zero_for_a_missing_one(tmp_path: Path) -> None:
    campaign = write_campaign(tmp_path, blocks=2)
    rows = exported(campaign, Format.JSON)
    assert exported(campaign, Format.PARQUET) == rows
    failed = [row for row in rows if row["outcome"] != "ok"]
    assert failed
    assert all(row["total_ns"] is None and row["rss_peak_bytes"] is None and row["why"] for row in failed)
    compiled = [row for row in rows if row["kind"] == "compile"]
    assert compiled
    assert all(row["model"] is None and row["batch"] is None and row["compile_ns"] for row in compiled)


def test_csv_holds_lists_as_json_and_missing_values_as_empty_fields(tmp_path: Path) -> None:
    campaign = write_campaign(tmp_path, blocks=1)
    trials = list(read_trials(campaign / JOURNAL_NAME))
    for row, trial in zip(exported(campaign, Format.CSV), trials, strict=True):
        assert json.loads(str(row["infer_ns"]) or "[]") == list(trial.infer_ns)
        assert row["total_ns"] == ("" if trial.total_ns is None else str(trial.total_ns))


def test_every_quantity_of_a_trial_is_in_some_column(tmp_path: Path) -> None:
    names = {column.name for column in COLUMNS}
    elsewhere = {"schema", "phase_rss_peak_bytes", "label"}  # implied; one column per phase; of calibrations only
    assert set(Trial.__struct_fields__) - elsewhere <= names


def test_a_damaged_journal_leaves_no_export_behind(tmp_path: Path) -> None:
    campaign = write_campaign(tmp_path, blocks=1)
    journal = campaign / JOURNAL_NAME
    journal.write_bytes(journal.read_bytes().replace(b'"block":0', b'"block":5', 1))
    with pytest.raises(DataError):
        export(campaign, Format.CSV, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()
    assert not list(tmp_path.glob(".out*"))
