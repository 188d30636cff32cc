"""The one task that Dask runs on a host: bytes in, bytes out."""

from __future__ import annotations

from collections.abc import Callable

_answers: list[Callable[[bytes], bytes]] = []


def serve_with(answers: Callable[[bytes], bytes]) -> None:
    """Have questions to this process answered by that from now on."""
    _answers[:] = [answers]


def answer(question: bytes) -> bytes:
    """The answer of this process's host.

    Raises:
        RuntimeError: this process is no worker.
    """
    if not _answers:
        raise RuntimeError("this process answers no questions")
    return _answers[0](question)
