"""How builds report what they are doing; the terminal's bars are the command line's business."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called from several threads at once."""

    def __call__(self, item: str, message: str, fraction: float | None = None) -> None:
        """Take note of a step.

        Args:
            item: name of what is being built: ``image wasmtime``, ``guest wasm/o3``.
            message: the step, for readers.
            fraction: how much of this item is done, from 0 to 1; None where it is not known.
        """


def silent(item: str, message: str, fraction: float | None = None) -> None:
    """Progress for callers that show none."""
