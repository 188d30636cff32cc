"""The models on this machine: finding them, and making those that are missing. Imports no TensorFlow.

Graphs and reference outputs are computed by processes of their own (the workers in `lab.zoo.tensorflow`), whose memory
ends with them; a model's directory appears by a rename when all of it is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from lab.core.errors import SupplyError
from lab.core.experiment import PAPER_MODELS
from lab.core.model import Model
from lab.core.names import Weights
from lab.disk.locks import lock
from lab.disk.whole import publish
from lab.zoo.checks import check_names
from lab.zoo.entries import ENTRIES
from lab.zoo.model_directory import find_model, read_meta
from lab.zoo.published_weights import SUPPLIES, fetch, unpack
from lab.zoo.recipe import ModelRecipe, Pictures, check_weights
from lab.zoo.staging import Progress, Staged, check_space, complete, staging
from lab.zoo.worker import BuildJob, call_worker

__all__ = ["PAPER_MODELS", "available", "disk_bytes", "load", "prepare"]

MAKING = "models"
"""Lock of whoever makes models: each takes gigabytes of memory, and changes what others look at."""

_LARGE_BYTES = 100_000_000
"""From here on a model has its process to itself."""


def load(name: str, home: Path, weights: str = Weights.SEEDED, images: Path | None = None) -> Model | None:
    """The model of that name if it has been prepared or imported; None if not.

    Args:
        name: one of `PAPER_MODELS`, or an imported one (whose weights are what they are).
        home: the lab's cache directory.
        weights: ``seeded``, ``pretrained``, or ``auto``: pretrained if there, else seeded.
        images: the user's own images, as given to `prepare`.

    Raises:
        UsageError: such weights don't exist.
        DataError: its ``meta.json`` is damaged.
    """
    if name not in ENTRIES:
        return find_model(home / "models" / f"{name}-{Weights.IMPORTED}")
    kinds = (Weights.PRETRAINED, Weights.SEEDED) if check_weights(weights) == Weights.AUTO else (weights,)
    for kind in kinds:
        model = find_model(ModelRecipe(name, kind, Pictures(images)).directory(home))
        if model:
            return model
    return None


def available(home: Path) -> tuple[Model, ...]:
    """Every model that `load` would find with the lab's own pictures, by name."""
    paper = [load(name, home, weights) for name in PAPER_MODELS for weights in (Weights.SEEDED, Weights.PRETRAINED)]
    imported = [find_model(directory) for directory in sorted((home / "models").glob(f"*-{Weights.IMPORTED}"))]
    return tuple(model for model in (*paper, *imported) if model)


def disk_bytes(names: Sequence[str], home: Path, weights: str = Weights.SEEDED) -> int:
    """About what preparing these will write at most: graphs, and one checkpoint at a time; 0 if all are there."""
    sizes = [ENTRIES[name].graph_bytes for name in names if name in ENTRIES and load(name, home, weights) is None]
    return sum(sizes) + max(sizes, default=0)


def prepare(
    names: Sequence[str],
    home: Path,
    weights: str = Weights.SEEDED,
    batches: Sequence[int] = (1, 3),
    progress: Progress = lambda _name, _stage: None,
    images: Path | None = None,
) -> dict[str, Model]:
    """Makes what is missing of these models, and returns all of them.

    Args:
        names: names among `PAPER_MODELS`, or of imported models.
        home: the lab's cache directory; models go to ``models/``, downloads to ``downloads/``.
        weights: ``seeded``; ``pretrained``; ``auto``: pretrained where its host answers, else seeded.
        batches: sizes to have inputs for.
        progress: called with a model's name and what is being done for it.
        images: the user's own images, instead of the lab's pictures.

    Raises:
        ModelError: a model is neither the paper's nor imported, or cannot be built.
        SupplyError: pretrained weights are not obtainable.
        NoSpace: the disk cannot hold them.
        UsageError: such weights don't exist.
    """
    check_weights(weights)
    check_names(dict.fromkeys(names, ()), home)
    check_space(home, disk_bytes(names, home, weights))
    pictures = Pictures(images)
    recipes = [_resolve(name, weights, pictures, home, progress) for name in names if name in ENTRIES]
    if not all(_is_ready(recipe, home, batches) for recipe in recipes):
        with lock(MAKING, directory=home, waiting=lambda: progress("models", "waiting: another lab makes models")):
            _make_missing(recipes, home, batches, progress)
    made = {recipe.name: find_model(recipe.directory(home)) for recipe in recipes}
    models = {name: made.get(name) or load(name, home) for name in names}
    return {name: model for name, model in models.items() if model}


