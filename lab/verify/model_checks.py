"""Verifying models and guests: those that are here, and on request two rebuilds of each, in two directories."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from lab.builds.guests import BUILDS_AT_ONCE, GuestBuild, build_guest_fresh
from lab.core.guest import GuestId
from lab.core.model import Model
from lab.core.names import Weights
from lab.core.progress import Progress
from lab.disk.content import file_sha256
from lab.verify.differences import page_of_differences
from lab.verify.items import Item, compare_hashes
from lab.verify.lockfile import Lock, LockedModel
from lab.zoo.model_directory import GRAPH_FILE
from lab.zoo.model_rebuild import rebuild

RECORD, COPY = "its record", "this machine's copy"
REBUILDS = ("the first rebuild", "the second rebuild")


def check_models(models: dict[str, Model], lock: Lock, progress: Progress, *, rebuild: bool) -> Iterator[Item]:
    """Compare frozen graphs and inputs with the lock, and with what was recorded when they were made.

    Graphs of imported or pretrained models are not locked, and not made again here.

    Args:
        models: the models that are here, by name.
        lock: the committed lock.
        progress: called with each rebuild.
        rebuild: whether each is also built again, twice.
    """
    for name, model in sorted(models.items()):
        copies = {RECORD: _recorded(model), COPY: file_hashes(model)}
        locked = {}
        if model.weights == Weights.SEEDED:
            if rebuild:
                copies |= {which: _rebuilt(name, model, progress) for which in REBUILDS}
            locked = _flat(lock.models[name]) if name in lock.models else {}
        for part in copies[COPY]:
            hashes = {which: files[part] for which, files in copies.items() if part in files}
            yield compare_hashes(f"model {name} {part}", locked.get(part), hashes)


def check_guests(
    guests: dict[GuestId, GuestBuild], edition: str, lock: Lock, progress: Progress, *, rebuild: bool
) -> Iterator[Item]:
    """Compare guest builds with the lock, and with what was recorded when they were made.

    `rebuild` compiles each again from nothing, twice (minutes each, two at a time). Of a build that differs from this
    machine's copy, a page shows where, if diffoscope is installed.
    """
    locked = lock.edition(edition).guests

    def compile_again(variant: GuestId, which: str) -> tuple[str, str | None]:
        here = guests[variant].path
        with tempfile.TemporaryDirectory(prefix="lab-verify-") as directory:
            again = build_guest_fresh(variant, Path(directory), progress, edition, which)
            if file_sha256(again) == file_sha256(here):
                return file_sha256(again), None
            return file_sha256(again), page_of_differences(here, again, f"{variant.id} {which}")

    pool = ThreadPoolExecutor(max_workers=BUILDS_AT_ONCE)
    try:
        rebuilds = REBUILDS if rebuild else ()
        again = {
            variant: {which: pool.submit(compile_again, variant, which) for which in rebuilds}
            for variant in sorted(guests)
        }
        for variant, guest in sorted(guests.items()):
            copies = {RECORD: guest.sha256, COPY: file_sha256(guest.path)}
            rebuilt = {which: job.result() for which, job in again[variant].items()}
            copies |= {which: sha256 for which, (sha256, _) in rebuilt.items()}
            item = compare_hashes(f"guest {variant.id}", locked.get(variant.id), copies)
            pages = [where for _, where in rebuilt.values() if where is not None]
            yield msgspec.structs.replace(item, why="; ".join([item.why, *dict.fromkeys(pages)]))
    finally:
        pool.shutdown(cancel_futures=True)


def file_hashes(model: Model) -> dict[str, str]:
    """Sha256 of a model's files as they are on disk now: ``graph``, ``input b1`` and so on."""
    inputs = {f"input b{given.batch}": file_sha256(given.input_path) for given in model.inputs}
    return {"graph": file_sha256(model.graph_path), **inputs}


def _recorded(model: Model) -> dict[str, str]:
    """Sha256 of a model's files as they were recorded when it was made."""
    inputs = {f"input b{given.batch}": given.input_sha256 for given in model.inputs}
    return {"graph": model.graph_sha256, **inputs}


def _flat(locked: LockedModel) -> dict[str, str]:
    inputs = {f"input b{batch}": sha256 for batch, sha256 in locked.input_sha256.items()}
    return {"graph": locked.graph_sha256, **inputs}


def _rebuilt(name: str, model: Model, progress: Progress) -> dict[str, str]:
    progress(f"model {name}", "building again")
    batches = tuple(given.batch for given in model.inputs)
    with tempfile.TemporaryDirectory(prefix="lab-verify-") as directory:
        files = rebuild(name, Path(directory), model.weights, batches)
    inputs = {f"input b{batch}": files[f"input.b{batch}.f32"] for batch in batches}
    return {"graph": files[GRAPH_FILE], **inputs}
