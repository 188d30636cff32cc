"""The image that guests are counted in: valgrind and strace of the lock of packages, Wasmtime for Python, the probe."""

from __future__ import annotations

from lab.builds.images.candidates import Catalogue
from lab.builds.images.ensure import build_steps
from lab.core.names import Edition
from lab.core.progress import Progress
from lab.engines.docker_sdk import connect

STAGE = "count"


def ensure_counter(progress: Progress) -> str:
    """The image's tag; built if it is not here.

    Raises:
        BuildFailed, SupplyError, NoSpace: it could not be built.
        EngineMissing, EngineForbidden: no engine to build on.
    """
    client = connect()
    step = Catalogue(Edition.CURRENT, client).stage(STAGE)
    for failure in build_steps([step], client, progress).values():
        raise failure
    return step.tag
