"""Containers that nobody needs any more: those of this process at its end, and those that a dead one left behind."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from lab.core.errors import LabError
from lab.engines.docker_sdk import Container, DockerClient, failures_as_lab_errors
from lab.engines.owner import CAMPAIGN_LABEL, is_abandoned
from lab.engines.uninterrupted import uninterrupted


@contextlib.contextmanager
def discarded(make: Callable[[], Container]) -> Iterator[Container]:
    """A container that is made now and removed in the end, whenever an interrupt comes.

    Args:
        make: has the engine make it.

    Raises:
        Whatever `make` raises.
    """
    container = None
    try:
        with uninterrupted():
            container = make()
        yield container
    finally:
        if container is not None:
            discard(container)


def discard(container: Container) -> bool:
    """Remove a container; whether it worked. One that stays is removed by the next `remove_abandoned`."""
    with contextlib.suppress(LabError), failures_as_lab_errors(), uninterrupted():
        container.remove(force=True)
        return True
    return False


def remove_abandoned(client: DockerClient, campaign: str | None = None) -> int:
    """Remove every container of the lab, builders' included, whose owner has ended.

    Args:
        client: connection to the container engine.
        campaign: whose containers are removed whoever owns them; None for no such campaign.

    Returns:
        How many were removed.

    Raises:
        EngineMissing, EngineFailed: the engine cannot list them; what cannot be removed is left to the next call.
    """
    with failures_as_lab_errors():
        # other labs remove theirs meanwhile
        found = client.containers.list(all=True, filters={"label": CAMPAIGN_LABEL}, ignore_removed=True)
    unneeded = [each for each in found if each.labels.get(CAMPAIGN_LABEL) == campaign or is_abandoned(each.labels)]
    return sum(discard(container) for container in unneeded)
