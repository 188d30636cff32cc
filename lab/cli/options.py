"""Options that several commands share, each described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.core import names

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
Results = Annotated[Path, typer.Option("--results", help="Directory that campaigns are kept in.")]
Campaign = Annotated[str, typer.Argument(help="A campaign: its directory, its name, or `latest`.")]
Edition = Annotated[str, typer.Option("--edition", help="Set of pinned runtimes: current or paper.")]
ExperimentFile = Annotated[
    Path, typer.Argument(help="An experiment, such as experiments/paper.toml.", show_default=False)
]
TierName = Annotated[str, typer.Option("--tier", help="How much of the experiment: smoke, standard or full.")]
CURRENT = names.Edition.CURRENT.value
"""The edition that commands take by default."""
