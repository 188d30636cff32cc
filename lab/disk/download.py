"""Downloads with a known checksum and bounded waiting."""

from __future__ import annotations

import logging
from pathlib import Path

from lab.core.errors import SupplyError, Unreachable

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 120
"""Between two packets, not for the whole file."""


def download(
    url: str, known_hash: str | None, destination: Path, *, unreachable_remedy: str, mismatch_remedy: str
) -> Path:
    """Fetch a file unless it is here already.

    Args:
        url: address of the file.
        known_hash: ``algorithm:hexadecimal``; None accepts whatever comes.
        destination: the file it becomes; it appears there only once it is complete and its checksum is right.
        unreachable_remedy: what the user can do if no answer comes.
        mismatch_remedy: what the user can do if another file comes.

    Returns:
        `destination`.

    Raises:
        Unreachable: the host does not answer, or has no such file.
        SupplyError: what came has another checksum, or cannot be stored.
    """
    # imported here: a command that downloads nothing does without
    import pooch  # noqa: PLC0415
    import requests  # noqa: PLC0415

    pooch.get_logger().setLevel(logging.WARNING)  # the lab shows its own progress
    downloader = pooch.HTTPDownloader(progressbar=False, timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S))
    try:
        pooch.retrieve(url, known_hash, destination.name, destination.parent, downloader=downloader)
    except requests.exceptions.RequestException as error:
        raise Unreachable(f"{url} does not answer: {_in_one_line(error)}", unreachable_remedy) from error
    except ValueError as error:  # how pooch reports a wrong checksum
        raise SupplyError(f"{url} is not the file that was pinned: {_in_one_line(error)}", mismatch_remedy) from error
    except OSError as error:
        raise SupplyError(f"{url} cannot be downloaded: {_in_one_line(error)}", unreachable_remedy) from error
    return destination


def matches(path: Path, known_hash: str) -> bool:
    """Whether a file has that checksum, written ``algorithm:hexadecimal``."""
    import pooch  # noqa: PLC0415 - as above

    return bool(pooch.hashes.hash_matches(str(path), known_hash))


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
