"""From pictures to input tensors, as slim's evaluation preprocesses them; made pictures, or a user's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from lab.core.errors import ModelError
from lab.zoo.entries import Preprocessing
from lab.zoo.pictures import picture

CROP = 0.875
"""The central part of a photograph that slim's MobileNets are evaluated on."""

_VGG_MEAN = np.array([123.68, 116.78, 103.94], np.float32)
_VGG_SHORT_SIDE = 256
_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".webp")

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


def made_input(how: Preprocessing, side: int, batch: int) -> Floats:
    """The lab's own pictures number 0 … batch − 1; float32 [batch, side, side, 3], the same bytes everywhere."""
    return np.stack([normalised(picture(side, number), how) for number in range(batch)])


def users_input(images: Path, how: Preprocessing, side: int, batch: int, crop: float = CROP) -> Floats:
    """The first `batch` images of a directory by name (again from the first if there are fewer), or one image.

    Returns:
        float32 [batch, side, side, 3]. Its bytes follow Pillow's resampling, which releases may change.

    Raises:
        ModelError: there are none, or one cannot be read.
    """
    files = image_files(images)
    chosen = [files[number % len(files)] for number in range(batch)]
    return np.stack([normalised(_fit(_open(file), how, side, crop), how) for file in chosen])


def image_files(images: Path) -> list[Path]:
    """The images of a directory, or the one image itself, by name.

    Raises:
        ModelError: there are none.
    """
    candidates = sorted(images.iterdir()) if images.is_dir() else [images]
    files = [file for file in candidates if file.is_file() and file.suffix.lower() in _SUFFIXES]
    if not files:
        raise ModelError(f"no images in {images}", f"name a directory with files that end in {', '.join(_SUFFIXES)}")
    return files


def normalised(pixels: Pixels, how: Preprocessing) -> Floats:
    """RGB pixels [side, side, 3] as the network takes them."""
    values = pixels.astype(np.float32)
    if how is Preprocessing.MOBILENET:
        return values / np.float32(127.5) - np.float32(1)
    if how is Preprocessing.VGG:
        return values - _VGG_MEAN
    return np.ascontiguousarray(values[:, :, ::-1])


def _open(file: Path) -> Image.Image:
    try:
        return Image.open(file).convert("RGB")
    except (OSError, UnidentifiedImageError) as why:
        raise ModelError(f"{file} is no readable image: {why}", "remove it, or convert it to PNG") from why


def _fit(image: Image.Image, how: Preprocessing, side: int, crop: float) -> Pixels:
    """The image at side × side: MobileNets see the central part, VGG the middle of a short side of 256, YuNet all."""
    if how is Preprocessing.VGG:
        scale = _VGG_SHORT_SIDE / min(image.size)
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BILINEAR)
        return _pixels(image.crop(_middle(image, side, side)))
    if how is Preprocessing.MOBILENET:
        image = image.crop(_middle(image, round(image.width * crop), round(image.height * crop)))
    return _pixels(image.resize((side, side), Image.Resampling.BILINEAR))


def _middle(image: Image.Image, width: int, height: int) -> tuple[int, int, int, int]:
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return (left, top, left + width, top + height)


def _pixels(image: Image.Image) -> Pixels:
    return np.asarray(image, dtype=np.uint8)
