"""Damage done on purpose."""

from __future__ import annotations

from pathlib import Path


def change_a_byte(path: Path, at: int = -1) -> None:
    """Flip one bit of the byte at that place; the last one if none is named."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
