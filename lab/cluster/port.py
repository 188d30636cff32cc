"""The one seam to whatever connects machines: hosts come and go, each is asked one question at a time.

Dask is behind it (`lab.cluster.dask_port`); another engine stands in by keeping the same promises:

- a question is put to the host that it is meant for, and to no other, and at most once;
- while a host has a question, it is asked no other one;
- what becomes of a host or of a question is an event, each reported once, in the order in which it happened.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeAlias

import msgspec


class Joined(msgspec.Struct, frozen=True):
    """A host can be asked from now on.

    Attributes:
        address: by which it is asked; a host that comes back has another one.
    """

    address: str


class Left(msgspec.Struct, frozen=True):
    """A host is gone, or was not heard of for too long; a question that it had stays without an answer."""

    address: str


class Answered(msgspec.Struct, frozen=True):
    """A host has answered its question."""

    address: str
    content: bytes


class Failed(msgspec.Struct, frozen=True):
    """A question could not be put to a host that is still there, and is not put again."""

    address: str
    why: str


Event: TypeAlias = Joined | Left | Answered | Failed


class HostPort(ABC):
    """Hosts that can be asked."""

    @abstractmethod
    def ask(self, address: str, key: str, content: bytes) -> None:
        """Put a question to a host that has none.

        Args:
            address: of the host.
            key: name of the question, never used before.
            content: the question.
        """

    @abstractmethod
    def wait(self, timeout_s: float) -> Event | None:
        """The next event; None if there is none for so long."""

    @abstractmethod
    def close(self) -> None:
        """Let all hosts go."""
