"""`lab provenance`: what images and guests are made of, in formats that other tools read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from lab.builds.guests import GuestBuild
from lab.builds.images.candidates import Catalogue
from lab.builds.images.labels import ImageInfo
from lab.builds.provenance.gather import guest_material, guest_statement, image_material, image_statement
from lab.builds.provenance.sbom import write_sbom
from lab.cli.build_progress import build_progress
from lab.cli.options import CURRENT, Edition
from lab.cli.output import note, say
from lab.cli.wiring import Lab, lab_of
from lab.core.errors import UsageError
from lab.core.guest import GuestId
from lab.core.near_names import did_you_mean
from lab.core.progress import Progress
from lab.disk.whole import write_whole
from lab.engines.docker_sdk import connect

Name = Annotated[str, typer.Argument(help="An image by its runtime, such as wasmtime; or a guest, such as wasm/o3.")]
Names = Annotated[list[str] | None, typer.Argument(help="Images and guests; default: all that are here.")]

provenance = typer.Typer(help="Say what images and guests are made of, for others to check.", no_args_is_help=True)


class _Known:
    """Images and guests of an edition that are here, and what is written of each."""

    def __init__(self, lab: Lab, edition: str, progress: Progress) -> None:
        self._client = connect()
        self._catalogue = Catalogue(edition, self._client)
        self._progress = progress
        guests = {guest_id.id: (guest_id, guest) for guest_id, guest in lab.find_guests(edition).items()}
        self._here: dict[str, ImageInfo | tuple[GuestId, GuestBuild]] = {**lab.find_images(edition), **guests}

    def names(self, wanted: list[str] | None) -> list[str]:
        """Those wanted, all by default.

        Raises:
            UsageError: one is not here.
        """
        for name in wanted or ():
            if name not in self._here:
                here = ", ".join(sorted(self._here)) or "nothing yet"
                hint = did_you_mean(name, self._here)
                raise UsageError(f"no image or guest {name} is here", f"{hint}`lab build` makes them; here: {here}")
        return wanted or sorted(self._here)

    def sbom(self, name: str) -> str:
        """The bill of materials of one of them."""
        found = self._here[name]
        if isinstance(found, ImageInfo):
            return write_sbom(image_material(self._client, found, self._catalogue, self._progress))
        return write_sbom(guest_material(*found, self._catalogue.edition))

    def statement(self, name: str) -> str:
        """The statement of one of them."""
        found = self._here[name]
        if isinstance(found, ImageInfo):
            made = image_statement(self._client, found, self._catalogue, self._progress)
        else:
            made = guest_statement(self._client, *found, self._catalogue)
        return msgspec.json.format(msgspec.json.encode(made), indent=1).decode() + "\n"


@provenance.command("sbom")
def print_sbom(context: typer.Context, name: Name, edition: Edition = CURRENT) -> None:
    """Print a software bill of materials, CycloneDX as JSON: Debian packages, programs, and crates from Cargo.lock.

    Writes nothing but a runtime's crate, for its Cargo.lock: cargo fetches it below LAB_HOME the first time.
    """
    with build_progress() as progress:
        known = _Known(lab_of(context), edition, progress)
        text = known.sbom(known.names([name])[0])
    say(text.rstrip("\n"))


@provenance.command("statement")
def print_statement(context: typer.Context, name: Name, edition: Edition = CURRENT) -> None:
    """Print what something was built from: an in-toto statement with SLSA provenance, as JSON; it is not signed.

    Writes nothing but a runtime's crate, as `lab provenance sbom` does.
    """
    with build_progress() as progress:
        known = _Known(lab_of(context), edition, progress)
        text = known.statement(known.names([name])[0])
    say(text.rstrip("\n"))


@provenance.command("write")
def write_all(
    context: typer.Context,
    names: Names = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory to write to.")] = Path("provenance"),
    edition: Edition = CURRENT,
) -> None:
    """Write a bill of materials and a statement of each image and guest.

    Writes into the directory: NAME.cdx.json and NAME.intoto.json.
    """
    with build_progress() as progress:
        known = _Known(lab_of(context), edition, progress)
        chosen = known.names(names)
        for name in chosen:
            stem = output / name.replace("/", "-")
            write_whole(stem.with_suffix(".cdx.json"), known.sbom(name).encode())
            write_whole(stem.with_suffix(".intoto.json"), known.statement(name).encode())
    note(f"{2 * len(chosen)} files of {len(chosen)} images and guests written to {output}")
