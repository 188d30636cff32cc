"""`lab verify`: is every byte what it must be?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from fnmatch import fnmatchcase
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from lab.campaign.materials import Materials
from lab.cli.alone import Wait, alone
from lab.cli.build_progress import build_progress
from lab.cli.moved_packages import report_packages
from lab.cli.options import CURRENT, Campaign, Edition, Json, Results
from lab.cli.output import note, say, say_json, say_table
from lab.cli.wiring import Lab, lab_of
from lab.core.errors import EXIT_NEGATIVE, EngineForbidden, EngineMissing, UsageError
from lab.core.progress import silent
from lab.disk.paths import RESULTS
from lab.store.campaigns import LATEST, read_manifest, resolve
from lab.verify.against import check_against, opened
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
    against: Annotated[
        str | None,
        typer.Option(help="Check this campaign, or archive of one, and what is here against it; needs no engine."),
    ] = None,
    packages: Annotated[
        bool, typer.Option("--packages", help="Only list what changed in images' Debian packages since images.lock.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="With --packages: exit code 1 if any changed.")] = False,
    lock: Annotated[
        bool, typer.Option("--write-lock", help="Write lab.lock, or with --packages images.lock, from what is here.")
    ] = False,
    json: Json = False,
    results: Results = RESULTS,
    wait: Wait = False,
) -> None:
    """Compare models, guests, images, outputs, trials and the report with lab.lock and with each other.

    Every model, guest and image that is here is also made twice more, from different directories (an hour; --quick
    leaves that out) and reported at once. Writes nothing, unless --write-lock. Exit code 1 if anything differs; the
    first is named.
    """
    if packages:
        if against is not None:
            raise UsageError("--packages is about images here, --against about a campaign elsewhere", "use one of them")
        wanted = partial(_is_wanted, only=only or [])
        moved = report_packages(lab_of(context), edition, wanted, write=lock, json=json)
        raise typer.Exit(EXIT_NEGATIVE if moved and strict else 0)
    if strict:
        raise UsageError("--strict is about changed packages", "add --packages; other differences always count")
    if against is not None:
        if lock:
            raise UsageError("--write-lock writes what is here, and --against is about what is not", "use one of them")
        items = [*_against(lab_of(context), results, campaign, against)]
        raise typer.Exit(EXIT_NEGATIVE if conclude(_chosen(items, only or []), json=json) else 0)
    with nullcontext() if quick else alone("rebuilds of verify", wait=wait):
        items = _items(lab_of(context), results, campaign, edition, only or [], quick=quick, lock=lock)
    if conclude(items, json=json):
        raise typer.Exit(EXIT_NEGATIVE)


def _items(
    lab: Lab, results: Path, campaign: str, edition: str, only: list[str], *, quick: bool, lock: bool
) -> list[Item]:
    """Everything that is wanted, verified; rebuilt unless `quick`, locked first if `lock`."""
    wanted = partial(_is_wanted, only=only)
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
        items += _campaign_items(results, campaign, committed)
    return _chosen(items, only)


def _against(lab: Lab, results: Path, campaign: str, against: str) -> Iterator[Item]:
    """Another machine's campaign, and what of it is here: of images and guests nothing is without an engine."""
    with opened(results, against) as theirs:
        edition = read_manifest(theirs).experiment.edition
        mine = _campaign_here(results, campaign)
        if mine is not None and read_manifest(mine).campaign == read_manifest(theirs).campaign:
            mine = None
        try:
            guests, images = lab.find_guests(edition), lab.find_images(edition)
        except (EngineMissing, EngineForbidden) as error:
            note(f"guests and images of this machine are not compared: {error.message}")
            guests, images = {}, {}
        models = {model.name: model for model in available(lab.home)}
        yield from check_against(theirs, mine, lab.read_lock(), models, guests, images)


def _chosen(items: list[Item], only: list[str]) -> list[Item]:
    """The items of such names; all of them if no names are given."""
    chosen = [item for item in items if _is_wanted(item.name, only)]
    if only and not chosen:
        raise UsageError(f"nothing here is called {' or '.join(map(repr, only))}", SEE_NAMES)
    return chosen


def _is_wanted(name: str, only: list[str]) -> bool:
    return not only or any(fnmatchcase(name, pattern) for pattern in only)


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
    directory = _campaign_here(results, campaign)
    if directory is None:
        note("no campaign to verify yet")
        return
    yield from check_campaign(directory, lock)


def _campaign_here(results: Path, campaign: str) -> Path | None:
    """The campaign's directory; None for the latest one where there is none yet."""
    try:
        return resolve(results, campaign)
    except UsageError:
        if campaign != LATEST:
            raise
        return None
