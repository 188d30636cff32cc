"""What a campaign's numbers depend on: the same fingerprint, the same campaign; and what has changed if it differs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from lab.core.manifest import Manifest
from lab.core.units import show_bytes
from lab.disk.content import sha256

MEMORY_GRAIN_BYTES = 64 << 20
"""What the kernel reports as the machine's memory varies by some pages between two boots."""

_Path = tuple[str, ...]
_WORDS: dict[_Path, str] = {
    ("runtimes", "image_id"): "{} image",
    ("runtimes", "version"): "{} version",
    ("runtimes", "supply"): "supply of {}",
    ("runtimes", "binary_sha256"): "{} binary",
    ("guests", "sha256"): "guest {}",
    ("guests", "size_bytes"): "guest {}",
    ("guests", "toolchain"): "compiler of guest {}",
    ("models", "graph_sha256"): "graph of model {}",
    ("models", "weights"): "weights of model {}",
    ("models", "input_sha256"): "inputs of model {}",
    ("argv",): "command line of {}",
}
"""How to name a part of a manifest: by its place, without the key in its second step, which the text is given."""


def fingerprint(manifest: Manifest) -> str:
    """sha256 over all that the campaign's numbers depend on.

    Left out are the campaign's name and date, the wording of the question, and how much to measure (budgets and block
    counts of the tiers), so that a campaign may be resumed with a larger budget.
    """
    return sha256(msgspec.json.encode(_identity(manifest), order="deterministic"))


def part_of(whole: Manifest, part: Manifest) -> Manifest:
    """What a manifest says of the runtimes, guests, models and arms that another one describes."""
    return msgspec.structs.replace(
        whole,
        runtimes={name: known for name, known in whole.runtimes.items() if name in part.runtimes},
        guests={name: known for name, known in whole.guests.items() if name in part.guests},
        models={name: known for name, known in whole.models.items() if name in part.models},
        argv={name: known for name, known in whole.argv.items() if name in part.argv},
    )


def is_part_of(part: Manifest, whole: Manifest) -> bool:
    """Whether all that one manifest describes is in the other, too, and the same there.

    A campaign that began before every runtime was built describes those it began with.
    """
    return fingerprint(part) == fingerprint(part_of(whole, part))


def differences(before: Manifest, after: Manifest) -> tuple[str, ...]:
    """List everything in which two fingerprints differ, and so why a campaign cannot go on with a plan.

    Returns:
        Such as ``wasmtime image`` or ``host.kernel (6.1.0, now 6.2.0)``, sorted; empty if nothing differs.
    """
    return _described(before, after, lambda _: True)


def class_differences(before: Manifest, after: Manifest) -> tuple[str, ...]:
    """List everything beside the machine in which two fingerprints differ; empty if both belong to one class.

    Campaigns of one class ran the same cases with the same binaries, guests and models, on whatever machine. An image
    may stand on other packages of the same suite.
    """
    return _described(before, after, lambda path: path[0] != "host" and path[-1] != "image_id")


def _described(before: Manifest, after: Manifest, counts: Callable[[_Path], bool]) -> tuple[str, ...]:
    left, right = _leaves(_identity(before)), _leaves(_identity(after))
    changed = [path for path in {*left, *right} if counts(path) and left.get(path) != right.get(path)]
    return tuple(sorted({_describe(path, left.get(path), right.get(path)) for path in changed}))


def _describe(path: _Path, before: object, after: object) -> str:
    words = _WORDS.get((path[0], *path[2:3]))
    if words is not None:
        name = words.format(path[1])
        return f"{name} ({before}, now {after})" if path[2:3] == ("version",) and before and after else name
    name = ".".join(path)
    if path[-1].endswith("_bytes") and isinstance(before, int) and isinstance(after, int):
        return f"{name.removesuffix('_bytes')} ({show_bytes(before)}, now {show_bytes(after)})"
    short = all(len(str(value)) <= 40 and not isinstance(value, list) for value in (before, after))
    hashed = "sha256" in path[-1]
    return f"{name} ({before}, now {after})" if short and not hashed else name


def _leaves(value: object, path: _Path = ()) -> dict[_Path, object]:
    if not isinstance(value, dict):
        return {path: value}
    found: dict[_Path, object] = {}
    for key, inner in value.items():
        found |= _leaves(inner, (*path, str(key)))
    return found


def _identity(manifest: Manifest) -> dict[str, Any]:
    # older manifests hold `*` where those of today list the models
    written_out = manifest.experiment.with_models()
    content: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(manifest, experiment=written_out))
    content["host"]["memory_bytes"] = MEMORY_GRAIN_BYTES * round(manifest.host.memory_bytes / MEMORY_GRAIN_BYTES)
    del content["campaign"], content["created_at"], content["experiment"]["question"], content["experiment"]["tiers"]
    # what older manifests lack, and says nothing
    if content["experiment"]["measure"]["compile_memory"] is None:
        del content["experiment"]["measure"]["compile_memory"]
    # what older manifests lack, and follows from hashes that all have
    for runtime in content["runtimes"].values():
        del runtime["base"]
    for model in content["models"].values():
        del model["published_parameters"]
        del model["converted"]
    return content
