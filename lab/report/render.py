"""From a campaign directory to its report: the one entry.

    results/<campaign>/report/
    ├── index.html      everything on one page that needs no other file
    ├── report.md       the same tables in Markdown
    ├── tables/         each section as .md, and its numbers in full precision as .csv
    ├── figures/        each figure as .svg and .png; `-paper` is the paper's transform
    └── claims.json     the paper's claims judged, where the experiment has any

The content depends on ``manifest.json``, ``trials.jsonl`` and the claims file alone: no clock, no path, no engine. The
same data give the same bytes, which is what `lab verify` checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from lab.core.errors import DataError
from lab.disk.whole import write_whole
from lab.report.claims.claim_file import claims_path, load_claims
from lab.report.claims.contradictions import load_contradictions
from lab.report.claims.judge import judge_all
from lab.report.claims.paper_tables import load_tables
from lab.report.compose import Report, compose
from lab.report.results import load_results
from lab.store.campaigns import REPORT_NAME, finished, journal_sha256

_OWNED = ("tables", "figures")


class ReportPaths(msgspec.Struct, frozen=True):
    """Where the report is.

    Attributes:
        directory: of the report.
        page: ``index.html``.
        markdown: ``report.md``.
        tables, figures: files by name, such as ``figure-1a-time.csv``.
        summary: time, memory and inference-share tables, and cells without a number, as text for a terminal.
        answer: three sentences and one table of ratios, as text for a terminal.
    """

    directory: Path
    page: Path
    markdown: Path
    tables: dict[str, Path]
    figures: dict[str, Path]
    summary: str
    answer: str


def report_of(campaign_dir: Path, claims: Path | None = None) -> Report:
    """The report's content, nothing written. Claims are those of the experiment unless a file is named.

    Raises:
        DataError: the campaign directory is damaged, or its journal is not what it was when the campaign finished.
        ExperimentError: the claims file is malformed.
        NothingToReport: no trial has been recorded yet.
    """
    sha256 = journal_sha256(campaign_dir)
    marker = finished(campaign_dir)
    results = load_results(campaign_dir)
    if marker is not None and marker.trials_sha256 != sha256:
        raise DataError(
            f"{campaign_dir / 'trials.jsonl'} is not what it was when the campaign finished: it held {marker.trials} "
            f"trials with sha256 {marker.trials_sha256[:12]}, now {len(results.table)} with {sha256[:12]}",
            "restore it from a copy; or delete the file `finished` beside it to report what is there",
        )
    claims = claims or claims_path(results.manifest.experiment.name)
    judged = judge_all(load_claims(claims), results, load_tables(claims)) if claims else ()
    twice = load_contradictions(claims) if claims else ()
    return compose(results, judged, sha256, marker is not None, twice)


def render(campaign_dir: Path, claims: Path | None = None) -> ReportPaths:
    """Write the report into the campaign's directory, file by file in one step each; stale files are removed.

    Raises:
        DataError, ExperimentError, NothingToReport: as `report_of`.
    """
    report = report_of(campaign_dir, claims)
    directory = campaign_dir / REPORT_NAME
    for name, content in report.files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    _remove_stale(directory, report.files)
    return ReportPaths(
        directory=directory,
        page=directory / "index.html",
        markdown=directory / "report.md",
        tables=_under(directory, "tables", report.files),
        figures=_under(directory, "figures", report.files),
        summary=report.summary,
        answer=report.answer,
    )


def _under(directory: Path, folder: str, files: Mapping[str, bytes]) -> dict[str, Path]:
    return {Path(name).name: directory / name for name in files if Path(name).parent.name == folder}


def _remove_stale(directory: Path, files: Mapping[str, bytes]) -> None:
    """Take away tables and figures of an earlier report that this one no longer has."""
    for folder in _OWNED:
        for path in (directory / folder).glob("*"):
            if f"{folder}/{path.name}" not in files:
                path.unlink()
