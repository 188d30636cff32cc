"""A campaign's manifest: everything its numbers depend on (the fingerprint), written before the first trial.

Version history of `MANIFEST_SCHEMA`:
    1  first
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from lab.core.experiment import Experiment

MANIFEST_SCHEMA = 1


class Host(msgspec.Struct, frozen=True):
    """The machine: what `lab compare` looks at before it compares absolute times."""

    cpu_model: str
    cpu_flags_sha256: str
    cores: int
    memory_bytes: int
    kernel: str
    os: str
    cgroup_version: int | None
    engine: str
    governor: str | None = None
    turbo: bool | None = None
    virtualised: bool | None = None


def alike(hosts: Iterable[Host]) -> bool:
    """Whether machines are of one kind: the same processor, as many cores, the same governor, turbo, virtualisation."""
    kinds = {
        (host.cpu_model, host.cpu_flags_sha256, host.cores, host.governor, host.turbo, host.virtualised)
        for host in hosts
    }
    return len(kinds) <= 1


class RuntimeFingerprint(msgspec.Struct, frozen=True):
    """One runtime as it ran.

    Attributes:
        version: the pinned version.
        supply: ``upstream``, ``registry`` (built from or installed by a package registry) or ``artifact``.
        binary_sha256: hash of the runtime's executable.
        image_id: id of the container image.
        base: the image's base image, and which one it stands in for; None if it was not recorded. It is no part of
            the fingerprint: `image_id` holds it.
    """

    version: str
    supply: str
    binary_sha256: str
    image_id: str
    base: str | None = None


class GuestFingerprint(msgspec.Struct, frozen=True):
    """One guest build."""

    sha256: str
    size_bytes: int
    toolchain: str


class ModelFingerprint(msgspec.Struct, frozen=True):
    """One model: graph and inputs by content, and the sizes that tables and predictions use.

    `published_parameters` counts by the rule of those who published the network; None if it was not recorded. It is
    no part of the fingerprint: `graph_sha256` holds it. `converted` has the sha256 of the graph in other
    formats, and is no part of it either: it is the same network, whose bytes a converter may order otherwise.
    """

    graph_sha256: str
    input_sha256: dict[str, str]
    weights: str
    parameters: int
    conv_layers: int
    macs: int
    input_shape: tuple[int, ...]
    published_parameters: int | None = None
    converted: dict[str, str] = {}


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """``manifest.json`` of a campaign.

    Attributes:
        guests: guest builds by ``target/profile``, such as ``wasm/o3``.
        runtimes: facts about each runtime, by its name.
        models: facts about each model, by its name.
        argv: command line of the runtime, by arm id.
        isolation: ``container`` or ``process`` (unpinned).
    """

    schema: int = MANIFEST_SCHEMA
    campaign: str
    created_at: str
    lab_version: str
    experiment: Experiment
    tier: str
    isolation: str
    host: Host
    runtimes: dict[str, RuntimeFingerprint]
    guests: dict[str, GuestFingerprint]
    models: dict[str, ModelFingerprint]
    argv: dict[str, tuple[str, ...]]
