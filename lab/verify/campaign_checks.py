"""Verifying a campaign: stored trials, output tensors across arms, and the report made from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from lab.core.errors import DataError, NothingToReport
from lab.core.manifest import Manifest
from lab.core.names import Target
from lab.core.trial import Kind, Outcome, Trial
from lab.report.render import report_of
from lab.store.campaigns import REPORT_NAME, finished, journal_sha256, read_manifest
from lab.store.journal import JOURNAL_NAME, read_trials
from lab.verify.items import Item, Match, compare_hashes
from lab.verify.lockfile import Lock


def check_campaign(directory: Path, lock: Lock) -> Iterator[Item]:
    """Everything that can be checked of a campaign, from its files alone.

    Args:
        directory: the campaign's directory.
        lock: the committed lock.
    """
    stored = _stored(directory)
    yield stored
    if stored.verdict is Match.DIFFERS:
        return
    manifest = read_manifest(directory)
    yield from check_outputs(manifest, read_trials(directory / JOURNAL_NAME), lock)
    yield _report(directory)


def check_outputs(manifest: Manifest, trials: Iterable[Trial], lock: Lock) -> Iterator[Item]:
    """Output tensors, recomputed by every arm: wasm's to the bit, native's within the tolerance.

    An output of native code depends on the processor's instructions and is never locked: that its trials are ok says
    that it was within 1e-3 of TensorFlow's range, and the same in every trial.
    """
    seen: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    native: dict[str, str] = {}
    wrong: list[Trial] = []
    for trial in trials:
        if trial.kind is not Kind.RUN:
            continue
        if trial.outcome is Outcome.WRONG_OUTPUT:
            wrong.append(trial)
        elif trial.outcome is Outcome.OK and trial.output_sha256 is not None:
            cell = f"{trial.model} b{trial.batch}"
            if trial.arm.target != Target.WASM or not trial.arm.has_exact_output:
                same = ", and the same" if trial.arm.has_exact_output else ""
                native[f"output {trial.arm.id} {cell}"] = f"within 1e-3 of TensorFlow's range{same} in every trial"
            else:
                seen[f"wasm/{trial.guest}", cell][trial.arm.system] = trial.output_sha256
    locked = _locked_outputs(manifest, lock)
    for (guest, cell), by_system in sorted(seen.items()):
        yield compare_hashes(f"output {guest} {cell}", locked.get(guest, {}).get(cell), by_system)
    for name, what in sorted(native.items()):
        yield Item(name, Match.EQUIVALENT, what)
    for trial in wrong:
        yield Item(f"output {trial.case.id}, trial {trial.number}", Match.DIFFERS, trial.why or "wrong output")


def _locked_outputs(manifest: Manifest, lock: Lock) -> dict[str, dict[str, str]]:
    """The lock's outputs, as far as this campaign ran the very guests and models that are locked."""
    edition = lock.edition(manifest.experiment.edition)
    return {
        guest: {cell: sha256 for cell, sha256 in cells.items() if _is_locked_model(cell.split()[0], manifest, lock)}
        for guest, cells in edition.outputs.items()
        if guest in manifest.guests and manifest.guests[guest].sha256 == edition.guests.get(guest)
    }


def _is_locked_model(name: str, manifest: Manifest, lock: Lock) -> bool:
    model, locked = manifest.models.get(name), lock.models.get(name)
    return model is not None and locked is not None and model.graph_sha256 == locked.graph_sha256


def _stored(directory: Path) -> Item:
    name = f"trials of {directory.name}"
    try:
        count = sum(1 for _ in read_trials(directory / JOURNAL_NAME))
    except DataError as error:
        return Item(name, Match.DIFFERS, error.message)
    marker = finished(directory)
    if marker is None:
        return Item(name, Match.IDENTICAL, f"{count} lines match their checksums; the campaign is not finished")
    return compare_hashes(
        name, None, {"the finished marker": marker.trials_sha256, "the journal": journal_sha256(directory)}
    )


def _report(directory: Path) -> Item:
    name = f"report of {directory.name}"
    if finished(directory) is None:
        return Item(name, Match.EQUIVALENT, "the campaign is not finished: the report is refreshed between blocks")
    try:
        made = report_of(directory).files
    except NothingToReport as error:
        return Item(name, Match.IDENTICAL, error.message)
    for file, content in sorted(made.items()):
        path = directory / REPORT_NAME / file
        if not path.is_file():
            return Item(name, Match.DIFFERS, f"{file} is not there")
        if path.read_bytes() != content:
            return Item(name, Match.DIFFERS, f"{file} is not what the trials give")
    return Item(name, Match.IDENTICAL, f"{len(made)} files rendered again from the trials")