def _is_ready(recipe: ModelRecipe, home: Path, batches: Sequence[int]) -> bool:
    model = find_model(recipe.directory(home))
    return model is not None and set(batches) <= {given.batch for given in model.inputs}


def _make_missing(recipes: Sequence[ModelRecipe], home: Path, batches: Sequence[int], progress: Progress) -> None:
    """Make the models and the inputs that are not here, small networks side by side with a large one."""
    missing = [recipe for recipe in recipes if find_model(recipe.directory(home)) is None]
    small = [recipe for recipe in missing if recipe.entry.graph_bytes < _LARGE_BYTES]
    large = [recipe for recipe in missing if recipe not in small]
    with ThreadPoolExecutor(2) as pool:
        chains = [
            pool.submit(_make, small, home, batches, progress),
            pool.submit(_make_each, large, home, batches, progress),
        ]
        for chain in chains:
            chain.result()
    _add_batches([recipe for recipe in recipes if recipe not in missing], home, batches, progress)


def _resolve(name: str, weights: str, images: Pictures, home: Path, progress: Progress) -> ModelRecipe:
    """The recipe that the kind of weights comes to; what it needs has been downloaded."""
    seeded, pretrained = ModelRecipe(name, Weights.SEEDED, images), ModelRecipe(name, Weights.PRETRAINED, images)
    if weights == Weights.SEEDED:
        return seeded
    if find_model(pretrained.directory(home)):
        return pretrained
    progress(name, "downloading")
    try:
        fetch(SUPPLIES[name], home / "downloads")
    except SupplyError:
        if weights == Weights.PRETRAINED:
            raise
        progress(name, "no host answers: seeded weights instead")
        return seeded
    return pretrained


def _make_each(recipes: Sequence[ModelRecipe], home: Path, batches: Sequence[int], progress: Progress) -> None:
    for recipe in recipes:
        _make([recipe], home, batches, progress)


def _make(recipes: Sequence[ModelRecipe], home: Path, batches: Sequence[int], progress: Progress) -> None:
    """Builds these in one process, runs TensorFlow on them in another, and publishes them."""
    if not recipes:
        return
    with ExitStack() as stack:
        directories = [stack.enter_context(staging(home, recipe.name)) for recipe in recipes]
        jobs = []
        for recipe, directory in zip(recipes, directories, strict=True):
            progress(recipe.name, "freezing")
            checkpoint = _checkpoint(recipe, home, stack.enter_context(staging(home, f"{recipe.name}.weights")))
            jobs.append(BuildJob(recipe.name, str(directory), checkpoint))
        call_worker("lab.zoo.tensorflow.build_worker", jobs)
        complete([_staged(*pair) for pair in zip(recipes, directories, strict=True)], batches, progress)
        for recipe, directory in zip(recipes, directories, strict=True):
            publish(directory, recipe.directory(home))
            progress(recipe.name, "ready")


def _checkpoint(recipe: ModelRecipe, home: Path, scratch: Path) -> str | None:
    if recipe.weights == Weights.SEEDED:
        return None
    download = fetch(SUPPLIES[recipe.name], home / "downloads")
    return str(download if download.suffix == ".onnx" else unpack(download, scratch))


def _staged(recipe: ModelRecipe, directory: Path) -> Staged:
    how = recipe.entry.preprocessing
    return Staged(recipe.name, recipe.weights, recipe.describe(), directory, how, recipe.images)


def _add_batches(recipes: Sequence[ModelRecipe], home: Path, batches: Sequence[int], progress: Progress) -> None:
    """Inputs of further batch sizes for models that are there."""
    for recipe in recipes:
        directory = recipe.directory(home)
        meta = read_meta(directory)
        wanted = [batch for batch in batches if meta and batch not in {entry.batch for entry in meta.inputs}]
        if wanted:
            complete([_staged(recipe, directory)], wanted, progress)
