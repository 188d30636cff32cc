"""`lab unpack`: a campaign from another machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.options import Results
from lab.cli.output import note
from lab.disk.paths import RESULTS
from lab.store.packing import unpack as read_archive


def unpack(
    archive: Annotated[Path, typer.Argument(help="Archive that `lab pack` wrote.")],
    results: Results = RESULTS,
) -> None:
    """Unpack a campaign, once every file is what the archive's list of checksums says.

    Writes results/CAMPAIGN/; a campaign of that name that is there already stays as it is.
    """
    note(f"unpacked: {read_archive(archive, results)}")
