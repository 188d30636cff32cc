"""What one model is to be made from, and the directory that this gives it: the same recipe, the same directory."""

from __future__ import annotations

from pathlib import Path

import msgspec

from lab.core.errors import UsageError
from lab.zoo.entries import ENTRIES, Entry, Preprocessing
from lab.zoo.keys import files_key, model_key
from lab.zoo.preprocess import CROP, Floats, image_files, made_input, users_input
from lab.zoo.published_weights import SUPPLIES

SEEDED = "seeded"
PRETRAINED = "pretrained"
IMPORTED = "imported"
AUTO = "auto"
WEIGHTS = (AUTO, SEEDED, PRETRAINED)


class Pictures(msgspec.Struct, frozen=True):
    """Where input tensors come from.

    Attributes:
        path: the user's directory of images, or one image; None: pictures made by the lab.
        crop: central part of a photograph that a MobileNet sees.
    """

    path: Path | None = None
    crop: float = CROP

    def tensor(self, how: Preprocessing, side: int, batch: int) -> Floats:
        """float32 [batch, side, side, 3].

        Raises:
            ModelError: there are no readable images.
        """
        if self.path is None:
            return made_input(how, side, batch)
        return users_input(self.path, how, side, batch, self.crop)

    def key(self) -> str:
        """Of the images' content."""
        return "made" if self.path is None else f"{files_key(image_files(self.path))} {self.crop}"

    def describe(self) -> str:
        """In words, for ``meta.json``."""
        return "pictures made by the lab" if self.path is None else f"images in {self.path}"


class Recipe(msgspec.Struct, frozen=True):
    """One of the eight networks with weights of one kind."""

    name: str
    weights: str
    images: Pictures

    @property
    def entry(self) -> Entry:
        """The network."""
        return ENTRIES[self.name]

    def directory(self, home: Path) -> Path:
        """Where it is, or will be."""
        supply = SUPPLIES[self.name] if self.weights == PRETRAINED else None
        origin = f"{supply.url} {supply.known_hash}" if supply else "seeded"
        key = model_key(self.name, self.weights, origin, self.images.key())
        return home / "models" / f"{self.name}-{self.weights}-{key}"

    def describe(self) -> str:
        """Weights and inputs in words."""
        weights = f"weights of {SUPPLIES[self.name].url}" if self.weights == PRETRAINED else "seeded weights"
        return f"{weights}; {self.images.describe()}"


def checked(weights: str) -> str:
    """The kind of weights, if it is one.

    Raises:
        UsageError: it is none.
    """
    if weights not in WEIGHTS:
        raise UsageError(f"'{weights}' are no weights", f"choose among {', '.join(WEIGHTS)}")
    return weights
