"""Containers that nobody needs any more: those of this process at its end, and those that a dead one left behind."""

from __future__ import annotations

import contextlib

from lab.core.errors import LabError
from lab.engines.docker_sdk import Container, DockerClient, failures_as_lab_errors
from lab.engines.owner import CAMPAIGN_LABEL, is_abandoned


def discard(container: Container) -> None:
    """Remove a container; one that cannot be removed now is removed by the next `remove_abandoned`."""
    with contextlib.suppress(LabError), failures_as_lab_errors():
        container.remove(force=True)


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
    removed = 0
    with failures_as_lab_errors():
        # other labs remove theirs meanwhile
        found = client.containers.list(all=True, filters={"label": CAMPAIGN_LABEL}, ignore_removed=True)
    for container in found:
        if container.labels.get(CAMPAIGN_LABEL) == campaign or is_abandoned(container.labels):
            with contextlib.suppress(LabError), failures_as_lab_errors():
                container.remove(force=True)
                removed += 1
    return removed
