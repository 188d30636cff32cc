"""`lab build`: images and guests, found by content or built."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from lab.builds.guests import GuestBuild, ensure_guests
from lab.builds.images import BuildReport, ImageInfo, build_images, read_binary
from lab.builds.pins import load_pins
from lab.builds.supplies import save_artifact
from lab.cli.build_progress import build_progress
from lab.cli.options import Edition, Json
from lab.cli.output import note, say_json, say_table
from lab.core.arm import NATIVE_RUNTIME, GuestProfile
from lab.core.errors import LabError
from lab.core.units import show_bytes

# What builds in minutes from package registries alone; the others take a compiler most of an hour.
QUICK = ("native", "wasmtime", "wasmedge", "wamr")
QUICK_GUESTS = ((NATIVE_RUNTIME, GuestProfile.O3.value), ("wasm", GuestProfile.O3.value))
ALL_GUESTS = (
    *((NATIVE_RUNTIME, profile.value) for profile in (GuestProfile.O3, GuestProfile.O0)),
    *(("wasm", profile.value) for profile in GuestProfile),
)


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def build(
        runtimes: Annotated[list[str] | None, typer.Argument(help="Images to build; default: the quick ones.")] = None,
        everything: Annotated[bool, typer.Option("--all", help="Every image and every guest.")] = False,
        edition: Edition = "current",
        save_artifacts: Annotated[
            Path | None, typer.Option(help="Also write the runtimes' binaries here, for LAB_ARTIFACTS elsewhere.")
        ] = None,
        json: Json = False,
    ) -> None:
        """Build images and guests that are not here yet; one failure does not stop the others.

        Writes images into the engine, guests below LAB_HOME, logs into logs/.
        """
        pinned = tuple(load_pins().edition(edition).runtimes)
        wanted = pinned if everything else tuple(runtimes or (name for name in QUICK if name in pinned))
        guests = ALL_GUESTS if everything else () if runtimes else QUICK_GUESTS
        with build_progress() as progress:
            report = build_images(wanted, edition, progress)
            built = ensure_guests(guests, progress, edition) if guests else {}
        if save_artifacts is not None:
            _save(report, edition, save_artifacts)
        _show(report, built, json=json)
        for name, problem in report.problems.items():
            note(f"error: {name}: {problem.message}\n  mend it: {problem.remedy}")
        if report.problems:
            raise typer.Exit(_worst(report.problems.values()))


def _save(report: BuildReport, edition: str, directory: Path) -> None:
    for name, image in report.images.items():
        artifact = load_pins().edition(edition).runtime(name).artifact
        if artifact is not None:
            note(f"saving {save_artifact(directory, artifact.file, read_binary(image))[:12]}… {artifact.file}")


def _show(report: BuildReport, guests: dict[tuple[str, str], GuestBuild], *, json: bool) -> None:
    if json:
        named = {f"{target}/{profile}": guest for (target, profile), guest in guests.items()}
        problems = {name: problem.message for name, problem in report.problems.items()}
        say_json({"images": report.images, "guests": named, "problems": problems})
        return
    say_table((_image_row(image) for image in report.images.values()), ("image", "version", "supply", "size", "tag"))
    if guests:
        rows = [
            (f"{target}/{profile}", show_bytes(one.size_bytes), one.sha256) for (target, profile), one in guests.items()
        ]
        say_table(rows, ("\nguest", "size", "sha256"))


def _image_row(image: ImageInfo) -> tuple[str, ...]:
    version = image.version + (" (patched)" if image.patched else "")
    return image.runtime, version, image.supply, show_bytes(image.size_bytes), image.reference


def _worst(problems: Iterable[LabError]) -> int:
    return max(problem.exit_code for problem in problems)
