"""Campaign directories: ``results/<experiment>-<tier>-<UTC time>/`` with manifest, journal, marker and report.

results/
├── latest -> paper-standard-20250301T101500Z
└── paper-standard-20250301T101500Z/
    ├── manifest.json    the fingerprint, written before the first trial
    ├── trials.jsonl     the journal
    ├── finished         there once the plan is done: how many trials, and the journal's sha256
    └── report/          made from the two files above, and from nothing else
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from lab.core.errors import DataError, UsageError
from lab.core.manifest import MANIFEST_SCHEMA, Manifest
from lab.disk.content import decode_json, file_sha256
from lab.disk.whole import (
    draft_directory,
    publish,
    remove_leftovers,
    sync_directory,
    write_json,
    write_whole,
)
from lab.store.fingerprint import differences, fingerprint, is_part_of, part_of
from lab.store.journal import JOURNAL_NAME, Journal

MANIFEST_NAME = "manifest.json"
FINISHED_NAME = "finished"
REPORT_NAME = "report"
LATEST = "latest"


class Finished(msgspec.Struct, frozen=True):
    """The marker's content.

    Attributes:
        trials: number of trials in the journal when the campaign ended.
        trials_sha256: hash of the journal at that time.
        budget_s: time the campaign was allowed to spend; None if the marker does not say.
    """

    trials: int
    trials_sha256: str
    budget_s: float | None = None


def campaign_name(experiment: str, tier: str, started: datetime) -> str:
    """``paper-standard-20250301T101500Z``; `started` must know its time zone."""
    return f"{experiment}-{tier}-{started.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def create(results: Path, manifest: Manifest) -> Path:
    """Make the campaign's directory with its manifest and an empty journal, and point ``latest`` at it.

    `manifest.campaign` is the directory's name (see `campaign_name`).

    Raises:
        UsageError: there is a campaign of that name already (two were started within one second).
    """
    directory = results / manifest.campaign
    results.mkdir(parents=True, exist_ok=True)
    _refuse_real_latest(results)
    remove_leftovers(results)
    with draft_directory(results, manifest.campaign) as draft:
        write_json(draft / MANIFEST_NAME, manifest)
        Journal(draft / JOURNAL_NAME).close()
        if directory.exists() or not publish(draft, directory):
            raise UsageError(f"{directory} exists already", "wait a second and start the campaign again")
    sync_directory(results.resolve().parent)
    point_latest(directory)
    return directory


def _refuse_real_latest(results: Path) -> None:
    latest = results / LATEST
    if latest.is_dir() and not latest.is_symlink():
        raise UsageError(
            f"{latest} is a directory where the lab keeps a link to the latest campaign",
            "rename it to the campaign in its manifest.json, or delete it if that one is there too",
        )


def point_latest(directory: Path) -> None:
    """Make ``results/latest`` a relative link to this campaign, in one step."""
    temporary = directory.parent / f".{LATEST}.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(directory.name, target_is_directory=True)
    temporary.replace(directory.parent / LATEST)
    sync_directory(directory.parent)


def extend_manifest(directory: Path, manifest: Manifest) -> None:
    """Describe what has joined a campaign: `manifest` holds all that the campaign's own describes, and more."""
    write_json(directory / MANIFEST_NAME, manifest)


def read_manifest(directory: Path) -> Manifest:
    """The campaign's manifest.

    Raises:
        DataError: it is missing, damaged or of an unknown schema version.
    """
    path = directory / MANIFEST_NAME
    remedy = "restore it from a copy; without it the campaign's numbers have no meaning"
    if not path.exists():
        raise DataError(f"{path} does not exist", "name a campaign directory below results/")
    version = decode_json(path, dict[str, object], remedy).get("schema")
    if version != MANIFEST_SCHEMA:
        raise DataError(
            f"{path} has schema version {version}, this lab reads {MANIFEST_SCHEMA}",
            "use the version of the lab that wrote it (its lab_version)",
        )
    return decode_json(path, Manifest, remedy)


