"""Reference lab: what WebAssembly costs, and gives, for neural-network inference on edge devices.

From Python, ``lab.open("results/latest")`` opens a campaign (docs/python.md).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.api import Campaign
    from lab.api import open_campaign as open  # noqa: A004 - always read as `lab.open`

__all__ = ["Campaign", "__version__", "open"]
__version__ = "0.1.0"

_LAZY = {"Campaign": "Campaign", "open": "open_campaign"}


def __getattr__(name: str) -> Any:
    """Import the interface when it is first used: the command line does without."""
    if name in _LAZY:
        return getattr(import_module("lab.api"), _LAZY[name])
    raise AttributeError(f"module 'lab' has no attribute '{name}'")
