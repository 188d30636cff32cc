"""Places where the paper says two things: read from the file beside its claims, and joined to what a campaign found."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from lab.core.errors import ExperimentError
from lab.report.claims.verdict import ClaimResult

TWICE_NAME = "twice.toml"


class Contradiction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two statements of the paper that cannot both hold.

    Attributes:
        says: the one, with its place.
        against: the other.
        judged: what the claims file does about it.
        claims: ids of the claims that data can say something by; ``*`` stands for any ending.
    """

    says: str
    against: str
    judged: str
    claims: tuple[str, ...] = ()

    def of(self, results: Iterable[ClaimResult]) -> list[ClaimResult]:
        """The results of its claims, in the order of the claims file."""
        return [result for result in results if any(fnmatchcase(result.claim.id, pattern) for pattern in self.claims)]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    place: tuple[Contradiction, ...]


def load_contradictions(claims: Path) -> tuple[Contradiction, ...]:
    """The file beside a claims file, in its order; none if there is no such file.

    Raises:
        ExperimentError: the file is malformed.
    """
    path = claims.parent / TWICE_NAME
    if not path.is_file():
        return ()
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File).place
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ExperimentError(f"{path}: {error}", "its header says what an entry holds") from error
