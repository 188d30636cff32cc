"""Where modules that trials made are kept: each in a directory of its own, with the trial that made it."""

from __future__ import annotations

import glob
import shutil
import tempfile
from pathlib import Path

from lab.core.trial import Trial
from lab.disk.checked import read_checked, write_checked
from lab.disk.content import file_sha256
from lab.disk.locks import lock
from lab.disk.whole import write_whole

_RECORD = "trial.json"


class KeptModules:
    """Modules under a directory.

    Args:
        directory: where they are kept.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._checked: dict[Path, tuple[int, int, int, int]] = {}

    def find(self, key: str, file_name: str) -> tuple[Path, Trial] | None:
        """A module with the trial that made it; None if there is none, or if it is not what that trial made.

        One that is truncated or changed is made again: what it holds is executed.
        """
        module = self._directory / key / file_name
        try:
            made = read_checked(module.parent / _RECORD, Trial)
        except (OSError, ValueError):
            return None
        return (module, made) if self._is_whole(module, made) else None

    def keep(self, key: str, file_name: str, content: bytes, trial: Trial, campaign: str) -> None:
        """Keep a module with its trial; two campaigns that make the same one at once do so one after the other."""
        home, prefix = self._directory / key, _scratch_prefix(campaign)
        self._directory.mkdir(parents=True, exist_ok=True)
        with lock(f"module-{home.name}"), tempfile.TemporaryDirectory(dir=self._directory, prefix=prefix) as name:
            staging = Path(name) / "keep"
            staging.mkdir(mode=0o755)
            write_whole(staging / file_name, content)
            write_checked(staging / _RECORD, trial)
            if home.exists():
                home.rename(Path(name) / "old")
            staging.rename(home)

    def remove_leftovers(self, campaign: str) -> int:
        """Remove what a killed run of a campaign left half made; how many. Another campaign may be making its own."""
        leftovers = list(self._directory.glob(f"{glob.escape(_scratch_prefix(campaign))}*"))
        for leftover in leftovers:
            shutil.rmtree(leftover, ignore_errors=True)
        return len(leftovers)

    def _is_whole(self, module: Path, made: Trial) -> bool:
        """Whether the module is what its trial made: hashed once, then again only if the file has changed."""
        if module.is_symlink() or not module.is_file():
            return False
        status = module.stat()
        if status.st_size != made.artifact_bytes:
            return False
        seen = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if self._checked.get(module) != seen:
            # modules of earlier versions of the lab have no hash to compare with
            if made.output_sha256 is None or file_sha256(module) != made.output_sha256:
                return False
            self._checked[module] = seen
        return True


def _scratch_prefix(campaign: str) -> str:
    return f".making-{campaign}."
