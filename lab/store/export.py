"""Exports of a campaign's trials for other tools: CSV, Parquet, JSON; streamed, so memory does not grow with trials.

One row per trial, the columns of `COLUMNS`, each with its unit in its name, as docs/results.md documents them. A
quantity that was not measured is null, never 0; so are model and batch of a compile trial. CSV holds lists as JSON text
and missing values as empty fields; JSON is one array with one object per line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from lab.core.phase import Phase
from lab.core.plain_text import csv_text
from lab.core.quantity import Unit
from lab.core.trial import QUANTITIES, Trial
from lab.disk.whole import whole_file
from lab.store.journal_format import JOURNAL_NAME, read_batches


class Format(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"


class ExportColumn(NamedTuple):
    """One column: its name, its type, and how to get it from a trial."""

    name: str
    type: pa.DataType
    get: Callable[[Trial], object]


def _phase_peak(phase: str) -> Callable[[Trial], object]:
    return lambda trial: (trial.phase_rss_peak_bytes or {}).get(phase)


def _same_name(type_: pa.DataType, *names: str) -> list[ExportColumn]:
    return [ExportColumn(name, type_, attrgetter(name)) for name in names]


_IDENTITY = [
    *_same_name(pa.int64(), "number", "block", "replicate"),
    *_same_name(pa.string(), "kind", "runtime", "mode", "backend", "guest"),
    ExportColumn("arm", pa.string(), lambda trial: trial.arm.id),
    ExportColumn("model", pa.string(), lambda trial: trial.model or None),
    ExportColumn("batch", pa.int64(), lambda trial: trial.batch or None),
    *_same_name(pa.string(), "started_at", "outcome", "why", "output_sha256"),
    ExportColumn("flags", pa.string(), lambda trial: " ".join(trial.flags) or None),
]
# What is not one number: a list in its place, and a number per phase.
_LISTS = {
    "steady_infer_ns": [ExportColumn("infer_ns", pa.list_(pa.int64()), lambda trial: list(trial.infer_ns) or None)],
    "rss_peak_bytes": [ExportColumn(phase.peak_quantity, pa.int64(), _phase_peak(phase)) for phase in Phase],
}


def _quantity_columns() -> Iterator[ExportColumn]:
    for name, quantity in QUANTITIES.items():
        type_ = pa.float64() if quantity.unit is Unit.SHARE else pa.int64()
        yield ExportColumn(quantity.column or name, type_, attrgetter(name))
        yield from _LISTS.get(name, ())


COLUMNS: tuple[ExportColumn, ...] = (*_IDENTITY, *_quantity_columns())


def row(trial: Trial) -> dict[str, object]:
    """The trial by column name."""
    return {column.name: column.get(trial) for column in COLUMNS}


def export(campaign_dir: Path, format_: Format, destination: Path) -> int:
    """Write all trials to `destination`, which appears only once it is whole. Returns how many rows.

    Raises:
        DataError: the journal is missing or damaged.
    """
    with whole_file(destination) as draft:
        return _WRITERS[format_](read_batches(campaign_dir / JOURNAL_NAME), draft)


def arrow_table(campaign_dir: Path) -> pa.Table:
    """All trials of a campaign as one table, with the columns of an export.

    Raises:
        DataError: the journal is missing or damaged.
    """
    schema = _schema(COLUMNS)
    batches = read_batches(campaign_dir / JOURNAL_NAME)
    return pa.Table.from_batches((_record_batch(trials, COLUMNS, schema) for trials in batches), schema)


def _schema(columns: Iterable[ExportColumn]) -> pa.Schema:
    return pa.schema([(column.name, column.type) for column in columns])


def _record_batch(trials: list[Trial], columns: Iterable[ExportColumn], schema: pa.Schema) -> pa.RecordBatch:
    arrays = [pa.array([column.get(trial) for trial in trials], type=column.type) for column in columns]
    return pa.record_batch(arrays, schema=schema)


def _as_csv_text(column: ExportColumn) -> ExportColumn:
    """CSV has no lists: the list as JSON text. A spreadsheet must take no text for a formula."""

    def text(trial: Trial) -> str | None:
        value = column.get(trial)
        return None if value is None else msgspec.json.encode(value).decode()

    def harmless(trial: Trial) -> str | None:
        value = column.get(trial)
        return None if value is None else csv_text(str(value))

    if pa.types.is_string(column.type):
        return ExportColumn(column.name, pa.string(), harmless)
    return ExportColumn(column.name, pa.string(), text) if pa.types.is_list(column.type) else column


def _write_arrow(batches: Iterable[list[Trial]], columns: list[ExportColumn], open_writer: Callable[[Any], Any]) -> int:
    schema, count = _schema(columns), 0
    with open_writer(schema) as writer:
        for trials in batches:
            writer.write_batch(_record_batch(trials, columns, schema))
            count += len(trials)
    return count


def _write_csv(batches: Iterable[list[Trial]], path: Path) -> int:
    columns = [_as_csv_text(column) for column in COLUMNS]
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
