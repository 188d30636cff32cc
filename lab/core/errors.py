"""Every error a user can meet, as one tree; each class owns its exit code.

    LabError                     what happened, where; and `remedy`, what to do about it
    ├── UsageError          2    the command line makes no sense
    ├── ExperimentError     3    an experiment file names something that does not exist, or has a wrong type
    ├── ModelError          4    a graph, its shape or its weights cannot be used
    ├── EngineMissing       5    no container engine answers
    ├── EngineForbidden     6    an engine answers, but not to this user
    ├── NoSpace             7    the disk cannot hold what is about to be written
    ├── BuildFailed         8    an image, a guest or a runtime did not build
    ├── SupplyError         9    a download is unreachable or its checksum is wrong
    ├── DataError          10    a campaign directory is damaged, or of an unknown schema version
    ├── NothingToReport    11    the campaign holds no trial that the question could be answered from
    ├── EngineFailed       12    the engine accepted a job and then broke it; the trial is not recorded
    └── MachineBusy        13    another lab measures or builds on this machine

Exit code 0 is success, 1 a negative answer (`compare` found a regression, `verify` a difference, `doctor` something
missing), 130 an interrupt after which the same command resumes.
"""

from __future__ import annotations

from typing import ClassVar

EXIT_NEGATIVE = 1
EXIT_INTERRUPTED = 130


class LabError(Exception):
    """A user-facing error: the message says what and where, `remedy` what to do about it."""

    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class UsageError(LabError):
    """The command line makes no sense."""

    exit_code = 2


class ExperimentError(LabError):
    """An experiment file names something that does not exist, or has a wrong type."""

    exit_code = 3


class ModelError(LabError):
    """A graph, its shape or its weights cannot be used."""

    exit_code = 4


class EngineMissing(LabError):
    """No container engine answers."""

    exit_code = 5


class EngineForbidden(LabError):
    """A container engine answers, but not to this user."""

    exit_code = 6


class NoSpace(LabError):
    """The disk cannot hold what is about to be written."""

    exit_code = 7


class BuildFailed(LabError):
    """An image, a guest or a runtime did not build."""

    exit_code = 8


class SupplyError(LabError):
    """A download is unreachable or its checksum is wrong."""

    exit_code = 9


class Unreachable(SupplyError):
    """The host of a download does not answer; another supply may do."""


class UnobtainableError(SupplyError):
    """No supply of something is open on this machine."""


class PackagesMissing(SupplyError):
    """Debian packages of the lock are in no archive any more.

    Attributes:
        files: names of their .deb files.
    """

    def __init__(self, message: str, remedy: str, files: tuple[str, ...]) -> None:
        super().__init__(message, remedy)
        self.files = files


class DataError(LabError):
    """A campaign directory is damaged, or of an unknown schema version."""

    exit_code = 10


class NothingToReport(LabError):
    """The campaign holds no trial that the question could be answered from."""

    exit_code = 11


class EngineFailed(LabError):
    """The engine accepted a job and then broke it."""

    exit_code = 12


class MachineBusy(LabError):
    """Another lab measures or builds on this machine."""

    exit_code = 13
