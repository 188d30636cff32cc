"""Foreign graphs as commands take them: the options that describe one, and its import."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.cli.engines import EngineName
from lab.cli.wiring import Lab
from lab.core.errors import ModelError
from lab.core.progress import Progress

if TYPE_CHECKING:
    from lab.core.model import Model

BATCHES = (1, 3)
"""Sizes that every model gets inputs for."""
InputShape = Annotated[
    str | None, typer.Option(help="Batch, height, width, channels: 1,224,224,3; default: as the graph declares.")
]
OutputNodes = Annotated[str, typer.Option(help="Output nodes, comma-separated; default: those that feed no other.")]


def parse_shape(text: str | None) -> tuple[int, ...] | None:
    """Read ``1,224,224,3``; None of no text.

    Raises:
        ModelError: it is no list of whole numbers.
    """
    try:
        return None if text is None else tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ModelError(f"'{text}' is no input shape", "give --input-shape like 1,224,224,3") from None


def import_file(
    lab: Lab,
    path: Path,
    name: str,
    shape: tuple[int, ...] | None,
    outputs: str,
    engine: EngineName,
    progress: Progress,
    *,
    batches: Iterable[int] = (),
    **pictures: Any,
) -> Model:
    """Import a graph into the lab's home; raises as `lab.zoo.importing.import_graph`.

    Args:
        lab: whose home, and whose engine starts the processes that read it.
        path: the graph.
        name: what experiments call it.
        shape: of its input; None: as the graph declares.
        outputs: as the option `OutputNodes` takes them.
        engine: a container, or a process.
        progress: called with what is being done.
        batches: sizes to have inputs for, beside `BATCHES`.
        pictures: how inputs are made: ``images``, ``crop``, ``preprocessing``.
    """
    # imported here: a command whose model is here already needs none of it
    from lab.zoo.importing import import_graph  # noqa: PLC0415

    return import_graph(
        path,
        name,
        shape,
        lab.home,
        tuple(filter(None, outputs.split(","))),
        batches=tuple(sorted({*BATCHES, *batches})),
        progress=progress,
        launch=lab.import_launcher(engine, progress),
        **pictures,
    )
