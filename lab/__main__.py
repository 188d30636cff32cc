"""``python -m lab``: the same as ``lab``."""

from __future__ import annotations

from lab.cli.app import main

if __name__ == "__main__":
    main()
