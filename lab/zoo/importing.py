"""Models of a user's own: any frozen graph that can be made canonical, and YuNet's published weights."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from lab.core.errors import ModelError, SupplyError
from lab.core.model import Model
from lab.core.names import Weights
from lab.disk.locks import lock
from lab.disk.whole import publish
from lab.zoo.catalog import MAKING, load, prepare
from lab.zoo.entries import ENTRIES, Preprocessing
from lab.zoo.model_directory import read_meta, to_model
from lab.zoo.preprocess import CROP, image_files
from lab.zoo.published_weights import SUPPLIES, place
from lab.zoo.recipe import Pictures
from lab.zoo.staging import Progress, Staged, check_space, complete, staging
from lab.zoo.worker import ImportJob, Launcher, call_worker, on_host

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.]*(?:-[A-Za-z0-9_.]+)*")
_YUNET = "yunet"


def import_graph(
    path: Path,
    name: str,
    input_shape: Sequence[int] | None,
    home: Path,
    outputs: Sequence[str] = (),
    *,
    preprocessing: Preprocessing = Preprocessing.MOBILENET,
    images: Path | None = None,
    crop: float = CROP,
    batches: Sequence[int] = (1, 3),
    progress: Progress = lambda _name, _stage: None,
    launch: Launcher = on_host,
) -> Model:
    """Makes a model of a frozen graph; experiments then name it like any other. A second import replaces the first.

    Args:
        path: the graph, a binary GraphDef.
        name: the model's name in experiments.
        input_shape: batch, height, width, 3; any batch does, the graph is made to take all. None: as it declares.
        home: the lab's cache directory.
        outputs: node names in the order wanted; none: every node that feeds no other.
        preprocessing: how its input is prepared from pixels.
        images: the user's own images instead of the lab's pictures.
        crop: central part of an image that it sees.
        batches: sizes to have inputs for.
        progress: called with the model's name and what is being done.
        launch: starts the processes that read the graph.

    Raises:
        ModelError: the name is taken or odd, the shape is no image's, or the graph cannot be canonicalised.
        NoSpace: the disk cannot hold it.
    """
    _check_name(name)
    shape = () if input_shape is None else _checked_shape(input_shape)
    if not path.is_file():
        raise ModelError(f"there is no file {path}", "check the path")
    source = Pictures(images.resolve() if images else None, crop)
    if source.path:
        image_files(source.path)
    check_space(home, 2 * path.stat().st_size)
    final = home / "models" / f"{name}-{Weights.IMPORTED}"
    with lock(MAKING, directory=home), staging(home, name) as directory:
        progress(name, "canonicalising")
        job = ImportJob(name, str(path.resolve()), str(directory), shape, tuple(outputs))
        call_worker("lab.zoo.tensorflow.import_worker", [job], launch=launch)
        description = f"imported from {path.name}; {source.describe()}"
        complete(
            [Staged(name, Weights.IMPORTED, description, directory, preprocessing, source)], batches, progress, launch
        )
        publish(directory, final, replace=True)
    progress(name, "ready")
    meta = read_meta(final)
    if meta is None:
        raise ModelError(f"{final} vanished while it was made", "run the same command again")
    return to_model(final, meta)


def import_yunet_onnx(
    path: Path,
    home: Path,
    batches: Sequence[int] = (1, 3),
    progress: Progress = lambda _name, _stage: None,
    images: Path | None = None,
) -> Model:
    """Takes YuNet's published ONNX file as the download of `yunet`'s pretrained weights, and makes that model.

    Raises:
        ModelError: the file is another one than was published.
    """
    try:
        place(SUPPLIES[_YUNET], path, home / "downloads")
    except SupplyError as why:
        raise ModelError(why.message, why.remedy) from why
    prepare([_YUNET], home, Weights.PRETRAINED, batches, progress, images)
    model = load(_YUNET, home, Weights.PRETRAINED, images)
    if model is None:
        raise ModelError("yunet vanished while it was made", "run the same command again")
    return model


def _check_name(name: str) -> None:
    if name in ENTRIES:
        raise ModelError(f"'{name}' is one of the paper's models", "choose another name with --as")
    if not _NAME.fullmatch(name):
        raise ModelError(f"'{name}' is no name for a model", "use letters, digits, '_', '.' and single '-'")


def _checked_shape(shape: Sequence[int]) -> tuple[int, ...]:
    batch, *image = shape or (0,)
    if len(image) != 3 or batch < 1 or min(image) < 1 or image[2] != 3 or image[0] != image[1]:
        raise ModelError(
            f"{','.join(map(str, shape))} is not the shape of square colour images",
            "give batch, height, width and channels, such as --input-shape 1,224,224,3",
        )
    return tuple(shape)
