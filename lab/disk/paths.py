"""Where things are: the checkout, its logs, caches (which may be deleted) and results (which may not)."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "logs"
RESULTS = Path("results")


def home() -> Path:
    """Caches by content: models, guests, artifacts, goldens, downloads. ``LAB_HOME`` moves them."""
    named = os.environ.get("LAB_HOME")
    return Path(named).absolute() if named else user_cache_path("wasm-edge-lab")
