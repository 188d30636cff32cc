"""Verifying a campaign of another machine: by its own files, and by whatever of it is here as well."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lab.builds.guests import GuestBuild
from lab.builds.images.labels import ImageInfo
from lab.core.guest import GuestId
from lab.core.manifest import Manifest
from lab.core.model import Model
from lab.core.trial import Kind, Outcome
from lab.store.campaigns import read_manifest, resolve
from lab.store.journal import JOURNAL_NAME, read_trials
from lab.store.packing import unpack
from lab.verify.campaign_checks import check_campaign
from lab.verify.items import Item, compare_hashes
from lab.verify.lockfile import Lock
from lab.verify.model_checks import COPY, file_hashes

THERE = "that campaign"


@contextmanager
def opened(results: Path, name: str) -> Iterator[Path]:
    """The campaign's directory: one that is here, or that of an archive, unpacked for the time being.

    Args:
        results: directory that campaigns are kept in.
        name: an archive of `lab pack`, a directory, a name below `results`, or ``latest``.

    Raises:
        UsageError: there is no such campaign or archive.
        DataError: the archive is damaged.
    """
    if not Path(name).is_file():
        yield resolve(results, name)
        return
    with tempfile.TemporaryDirectory(prefix="lab-verify-") as scratch:
        yield unpack(Path(name), Path(scratch))


def check_against(
    theirs: Path,
    mine: Path | None,
    lock: Lock,
    models: Mapping[str, Model],
    guests: Mapping[GuestId, GuestBuild],
    images: Mapping[str, ImageInfo],
) -> Iterator[Item]:
    """Check everything that a campaign's own files say, then compare it with what is here.

    What is not here is no difference, and no item.

    Args:
        theirs: directory of the campaign.
        mine: directory of a campaign of this machine, whose output tensors are compared; None for none.
        lock: the committed lock.
        models: models that are here, by name.
        guests: guests of the campaign's edition that are here.
        images: images of the campaign's edition that are here, by runtime.
    """
    yield from check_campaign(theirs, lock)
    manifest = read_manifest(theirs)
    yield from _same_models(manifest, models)
    built = {guest_id.id: guest for guest_id, guest in guests.items()}
    for name, guest in sorted(manifest.guests.items()):
        if name in built:
            yield compare_hashes(f"guest {name}", None, {THERE: guest.sha256, COPY: built[name].sha256})
    for name, runtime in sorted(manifest.runtimes.items()):
        image = images.get(name)
        if image is not None:
            copies = {THERE: runtime.binary_sha256, COPY: image.binary_sha256}
            yield compare_hashes(f"binary of {name} {runtime.version}".rstrip(), None, copies)
    if mine is not None:
        yield from _same_outputs(theirs, mine)


def _same_models(manifest: Manifest, models: Mapping[str, Model]) -> Iterator[Item]:
    for name, model in sorted(manifest.models.items()):
        if name not in models:
            continue
        here = file_hashes(models[name])
        parts = {"graph": model.graph_sha256, **{f"input b{batch}": of for batch, of in model.input_sha256.items()}}
        for part, sha256 in parts.items():
            if part in here:
                yield compare_hashes(f"model {name} {part}", None, {THERE: sha256, COPY: here[part]})


def _same_outputs(theirs: Path, mine: Path) -> Iterator[Item]:
    """Output tensors of what both campaigns ran: the same wasm guest on the same graph; bits of native ones may differ.

    That a campaign's own trials agree with each other is checked before.
    """
    there, here = read_manifest(theirs), read_manifest(mine)
    seen = _outputs(mine)
    for (guest, model, batch), sha256 in sorted(_outputs(theirs).items()):
        same_guest = guest in here.guests and here.guests[guest].sha256 == there.guests[guest].sha256
        same_model = model in here.models and here.models[model].graph_sha256 == there.models[model].graph_sha256
        if same_guest and same_model and (guest, model, batch) in seen:
            sides = {THERE: sha256, mine.name: seen[guest, model, batch]}
            yield compare_hashes(f"output {guest} {model} b{batch}, here and there", None, sides)


def _outputs(directory: Path) -> dict[tuple[str, str, int], str]:
    """sha256 of output tensors by wasm guest, model and batch size."""
    return {
        (f"wasm/{trial.guest}", trial.model, trial.batch): trial.output_sha256
        for trial in read_trials(directory / JOURNAL_NAME)
        if trial.kind is Kind.RUN and trial.outcome is Outcome.OK and trial.output_sha256 and not trial.arm.is_native
    }
