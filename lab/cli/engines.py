"""Which engine runs the trials."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from lab.builds.guests import ensure_tools
from lab.disk.paths import home
from lab.engines.containers import ContainerEngine
from lab.engines.engine import Engine
from lab.engines.processes import ProcessEngine


class EngineName(StrEnum):
    """How trials are isolated."""

    CONTAINER = "container"
    PROCESS = "process"


EngineOption = Annotated[
    EngineName,
    typer.Option("--engine", help="Fresh containers, or processes on this host (unpinned, no memory limit)."),
]


def open_engine(name: EngineName) -> Engine:
    """The engine of that name.

    Raises:
        EngineMissing, EngineForbidden: the container engine does not answer, or not to this user.
        BuildFailed: the process engine's probe did not build.
    """
    if name is EngineName.CONTAINER:
        return ContainerEngine()
    return ProcessEngine(ensure_tools().probe, home() / "scratch")
