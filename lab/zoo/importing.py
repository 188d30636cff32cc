"""Models of a user's own: graphs of any format that a guest reads, and YuNet's published weights."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from lab.core.errors import ModelError, SupplyError
from lab.core.experiment import LONGEST_NAME
from lab.core.model import Model
from lab.core.names import GraphFormat, Weights
from lab.disk.content import file_sha256
from lab.disk.locks import lock
from lab.disk.whole import publish
from lab.zoo.catalog import MAKING, load, prepare
from lab.zoo.entries import ENTRIES, Preprocessing
from lab.zoo.formats import format_of
from lab.zoo.inputs import TENSOR_SUFFIX
from lab.zoo.model_directory import read_meta, to_model
from lab.zoo.preprocess import CROP, image_files
from lab.zoo.published_weights import SUPPLIES, place
from lab.zoo.recipe import Pictures
from lab.zoo.staging import Progress, Staged, check_space, complete, staging
from lab.zoo.worker import ImportJob, Launcher, call_worker, on_host, worker_of

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.]*(?:-[A-Za-z0-9_.]+)*")
_YUNET = "yunet"


def model_name(path: Path) -> str:
    """The name that a graph's file gives its model: the file's, with ``_`` for what no name can hold."""
    name = re.sub(r"[^A-Za-z0-9_.-]+|-(?=-)|-$", "_", path.stem)
    if not _NAME.fullmatch(name) or name in ENTRIES:
        name = f"my_{name}"
    return name[:LONGEST_NAME]


def import_graph(
    path: Path,
    name: str,
    input_shape: Sequence[int] | None,
    home: Path,
    outputs: Sequence[str] = (),
    *,
    preprocessing: Preprocessing | None = None,
    images: Path | None = None,
    crop: float = CROP,
    batches: Sequence[int] = (1, 3),
    progress: Progress = lambda _name, _stage: None,
    launch: Launcher = on_host,
) -> Model:
    """Makes a model of a graph; experiments then name it like any other. A second import replaces the first.

    Args:
        path: the graph: a binary GraphDef, ONNX or TensorFlow Lite's format, whatever its name ends in.
        name: the model's name in experiments.
        input_shape: of a GraphDef batch, height, width, 3; any batch does, it is made to take all. None: as declared.
        home: the lab's cache directory.
        outputs: node names in the order wanted; none: the file's own, or every node that feeds no other.
        preprocessing: how its input is prepared from pixels; None: as the file says, and a GraphDef as a MobileNet.
        images: the user's own images, or a tensor (``.npy``), instead of the lab's pictures.
        crop: central part of an image that it sees.
        batches: sizes to have inputs for.
        progress: called with the model's name and what is being done.
        launch: starts the processes that read the graph.

    Raises:
        ModelError: the name is taken or odd, the shape is no image's, or the graph cannot be canonicalised.
        NoSpace: the disk cannot hold it.
    """
    _check_name(name)
    graph_format = format_of(path)
    shape = () if input_shape is None else _checked_shape(input_shape, graph_format)
    source = Pictures(images.resolve() if images else None, crop)
    if source.path and source.path.suffix != TENSOR_SUFFIX:
        image_files(source.path)
    check_space(home, 2 * path.stat().st_size)
    final = home / "models" / f"{name}-{Weights.IMPORTED}"
    with lock(MAKING, directory=home), staging(home, name) as directory:
        progress(name, "canonicalising" if graph_format is GraphFormat.PB else "reading")
        job = ImportJob(name, str(path.resolve()), str(directory), shape, tuple(outputs), graph_format)
        call_worker(worker_of(ImportJob, graph_format), [job], launch=launch)
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


def is_published_yunet(path: Path) -> bool:
    """Whether the file is the one that YuNet's authors published."""
    return path.is_file() and f"sha256:{file_sha256(path)}" == SUPPLIES[_YUNET].known_hash


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
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        allowed = f"letters, digits, '_', '.' and single '-', {LONGEST_NAME} at most"
        raise ModelError(f"'{name[:40]}' is no name for a model", f"use {allowed}")


def _checked_shape(shape: Sequence[int], graph_format: GraphFormat) -> tuple[int, ...]:
    batch, *image = shape or (0,)
    if graph_format is not GraphFormat.PB and image and min(shape) > 0:
        return tuple(shape)
    if len(image) != 3 or batch < 1 or min(image) < 1 or image[2] != 3 or image[0] != image[1]:
        raise ModelError(
            f"{','.join(map(str, shape))} is not the shape of square colour images",
            "give batch, height, width and channels, such as --input-shape 1,224,224,3",
        )
    return tuple(shape)
