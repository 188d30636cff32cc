"""Input tensors for graphs whose file says what they take: pictures in the graph's own layout, or a tensor as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lab.core.errors import ModelError
from lab.core.names import GraphFormat
from lab.zoo.entries import Preprocessing
from lab.zoo.model_directory import Built
from lab.zoo.pictures import picture
from lab.zoo.preprocess import CROP, Pixels, normalised, users_input
from lab.zoo.random_integers import key_of, words
from lab.zoo.recipe import Pictures

Floats = NDArray[np.float32]

TENSOR_SUFFIX = ".npy"
_CHANNELS = (1, 3)


def input_tensor(built: Built, how: Preprocessing | None, source: Pictures, batch: int) -> Floats:
    """The input of a graph for so many images.

    Args:
        built: facts about the graph.
        how: what pixels go through; None: as the file says it.
        source: the user's pictures or tensor (``.npy``), or those that the lab makes.
        batch: images in it.

    Returns:
        float32 [batch, …] as the graph takes it: channels last or first, bytes within their bounds.

    Raises:
        ModelError: it does not fit, or neither the file nor the caller says what pixels go through.
    """
    if source.path is not None and source.path.suffix == TENSOR_SUFFIX:
        return _stored(source.path, (batch, *_tensor_shape(built)))
    if built.format is GraphFormat.PB:
        return source.tensor(how or Preprocessing.MOBILENET, built.image_shape[0], batch)
    if not _is_image(built):
        if source.path is not None:
            raise ModelError(
                f"the graph takes no image but {_show(built.image_shape)}", "give the tensor itself, as a .npy file"
            )
        return _made_numbers(built, batch)
    images = _made(built, how, batch) if source.path is None else _users(built, how, source, batch)
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)) if built.is_channels_first else images


def _is_image(built: Built) -> bool:
    # text comes as whole numbers without bounds, and in one row
    may_hold_pixels = built.takes_any_float or built.bounds is not None
    return may_hold_pixels and len(built.image_shape) == 3 and built.image_shape[2] in _CHANNELS


def _tensor_shape(built: Built) -> tuple[int, ...]:
    *sizes, last = built.image_shape
    return (last, *sizes) if built.is_channels_first else built.image_shape


def _stored(path: Path, shape: tuple[int, ...]) -> Floats:
    try:
        tensor = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as why:
        raise ModelError(f"{path} is no array of numbers: {why}", "write it with numpy.save") from why
    fitting = (shape, shape[1:], (1, *shape[1:]))
    if not isinstance(tensor, np.ndarray) or tensor.dtype.kind not in "fiu" or tensor.shape not in fitting:
        found = f"{tensor.dtype} {_show(tensor.shape)}" if isinstance(tensor, np.ndarray) else "several arrays"
        raise ModelError(f"{path} holds {found} where the graph takes {_show(shape)}", "save an array of that shape")
    # one image's share stands for the whole batch
    values: Floats = np.ascontiguousarray(np.broadcast_to(tensor, shape), dtype=np.float32)
    if not np.isfinite(values).all():
        raise ModelError(f"{path} holds values that are not finite in float32", "scale them")
    return values


def _made(built: Built, how: Preprocessing | None, batch: int) -> Floats:
    """The lab's own pictures, cut to the input's sides."""
    height, width, channels = built.image_shape
    pixels = [picture(max(height, width), number)[:height, :width] for number in range(batch)]
    return np.stack([_values(each, built, how)[:, :, :channels] for each in pixels])


def _users(built: Built, how: Preprocessing | None, source: Pictures, batch: int) -> Floats:
    height, width, channels = built.image_shape
    if source.path is None or height != width or channels != 3:
        raise ModelError(
            f"the graph takes images of {_show(built.image_shape)}, and the lab prepares square colour ones",
            "give the tensor itself, as a .npy file",
        )
    if how is None and built.takes_any_float:
        raise ModelError(
            "the graph's file does not say how pixels become its input: which preprocessing is it?",
            "give --preprocessing mobilenet (x / 127.5 - 1), vgg (mean colour subtracted), yunet (BGR, 0 to 255), or a "
            "tensor of your own as a .npy file",
        )
    crop = CROP if source.crop is None else source.crop
    if how is not None:
        return users_input(source.path, how, height, batch, crop)
    # from the range of a MobileNet's values to that of the bytes
    return _within(built, users_input(source.path, Preprocessing.MOBILENET, height, batch, crop))


def _values(pixels: Pixels, built: Built, how: Preprocessing | None) -> Floats:
    return normalised(pixels, how) if how else _within(built, normalised(pixels, Preprocessing.MOBILENET))


def _within(built: Built, values: Floats) -> Floats:
    """Values from -1 to 1 as the bounds of an input of bytes have them."""
    if built.bounds is None:
        return values
    low, high = built.bounds
    scaled: Floats = (low + (values + 1) * ((high - low) / 2)).astype(np.float32)
    return scaled


def _made_numbers(built: Built, batch: int) -> Floats:
    """Numbers from -1 to 1, the same everywhere; where whole ones are wanted, 0 and 1."""
    shape = (batch, *built.image_shape)
    drawn = words(key_of("input"), 0, int(np.prod(shape))).reshape(shape) >> np.uint64(40)
    if not built.takes_any_float and built.bounds is None:
        return (drawn & np.uint64(1)).astype(np.float32)
    return _within(built, drawn.astype(np.float32) / np.float32(2**23) - np.float32(1))


def _show(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
