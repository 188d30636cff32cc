"""What else differs between two campaigns' fingerprints, and whether that allows comparing times as they are."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import msgspec

from lab.core.manifest import Host, Manifest

# The total that a kernel reports moves a little from boot to boot.
MEMORY_TOLERANCE = 0.01
# Of the host, what a change of does not make it another machine.
_NO_PART_OF_THE_MACHINE = ("engine", "memory_bytes")
# Contents have lines of their own in `lab.report.compare.changed_files`.
_CONTENTS = ("graph_sha256", "input_sha256", "binary_sha256", "image_id", "sha256", "converted")


class Basis(StrEnum):
    """What is compared: measured values themselves, or their ratios to native of the same campaign and block."""

    AUTO = "auto"
    VALUES = "values"
    OVERHEADS = "overheads"


class Difference(msgspec.Struct, frozen=True):
    """One fact of the fingerprint that is not the same.

    Attributes:
        name: its path, such as ``host.kernel``.
        a, b: what each says; None where the campaign does not have it.
    """

    name: str
    a: str | None
    b: str | None


def compare_fingerprints(a: Manifest, b: Manifest) -> tuple[Difference, ...]:
    """Every fact beside contents that differs: host, versions, command lines, limits. Budgets and names are none."""
    facts_a, facts_b = dict(_facts(a)), dict(_facts(b))
    names = dict.fromkeys([*facts_a, *facts_b])
    return tuple(
        Difference(name, facts_a.get(name), facts_b.get(name))
        for name in names
        if facts_a.get(name) != facts_b.get(name)
    )


def choose_basis(a: Manifest, b: Manifest, wanted: Basis) -> tuple[Basis, str]:
    """What to compare, and the sentence that says so."""
    apart = machine_differences(a.host, b.host)
    machines = f"the machines differ ({', '.join(apart)})" if apart else "the machine is the same"
    if wanted is Basis.OVERHEADS or (wanted is Basis.AUTO and apart):
        return Basis.OVERHEADS, f"overheads over native are compared, not absolute values: {_why(machines, wanted)}"
    return Basis.VALUES, f"measured values are compared as they are: {_why(machines, wanted)}"


def machine_differences(a: Host, b: Host) -> tuple[str, ...]:
    """By which facts two hosts are not the same machine in the same state; empty if they are."""
    facts_a, facts_b = msgspec.to_builtins(a), msgspec.to_builtins(b)
    apart = [name for name in facts_a if name not in _NO_PART_OF_THE_MACHINE and facts_a[name] != facts_b[name]]
    if abs(a.memory_bytes - b.memory_bytes) > MEMORY_TOLERANCE * max(a.memory_bytes, b.memory_bytes):
        apart.append("memory_bytes")
    return tuple(name.removesuffix("_sha256") for name in apart)


def _why(machines: str, wanted: Basis) -> str:
    return machines if wanted is Basis.AUTO else f"as asked for, and {machines}"


def _facts(manifest: Manifest) -> Iterator[tuple[str, str]]:
    experiment = manifest.experiment
    content = {
        "host": msgspec.to_builtins(manifest.host),
        "isolation": manifest.isolation,
        "lab version": manifest.lab_version,
        "edition": experiment.edition,
        "measure": msgspec.to_builtins(experiment.measure),
        "runtime": msgspec.to_builtins(manifest.runtimes),
        "guest": msgspec.to_builtins(manifest.guests),
        "model": msgspec.to_builtins(manifest.models),
        "argv": {arm: " ".join(argv) for arm, argv in manifest.argv.items()},
    }
    for name, value in content.items():
        yield from _flat(name, value)


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name not in _CONTENTS:
                yield from _flat(f"{path}.{name}", inner)
    elif isinstance(value, list | tuple):
        yield path, ",".join(map(str, value))
    elif value is not None:
        yield path, str(value)