def journal_sha256(directory: Path) -> str:
    """sha256 of the journal's bytes as they are now.

    Raises:
        DataError: there is no journal, or it cannot be read.
    """
    path = directory / JOURNAL_NAME
    try:
        return file_sha256(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", "restore it from a copy") from error


def mark_finished(directory: Path, trials: int, budget_s: float) -> None:
    """Say that the plan is done within that budget, and what the journal holds."""
    marker = Finished(trials, journal_sha256(directory), budget_s)
    write_whole(directory / FINISHED_NAME, msgspec.json.encode(marker) + b"\n")


def finished(directory: Path) -> Finished | None:
    """The marker; None while the campaign is unfinished.

    Raises:
        DataError: the marker is damaged.
    """
    path = directory / FINISHED_NAME
    if not path.exists():
        return None
    return decode_json(path, Finished, "delete it and run the experiment again to resume")


def campaigns(results: Path) -> Iterator[Path]:
    """Directories with a manifest, newest first by the time in their names."""
    found = [path.parent for path in results.glob(f"*/{MANIFEST_NAME}")]
    # what begins with a dot is in the making
    directories = [path for path in found if not path.is_symlink() and not path.name.startswith(".")]
    return iter(sorted(directories, key=lambda path: (path.name.rsplit("-", 1)[-1], path.name), reverse=True))


def reopen(directory: Path) -> None:
    """Take the campaign for unfinished: it is about to go on."""
    (directory / FINISHED_NAME).unlink(missing_ok=True)


def find_resumable(results: Path, manifest: Manifest) -> Path | None:
    """The newest campaign of the same fingerprint that this plan goes on with; None if there is none.

    That is one that is unfinished, or that ended with less budget than the plan has. An unfinished one may describe a
    part of what the plan holds, or more than a plan that is not built yet. Directories that cannot be read (another
    version's, damaged) are no candidates.
    """
    wanted, budget_s = fingerprint(manifest), manifest.experiment.tier(manifest.tier).budget_s
    for directory in campaigns(results):
        try:
            marker = finished(directory)
            ended = marker is not None and (marker.budget_s is None or marker.budget_s >= budget_s)
            known = read_manifest(directory)
            # a copy under another name is not the campaign that its manifest describes
            same = fingerprint(known) == wanted
            grows = marker is None and (is_part_of(known, manifest) or is_part_of(manifest, known))
            # a copy under another name is not the campaign that its manifest describes
            if not ended and known.campaign == directory.name and (same or grows):
                return directory
        except DataError:
            continue
    return None


def why_not_resumed(results: Path, manifest: Manifest) -> tuple[Path, tuple[str, ...]] | None:
    """The newest unfinished campaign of the same experiment and tier, and what has changed since: it cannot go on.

    Returns:
        The campaign and at least one change, as `differences` words them; None if there is no such campaign.
    """
    for directory in campaigns(results):
        try:
            known = read_manifest(directory)
            same_plan = (known.experiment.name, known.tier) == (manifest.experiment.name, manifest.tier)
            if same_plan and known.campaign == directory.name and finished(directory) is None:
                # what has joined since is no reason
                changes = differences(known, part_of(manifest, known))
                return (directory, changes) if changes else None
        except DataError:
            continue
    return None


def resolve(results: Path, name: str = LATEST) -> Path:
    """A campaign directory by path, by name below `results`, or ``latest``.

    Raises:
        UsageError: there is none; the remedy lists those there are.
    """
    for candidate in (results / name, Path(name)):
        if (candidate / MANIFEST_NAME).is_file():
            return candidate.resolve() if candidate.is_symlink() else candidate
    known = [path.name for path in campaigns(results)][:5]
    remedy = f"choose one of {', '.join(known)}" if known else "measure first: `just reproduce smoke`"
    raise UsageError(f"there is no campaign '{name}' in {results}", remedy)
