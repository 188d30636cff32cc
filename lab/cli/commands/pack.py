"""`lab pack`: a campaign as one archive, for another machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.options import Campaign, Results
from lab.cli.output import note
from lab.core.units import show_bytes
from lab.disk.paths import RESULTS
from lab.store.campaigns import LATEST, resolve
from lab.store.packing import SUFFIX
from lab.store.packing import pack as write_archive


def pack(
    campaign: Campaign = LATEST,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help=f"File to write; default: CAMPAIGN{SUFFIX} here.")
    ] = None,
    results: Results = RESULTS,
) -> None:
    """Write a campaign as one archive: manifest, trials, report, and a list of their checksums.

    Writes nothing else. The same campaign gives the same bytes. Another machine reads it with `lab unpack`;
    `lab report`, `lab claims`, `lab compare` and `lab verify --against` then work there without a network or an engine.
    """
    directory = resolve(results, campaign)
    target = output or Path(f"{directory.name}{SUFFIX}")
    count = write_archive(directory, target)
    note(f"{count} files of {directory.name} packed into {target} ({show_bytes(target.stat().st_size)})")
