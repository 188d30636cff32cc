"""Double builds: a model made again, elsewhere, to compare bytes with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab.core.names import Weights
from lab.disk.content import file_sha256
from lab.zoo.model_directory import GRAPH_FILE
from lab.zoo.published_weights import SUPPLIES, fetch, unpack
from lab.zoo.recipe import ModelRecipe, Pictures
from lab.zoo.worker import BuildJob, call_worker


def rebuild(
    name: str,
    directory: Path,
    weights: str = Weights.SEEDED,
    batches: Sequence[int] = (1, 3),
    downloads: Path | None = None,
) -> dict[str, str]:
    """Builds one of the paper's models into a directory, from nothing, and returns sha256 by file name.

    What depends on the CPU (TensorFlow's outputs) is not made. Pretrained weights come from `downloads`.

    Raises:
        ModelError: it cannot be built.
        SupplyError: pretrained weights are not obtainable.
    """
    directory.mkdir(parents=True, exist_ok=True)
    recipe = ModelRecipe(name, weights, Pictures())
    checkpoint = None
    if weights == Weights.PRETRAINED:
        download = fetch(SUPPLIES[name], downloads or directory)
        checkpoint = str(download if download.suffix == ".onnx" else unpack(download, directory / "checkpoint"))
    call_worker("lab.zoo.tensorflow.build_worker", [BuildJob(name, str(directory), checkpoint)])
    for batch in batches:
        tensor = recipe.images.tensor(recipe.entry.preprocessing, recipe.entry.side, batch)
        (directory / f"input.b{batch}.f32").write_bytes(tensor.astype("<f4").tobytes())
    files = [directory / GRAPH_FILE, *(directory / f"input.b{batch}.f32" for batch in batches)]
    return {file.name: file_sha256(file) for file in files}
