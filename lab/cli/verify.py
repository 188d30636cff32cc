"""`lab verify`: is every byte what it must be?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from lab.builds.guests import GuestBuild, find_guests
from lab.cli.build_progress import build_progress
from lab.cli.options import Campaign, Edition, Json, Results
from lab.cli.output import note, say, say_json, say_table
from lab.core.errors import EXIT_NEGATIVE, UsageError
from lab.core.manifest import Manifest
from lab.core.model import Model
from lab.core.places import RESULTS, home
from lab.core.trial import Outcome, Trial
from lab.store.campaigns import LATEST, read_manifest, resolve
from lab.store.journal import JOURNAL_NAME, read_trials
from lab.verify.campaigns import check_campaign
from lab.verify.items import Item, Sameness, first_difference
from lab.verify.lock import LOCK_PATH, Lock, LockedEdition, LockedModel, read_lock, write_lock
from lab.verify.models import check_guests, check_models, file_hashes
from lab.zoo.catalog import available


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def verify(
        campaign: Campaign = LATEST,
        edition: Edition = "current",
        quick: Annotated[bool, typer.Option("--quick", help="Check what is here; build nothing again.")] = False,
        lock: Annotated[bool, typer.Option("--write-lock", help="Write lab.lock from what is here.")] = False,
        json: Json = False,
        results: Results = RESULTS,
    ) -> None:
        """Hold models, guests, output tensors, stored trials and the report against lab.lock, and against each other.

        Every model and guest that is here is also built twice more, from different directories (an hour; --quick leaves
        that out). Writes nothing, unless --write-lock. Exit code 1 if anything differs; the first difference is named.
        """
        models = {model.name: model for model in available(home())}
        guests = find_guests(edition)
        if lock:
            write_lock(_locked(models, guests, edition, results, campaign))
            note(f"written: {LOCK_PATH}")
        with build_progress() as progress:
            committed = read_lock()
            items = [
                *check_models(models, committed, progress, rebuild=not quick),
                *check_guests(guests, edition, committed, progress, rebuild=not quick),
                *_campaign_items(results, campaign, committed),
            ]
        if conclude(items, json=json):
            raise typer.Exit(EXIT_NEGATIVE)


def conclude(items: list[Item], *, json: bool = False) -> bool:
    """Print what was verified; whether anything differs."""
    if json:
        say_json(items)
    else:
        say_table([(one.verdict.value, one.name, one.why) for one in items], ("verdict", "what", "why"))
        counts = {verdict: sum(one.verdict is verdict for one in items) for verdict in Sameness}
        say("\nverify: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    difference = first_difference(items)
    if difference is not None:
        note(f"first difference: {difference.name}: {difference.why}")
    return difference is not None


def quick_items(directory: Path, models: dict[str, Model], guests: dict[tuple[str, str], GuestBuild]) -> list[Item]:
    """What a campaign is concluded with: everything that takes no building."""
    lock, edition = read_lock(), read_manifest(directory).experiment.edition

    def unheard(item: str, message: str, fraction: float | None = None) -> None:
        del item, message, fraction

    return [
        *check_models(models, lock, unheard, rebuild=False),
        *check_guests(guests, edition, lock, unheard, rebuild=False),
        *check_campaign(directory, lock),
    ]


def _campaign_items(results: Path, campaign: str, lock: Lock) -> Iterator[Item]:
    try:
        directory = resolve(results, campaign)
    except UsageError:
        if campaign != LATEST:
            raise
        note("no campaign to verify yet")
        return
    yield from check_campaign(directory, lock)


def _locked(
    models: dict[str, Model], guests: dict[tuple[str, str], GuestBuild], edition: str, results: Path, campaign: str
) -> Lock:
    """The lock as it is, with what is here written over it."""
    old = read_lock()
    locked = {}
    for name, model in models.items():
        if model.weights == "seeded":
            files = file_hashes(model)
            inputs = {str(given.batch): files[f"input b{given.batch}"] for given in model.inputs}
            locked[name] = LockedModel(files["graph"], inputs)
    here = {f"{target}/{profile}": guest.sha256 for (target, profile), guest in guests.items()}
    directory = resolve(results, campaign)
    outputs = _outputs(read_manifest(directory), read_trials(directory / JOURNAL_NAME), here)
    before = old.edition(edition)
    kept = {guest: cells for guest, cells in before.outputs.items() if here.get(guest) == before.guests.get(guest)}
    merged = {guest: {**kept.get(guest, {}), **outputs.get(guest, {})} for guest in kept.keys() | outputs.keys()}
    editions = {**old.editions, edition: LockedEdition({**before.guests, **here}, merged)}
    return msgspec.structs.replace(old, models={**old.models, **locked}, editions=editions)


def _outputs(manifest: Manifest, trials: Iterator[Trial], here: dict[str, str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for trial in trials:
        guest = f"wasm/{trial.guest.value}"
        same = guest in manifest.guests and manifest.guests[guest].sha256 == here.get(guest)
        right = trial.outcome is Outcome.OK and trial.output_sha256 is not None and not trial.arm.is_native
        if same and right and trial.model in manifest.models and manifest.models[trial.model].weights == "seeded":
            found.setdefault(guest, {})[f"{trial.model} b{trial.batch}"] = trial.output_sha256 or ""
    return found
