"""Making the lock: the hashes of what is here, as they must be from now on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from lab.builds.guests import GuestBuild
from lab.core.guest import GuestId
from lab.core.manifest import Manifest
from lab.core.model import Model
from lab.core.names import Target, Weights
from lab.core.trial import Outcome, Trial
from lab.store.campaigns import read_manifest
from lab.store.journal import JOURNAL_NAME, read_trials
from lab.verify.lockfile import Lock, LockedEdition, LockedModel
from lab.verify.model_checks import file_hashes


def relocked(
    old: Lock, models: dict[str, Model], guests: dict[GuestId, GuestBuild], edition: str, campaign: Path
) -> Lock:
    """Return the lock so far, with the hashes of what is here written over it.

    Args:
        old: the lock so far.
        models: models that are here; only the seeded ones are locked.
        guests: guest builds that are here.
        edition: name of the edition whose guests they are.
        campaign: the directory of the campaign whose output tensors are locked.
    """
    locked = {}
    for name, model in models.items():
        if model.weights == Weights.SEEDED:
            files = file_hashes(model)
            inputs = {str(given.batch): files[f"input b{given.batch}"] for given in model.inputs}
            locked[name] = LockedModel(files["graph"], _inputs(old.models.get(name), inputs))
    here = {guest_id.id: guest.sha256 for guest_id, guest in guests.items()}
    outputs = _outputs(read_manifest(campaign), read_trials(campaign / JOURNAL_NAME), here)
    before = old.edition(edition)
    changed = {guest for guest, sha256 in here.items() if sha256 != before.guests.get(guest)}
    kept = {guest: cells for guest, cells in before.outputs.items() if guest not in changed}
    merged = {guest: {**kept.get(guest, {}), **outputs.get(guest, {})} for guest in kept.keys() | outputs.keys()}
    editions = {**old.editions, edition: LockedEdition({**before.guests, **here}, merged)}
    return msgspec.structs.replace(old, models={**old.models, **locked}, editions=editions)


def _inputs(before: LockedModel | None, here: dict[str, str]) -> dict[str, str]:
    """Inputs by batch: those of batches that are not here stay locked, unless one that is here has changed."""
    earlier = {} if before is None else before.input_sha256
    changed = any(earlier.get(batch, sha256) != sha256 for batch, sha256 in here.items())
    return here if changed else {**earlier, **here}


def _outputs(manifest: Manifest, trials: Iterator[Trial], here: dict[str, str]) -> dict[str, dict[str, str]]:
    outputs: dict[str, dict[str, str]] = {}
    for trial in trials:
        guest = f"wasm/{trial.guest.value}"
        same = guest in manifest.guests and manifest.guests[guest].sha256 == here.get(guest)
        right = trial.outcome is Outcome.OK and trial.output_sha256 is not None and trial.arm.target == Target.WASM
        right = right and trial.arm.has_exact_output
        if same and right and trial.model in manifest.models and manifest.models[trial.model].weights == Weights.SEEDED:
            outputs.setdefault(guest, {})[f"{trial.model} b{trial.batch}"] = trial.output_sha256 or ""
    return outputs
