"""`lab verify`: is every byte what it must be?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from lab.campaign.materials import Materials
from lab.cli.alone import Wait, alone
from lab.cli.build_progress import build_progress
from lab.cli.options import CURRENT, Campaign, Edition, Json, Results
from lab.cli.output import note, say, say_json, say_table
from lab.cli.wiring import Lab, lab_of
from lab.core.errors import EXIT_NEGATIVE, UsageError
from lab.core.progress import silent
from lab.disk.paths import RESULTS
from lab.store.campaigns import LATEST, read_manifest, resolve
from lab.verify.campaign_checks import check_campaign
from lab.verify.items import Item, Match, first_difference
from lab.verify.lockfile import LOCK_PATH, Lock, write_lock
from lab.verify.model_checks import check_guests, check_models
from lab.verify.relock import relocked
from lab.zoo.catalog import available

SEE_NAMES = "`lab verify --quick` lists every name"


def verify(
    context: typer.Context,
    campaign: Campaign = LATEST,
    edition: Edition = CURRENT,
    quick: Annotated[bool, typer.Option("--quick", help="Check what is here; build nothing again.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="Only items of such names: 'guest wasm/*', 'image *', 'model yunet'.")
    ] = None,
    lock: Annotated[bool, typer.Option("--write-lock", help="Write lab.lock from what is here.")] = False,
    json: Json = False,
    results: Results = RESULTS,
    wait: Wait = False,
) -> None:
    """Compare models, guests, images, outputs, trials and the report with lab.lock and with each other.

    Every model, guest and image that is here is also made twice more, from different directories (an hour; --quick
    leaves that out) and reported at once. Writes nothing, unless --write-lock. Exit code 1 if anything differs; the
    first is named.
    """
    with nullcontext() if quick else alone("rebuilds of verify", wait=wait):
        items = _items(lab_of(context), results, campaign, edition, only or [], quick=quick, lock=lock)
    if conclude(items, json=json):
        raise typer.Exit(EXIT_NEGATIVE)


def _items(
    lab: Lab, results: Path, campaign: str, edition: str, only: list[str], *, quick: bool, lock: bool
) -> list[Item]:
    """Everything that is wanted, verified; rebuilt unless `quick`, locked first if `lock`."""

    def wanted(name: str) -> bool:
        return not only or any(fnmatchcase(name, pattern) for pattern in only)

    models = {model.name: model for model in available(lab.home)}
    guests = lab.find_guests(edition)
    if lock:
        write_lock(relocked(lab.read_lock(), models, guests, edition, resolve(results, campaign)))
        note(f"written: {LOCK_PATH}")
    with build_progress() as progress:
        committed = lab.read_lock()
        chosen_models = {name: model for name, model in models.items() if wanted(f"model {name}")}
        chosen_guests = {item: guest for item, guest in guests.items() if wanted(f"guest {item.id}")}

        def image_items() -> Iterator[Item]:
            images = {name: image for name, image in lab.find_images(edition).items() if wanted(f"image {name}")}
            yield from lab.check_images(images, progress, rebuild=not quick)

        items = []
        for item in chain(
            check_models(chosen_models, committed, progress, rebuild=not quick),
            check_guests(chosen_guests, edition, committed, progress, rebuild=not quick),
            image_items(),
        ):
            if not quick:  # reported at once: what took minutes to find out is not lost if the rest is cut short
                progress(item.name, item.verdict.value, 1.0)
            items.append(item)
        items += (item for item in _campaign_items(results, campaign, committed) if wanted(item.name))
        if only and not items:
            raise UsageError(f"nothing here is called {' or '.join(map(repr, only))}", SEE_NAMES)
    return items


def conclude(items: list[Item], *, json: bool = False) -> bool:
    """Print what was verified; whether anything differs."""
    if json:
        say_json(items)
    else:
        say_table([(item.verdict.value, item.name, item.why) for item in items], ("verdict", "what", "why"))
        counts = {verdict: sum(item.verdict is verdict for item in items) for verdict in Match}
        say("\nverify: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    difference = first_difference(items)
    if difference is not None:
        note(f"first difference: {difference.name}: {difference.why}")
    return difference is not None


def quick_items(lab: Lab, directory: Path, materials: Materials) -> list[Item]:
    """What a campaign is concluded with: everything that takes no building."""
    lock, edition = lab.read_lock(), read_manifest(directory).experiment.edition
    return [
        *check_models(materials.models, lock, silent, rebuild=False),
        *check_guests(materials.guests, edition, lock, silent, rebuild=False),
        *lab.check_images(materials.images, silent, rebuild=False),
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
