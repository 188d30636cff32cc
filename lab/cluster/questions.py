"""What a campaign asks of a host, and what a host answers: all that ever passes between two machines.

Every message is a record in MessagePack. A host decodes it as one of the questions below or refuses it; nothing in it
is code. A question about a trial may be asked twice: it is measured once, and its lines of the journal are sent again.

The conversation with a host, each question after the answer to the one before:

    Introduce ─▶ Prepare ─▶ Deliver … ─▶ LoadImage … ─▶ Begin ─▶ RunTrial | SkipTrial … ─▶ End
                                                          │
                                                          └─▶ SendJournal, until the campaign knows all of it
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from lab.core.errors import DataError
from lab.core.experiment import Limits, Name
from lab.core.manifest import Host
from lab.core.trial import Outcome

PROTOCOL = 1
"""Version of these messages: both sides must speak the same one."""
CHUNK_BYTES = 4 << 20
"""Of a file, or of a journal, what one message carries."""

Natural = Annotated[int, Meta(ge=0)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Blob(msgspec.Struct, frozen=True):
    """A file by its content.

    Attributes:
        sha256: of its bytes, and its name wherever it is kept.
        size_bytes: its length.
    """

    sha256: Sha256
    size_bytes: Natural


class Introduce(msgspec.Struct, frozen=True, tag=True):
    """Who is there?"""

    protocol: int = PROTOCOL


class Prepare(msgspec.Struct, frozen=True, tag=True):
    """Here is what a campaign runs with: what of it is missing?

    Attributes:
        campaign: its name.
        limits: of every trial.
        materials: as `lab.cluster.sharing` writes them.
        blobs: every file of theirs.
        images: ids of the container images.
    """

    campaign: Name
    limits: Limits
    materials: bytes
    blobs: tuple[Blob, ...]
    images: tuple[str, ...]


class Deliver(msgspec.Struct, frozen=True, tag=True):
    """A piece of a file that was missing; the last one is followed by a comparison with its sha256."""

    blob: Blob
    offset: Natural
    content: bytes


class LoadImage(msgspec.Struct, frozen=True, tag=True):
    """Give the delivered archive of an image to the container engine.

    Attributes:
        image: id that the engine must arrive at.
        archive: the file.
    """

    image: str
    archive: Blob


class Begin(msgspec.Struct, frozen=True, tag=True):
    """Open the campaign's journal, and have the machine for oneself from now on.

    Attributes:
        known: how many trials of this host's journal the campaign holds.
    """

    campaign: Name
    known: Natural


class SendJournal(msgspec.Struct, frozen=True, tag=True):
    """The journal's lines from `known` on."""

    campaign: Name
    known: Natural


class RunTrial(msgspec.Struct, frozen=True, tag=True):
    """Run a case once in a block, unless that was begun before; then send the journal's lines from `known` on.

    Attributes:
        case: id of the case.
        block: of the campaign; host, block and case are the trial's identity.
        iterations: inferences in the process.
        predicted_ns: what it was predicted to take; None where that is not written down.
        left_s: seconds of work predicted on this host, for whoever watches it.
    """

    campaign: Name
    known: Natural
    case: str
    block: Natural
    iterations: Annotated[int, Meta(ge=1)]
    predicted_ns: Natural | None
    left_s: float


class SkipTrial(msgspec.Struct, frozen=True, tag=True):
    """Write down that a case is not run, and why; then as `RunTrial`."""

    campaign: Name
    known: Natural
    case: str
    block: Natural
    outcome: Outcome
    why: str
    predicted_ns: Natural | None


class End(msgspec.Struct, frozen=True, tag=True):
    """The campaign is over, or goes on another time: others may have the machine."""

    campaign: Name


Question: TypeAlias = Introduce | Prepare | Deliver | LoadImage | Begin | SendJournal | RunTrial | SkipTrial | End


class Introduction(msgspec.Struct, frozen=True, tag=True):
    """Who a host is.

    Attributes:
        name: which the campaign calls it by.
        identity: what distinguishes it from another host of that name; kept in its cache.
        machine: as manifests describe it.
        isolation: of its engine.
        lab_version: that it runs.
    """

    name: Name
    identity: str
    machine: Host
    isolation: str
    lab_version: str
    protocol: int = PROTOCOL


class Wanting(msgspec.Struct, frozen=True, tag=True):
    """What a host lacks of a campaign's materials."""

    blobs: tuple[Blob, ...]
    images: tuple[str, ...]


class Lines(msgspec.Struct, frozen=True, tag=True):
    """Lines of a host's journal, with their checksums and without their newlines.

    Attributes:
        first: number of the first.
        lines: some or none.
        held: how many trials the journal holds.
    """

    first: Natural
    lines: tuple[bytes, ...]
    held: Natural


class Done(msgspec.Struct, frozen=True, tag=True):
    """What was asked is done, and there is nothing to say of it."""


class Refused(msgspec.Struct, frozen=True, tag=True):
    """What was asked cannot be done.

    Attributes:
        message, remedy: as of a `LabError`.
        is_leaving: whether the host takes no further question, having been asked to end.
    """

    message: str
    remedy: str
    is_leaving: bool = False


Answer: TypeAlias = Introduction | Wanting | Lines | Done | Refused

_questions = msgspec.msgpack.Decoder(Question)
_answers = msgspec.msgpack.Decoder(Answer)


def encode(message: Question | Answer) -> bytes:
    """A message as it travels."""
    return msgspec.msgpack.encode(message)


def decode_question(content: bytes) -> Question:
    """What was asked.

    Raises:
        DataError: it is none of the questions of this protocol.
    """
    try:
        found: Question = _questions.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(
            f"a host was asked what is no question of this lab: {error}", "use the same version of the lab on all hosts"
        ) from error
    return found


def decode_answer(content: bytes) -> Answer:
    """What was answered.

    Raises:
        DataError: it is none of the answers of this protocol.
    """
    try:
        found: Answer = _answers.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(
            f"a host answered what is no answer of this lab: {error}", "use the same version of the lab on all hosts"
        ) from error
    return found
