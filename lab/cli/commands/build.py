"""`lab build`: images and guests, found by content or built."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from lab.builds.debian.fetch import DIRECTORY
from lab.builds.guests import GuestBuild
from lab.builds.images.ensure import BuildReport
from lab.builds.images.labels import ImageInfo, read_binary
from lab.builds.pins import load_pins
from lab.builds.supplies import save_artifact
from lab.cli.alone import Wait, alone
from lab.cli.build_progress import build_progress
from lab.cli.builds.timeline import show_timeline
from lab.cli.options import CURRENT, Json
from lab.cli.output import note, say_json, say_table
from lab.cli.wiring import Lab, lab_of
from lab.core.arm import NATIVE_RUNTIME
from lab.core.errors import UnobtainableError
from lab.core.guest import ALL_GUESTS, GuestId
from lab.core.units import show_bytes

# What builds in minutes from package registries alone; the others take a compiler most of an hour.
QUICK = (NATIVE_RUNTIME, "wasmtime", "wasmedge", "wamr")
QUICK_GUESTS = (GuestId.parse("native/o3"), GuestId.parse("wasm/o3"))


def build(
    context: typer.Context,
    runtimes: Annotated[list[str] | None, typer.Argument(help="Images to build; default: the quick ones.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every guest; every image to be had here.")] = False,
    editions: Annotated[
        list[str] | None,
        typer.Option("--edition", help="Set of pinned runtimes: current (default) or paper; repeat it for both."),
    ] = None,
    save_artifacts: Annotated[
        Path | None,
        typer.Option(help="Also write the runtimes' binaries and Debian packages here, for LAB_ARTIFACTS elsewhere."),
    ] = None,
    lock_packages: Annotated[
        bool, typer.Option("--lock-packages", help="Write packages/lock again from today's archive; build nothing.")
    ] = False,
    timeline: Annotated[
        bool, typer.Option("--timeline", help="Build nothing: show where the last build's minutes went [FILE.svg].")
    ] = False,
    newer: Annotated[
        bool, typer.Option("--newer", help="Build nothing: list pins with newer versions in the package registries.")
    ] = False,
    wait: Wait = False,
    json: Json = False,
) -> None:
    """Build images and guests that are not here yet; one failure does not stop the others.

    Images and guests of all editions are built in one queue.
    Writes images into the engine, guests and how long each step took below LAB_HOME, logs into logs/.
    With --timeline the argument is the file that the figure goes to.
    """
    lab = lab_of(context)
    if lock_packages:
        _lock(lab, wait=wait, json=json)
        return
    if timeline:
        show_timeline(lab.home, runtimes or [], json=json)
        return
    if newer:
        # imported here: only this asks registries
        from lab.cli.builds.newer import show_newer  # noqa: PLC0415

        show_newer(editions or [], json=json)
        return
    chosen = dict.fromkeys(editions or (CURRENT,))
    guests = ALL_GUESTS if everything else () if runtimes else QUICK_GUESTS
    wanted = {edition: _wanted(edition, runtimes, everything=everything) for edition in chosen}
    with alone(f"images of {', '.join(chosen)}", wait=wait), build_progress() as progress:
        made = lab.build_together(wanted, dict.fromkeys(chosen, guests), progress)
    reports = {edition: each.images for edition, each in made.items()}
    built = {edition: each.guests for edition, each in made.items()}
    if save_artifacts is not None:
        for edition, report in reports.items():
            _save(report, edition, save_artifacts)
        with build_progress() as progress:
            count = lab.save_packages(reports, save_artifacts, progress)
        note(f"saved {count} Debian packages below {save_artifacts / DIRECTORY}")
    if json:
        found = {edition: _as_json(report, built[edition]) for edition, report in reports.items()}
        say_json(found if len(found) > 1 else next(iter(found.values())))
    else:
        _show(reports, built)
    worst = max((_report_problems(report, may_lack=everything) for report in reports.values()), default=0)
    if worst:
        raise typer.Exit(worst)


def _wanted(edition: str, runtimes: list[str] | None, *, everything: bool) -> tuple[str, ...]:
    pins = load_pins().edition(edition)
    for name in runtimes or ():
        pins.runtime(name)
    return tuple(pins.runtimes) if everything else tuple(runtimes or (name for name in QUICK if name in pins.runtimes))


def _report_problems(report: BuildReport, *, may_lack: bool) -> int:
    """Print what could not be made; the exit code for it, 0 if all was, or all but what cannot be had and may lack."""
    fatal = report.fatal_problems(UnobtainableError) if may_lack else report.problems
    for name, problem in report.problems.items():
        note(f"{'error' if name in fatal else 'left out'}: {name}: {problem.message}\n  hint: {problem.remedy}")
    return max((problem.exit_code for problem in fatal.values()), default=0)


def _save(report: BuildReport, edition: str, directory: Path) -> None:
    for name, image in report.images.items():
        artifact = load_pins().edition(edition).runtime(name).artifact
        if artifact is not None:
            note(f"saving {save_artifact(directory, artifact.file, read_binary(image))[:12]}… {artifact.file}")


def _lock(lab: Lab, *, wait: bool, json: bool) -> None:
    """Write the lock of packages again, and print what has changed."""
    with alone("the lock of packages", wait=wait), build_progress() as progress:
        before, after = lab.lock_packages(progress)
    was, now = ({(p.suite, p.stage, p.name): p.version for p in lock.packages} for lock in (before, after))
    rows = [(*key, was.get(key), now.get(key)) for key in sorted(was | now) if was.get(key) != now.get(key)]
    header = ("suite", "stage", "package", "before", "after")
    if json:
        say_json([dict(zip(header, row, strict=True)) for row in rows])
    else:
        say_table([tuple(cell or "-" for cell in row) for row in rows], header)
        note(f"{len(after.packages)} packages are locked; {len(rows)} lines differ from before")


def _as_json(report: BuildReport, guests: Mapping[GuestId, GuestBuild]) -> dict[str, object]:
    named = {guest_id.id: guest for guest_id, guest in guests.items()}
    problems = {name: problem.message for name, problem in report.problems.items()}
    return {"images": report.images, "guests": named, "problems": problems}


def _show(reports: Mapping[str, BuildReport], built: Mapping[str, Mapping[GuestId, GuestBuild]]) -> None:
    images = (image for report in reports.values() for image in report.images.values())
    say_table(map(_image_row, images), ("edition", "image", "version", "supply", "size", "tag"))
    rows = [
        (edition, guest_id.id, show_bytes(guest.size_bytes), guest.sha256)
        for edition, guests in built.items()
        for guest_id, guest in guests.items()
    ]
    if rows:
        say_table(rows, ("\nedition", "guest", "size", "sha256"))


def _image_row(image: ImageInfo) -> tuple[str, ...]:
    version = image.version + (" (patched)" if image.patched else "")
    return image.edition, image.runtime, version, image.supply, show_bytes(image.size_bytes), image.reference
