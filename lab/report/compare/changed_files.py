"""Which bytes two campaigns share: graphs, inputs, guests, runtime binaries, images, and the outputs they gave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

import msgspec
import numpy as np

from lab.core.manifest import Manifest
from lab.report.results import Results


class Presence(StrEnum):
    """How one thing stands in two campaigns, A and B."""

    IDENTICAL = "identical"
    DIFFERS = "differs"
    ONLY_A = "only in A"
    ONLY_B = "only in B"


class ByteLine(msgspec.Struct, frozen=True):
    """One thing with known content.

    Attributes:
        kind: ``model``, ``input``, ``guest``, ``runtime``, ``image`` or ``output``.
        name: which.
        a, b: sha256 (of an image: the engine's id; of a runtime: of its binary; several outputs of one case: all of
            them, by a space); None where the campaign does not have it.
        state: how they stand to each other.
    """

    kind: str
    name: str
    a: str | None
    b: str | None
    state: Presence


def compare_bytes(a: Results, b: Results) -> tuple[ByteLine, ...]:
    """Everything that either campaign knows by content, kind by kind.

    Outputs are those of trials that ended ok, per case: wasm outputs of one guest, model and input must be the same
    everywhere; native ones only on the same processor.
    """
    kinds_a, kinds_b = _contents(a), _contents(b)
    return tuple(line for kind in kinds_a for line in _lines(kind, kinds_a[kind], kinds_b[kind]))


def _contents(results: Results) -> dict[str, dict[str, str]]:
    """By kind and name."""
    manifest = results.manifest
    return {
        "model": {name: model.graph_sha256 for name, model in manifest.models.items()},
        "input": dict(_inputs(manifest)),
        "guest": {name: guest.sha256 for name, guest in manifest.guests.items()},
        "runtime": {name: runtime.binary_sha256 for name, runtime in manifest.runtimes.items()},
        "image": {name: runtime.image_id for name, runtime in manifest.runtimes.items()},
        "output": dict(_outputs(results)),
    }


def _inputs(manifest: Manifest) -> Iterator[tuple[str, str]]:
    for name, model in manifest.models.items():
        for batch, sha256 in model.input_sha256.items():
            yield f"{name} b{batch}", sha256


def _outputs(results: Results) -> Iterator[tuple[str, str]]:
    table = results.table
    for case, cell in results.cells.items():
        codes = np.unique(table.output[cell.rows])
        found = sorted(table.outputs[code] for code in codes.tolist() if code >= 0)
        if found:
            yield case.id, " ".join(found)


def _lines(kind: str, a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[ByteLine]:
    for name in dict.fromkeys([*a, *b]):
        yield ByteLine(kind, name, a.get(name), b.get(name), _presence(a.get(name), b.get(name)))


def _presence(a: str | None, b: str | None) -> Presence:
    if a is None:
        return Presence.ONLY_B
    if b is None:
        return Presence.ONLY_A
    return Presence.IDENTICAL if a == b else Presence.DIFFERS
