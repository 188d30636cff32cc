"""Exports of a campaign's trials for other tools: CSV, Parquet, JSON; streamed, so memory does not grow with trials.

One row per trial, columns as `lab.store.rows` lists them. CSV holds lists as JSON text and missing values as empty
fields; JSON is one array with one object per line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from lab.core.trial import Trial
from lab.store.journal_format import JOURNAL_NAME, read_batches
from lab.store.rows import COLUMNS, ExportColumn, row


class Format(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"


def export(campaign_dir: Path, format_: Format, destination: Path) -> int:
    """Write all trials to `destination`, which appears only once it is whole. Returns how many rows.

    Raises:
        DataError: the journal is missing or damaged.
    """
    temporary = destination.with_name(f".{destination.name}.{os.getpid()}")
    destination.parent.mkdir(parents=True, exist_ok=True)
    try:
        count = _WRITERS[format_](read_batches(campaign_dir / JOURNAL_NAME), temporary)
        temporary.replace(destination)
    finally:
        temporary.unlink(missing_ok=True)
    return count


def _schema(columns: Iterable[ExportColumn]) -> pa.Schema:
    return pa.schema([(column.name, column.type) for column in columns])


def _record_batch(trials: list[Trial], columns: Iterable[ExportColumn], schema: pa.Schema) -> pa.RecordBatch:
    arrays = [pa.array([column.get(trial) for trial in trials], type=column.type) for column in columns]
    return pa.record_batch(arrays, schema=schema)


def _as_json_text(column: ExportColumn) -> ExportColumn:
    """CSV has no lists: the list as JSON text."""

    def text(trial: Trial) -> str | None:
        value = column.get(trial)
        return None if value is None else msgspec.json.encode(value).decode()

    return ExportColumn(column.name, pa.string(), text) if pa.types.is_list(column.type) else column


def _write_arrow(batches: Iterable[list[Trial]], columns: list[ExportColumn], open_writer: Callable[[Any], Any]) -> int:
    schema, count = _schema(columns), 0
    with open_writer(schema) as writer:
        for trials in batches:
            writer.write_batch(_record_batch(trials, columns, schema))
            count += len(trials)
    return count


def _write_csv(batches: Iterable[list[Trial]], path: Path) -> int:
    columns = [_as_json_text(column) for column in COLUMNS]
    return _write_arrow(batches, columns, lambda schema: pa_csv.CSVWriter(str(path), schema))


def _write_parquet(batches: Iterable[list[Trial]], path: Path) -> int:
    return _write_arrow(batches, list(COLUMNS), lambda schema: pa_parquet.ParquetWriter(str(path), schema))


def _write_json(batches: Iterable[list[Trial]], path: Path) -> int:
    count = 0
    with path.open("wb") as file:
        file.write(b"[")
        for trials in batches:
            for trial in trials:
                file.write((b",\n" if count else b"\n") + msgspec.json.encode(row(trial)))
                count += 1
        file.write(b"\n]\n")
    return count


_WRITERS: dict[Format, Callable[[Iterable[list[Trial]], Path], int]] = {
    Format.CSV: _write_csv,
    Format.PARQUET: _write_parquet,
    Format.JSON: _write_json,
}
