"""Where the lab keeps what it may throw away (caches) and what it must not (results)."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

RESULTS = Path("results")


def home() -> Path:
    """Caches by content: models, guests, artifacts, goldens, downloads. ``LAB_HOME`` moves them."""
    named = os.environ.get("LAB_HOME")
    return Path(named).absolute() if named else user_cache_path("wasm-edge-lab")
