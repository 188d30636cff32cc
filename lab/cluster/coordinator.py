"""A campaign's side of many hosts: asks each of them one question at a time, and keeps a copy of every journal.

Each host has a conversation of its own, written as one: a generator that yields a question and is sent the answer. It
yields None where there is nothing to ask for now. A host that went away and comes back has a new conversation, which
begins with its journal: whatever it measured meanwhile is taken over, and what was asked of it and is in no journal was
never begun.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from itertools import count
from pathlib import Path
from typing import Protocol, TypeAlias, TypeVar

import msgspec

from lab.cluster.assignment import Assignment, Order
from lab.cluster.port import Answered, Event, Failed, HostPort, Joined, Left
from lab.cluster.questions import (
    CHUNK_BYTES,
    PROTOCOL,
    Answer,
    Begin,
    Blob,
    Deliver,
    Done,
    End,
    Introduce,
    Introduction,
    Lines,
    LoadImage,
    Prepare,
    Question,
    Refused,
    RunTrial,
    SendJournal,
    SkipTrial,
    Wanting,
    decode_answer,
    encode,
)
from lab.cluster.sharing import SharedMaterials
from lab.core.errors import DataError, LabError, UsageError
from lab.core.experiment import Limits
from lab.core.manifest import Manifest
from lab.core.trial import Trial
from lab.disk.content import file_sha256
from lab.store.journal import JOURNAL_NAME, Journal, read_trials
from lab.store.journal_format import decode_lines
from lab.store.spread import host_directories, open_host

PATIENCE_S = 120.0
"""A host that was away for so long loses what is left of its block to others."""
POLL_S = 1.0
_SAME_VERSION = "use the same version of the lab on all hosts"

_A = TypeVar("_A", bound=msgspec.Struct)
Conversation: TypeAlias = Generator[Question | None, Answer | None, None]


class Watcher(Protocol):
    """Hears what happens; the command line prints it."""

    def on_note(self, text: str) -> None:
        """Something that a person may want to know, in one line."""

    def on_trial(self, host: str, trial: Trial) -> None:
        """A trial has arrived."""

    def on_pause(self, hosts: int, idle: int) -> None:
        """Called about every second: so many hosts are there, so many of them have nothing to do."""


class _Link:
    """A host that is there, and the conversation with it."""

    def __init__(self, address: str, conversation: Conversation) -> None:
        self.address, self.conversation = address, conversation
        self.host: str | None = None
        self.is_idle = False


class Coordinator:
    """Has hosts measure a campaign until it is done.

    Args:
        port: by which hosts are asked.
        directory: of the campaign (`lab.store.spread`).
        plan: what every host measures.
        limits: of every trial.
        assignment: which trial is next.
        shared: what the campaign runs with.
        images: archives of images by id, made when a host lacks one.
        watcher: hears what happens.
        clock: seconds that only grow.

    Attributes:
        is_stopping: whether it was asked to order no further trial.
    """

    def __init__(
        self,
        port: HostPort,
        directory: Path,
        plan: Manifest,
        limits: Limits,
        assignment: Assignment,
        shared: SharedMaterials,
        images: Callable[[str], Path],
        watcher: Watcher,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._port, self._directory, self._plan, self._limits = port, directory, plan, limits
        self._assignment, self._shared, self._images = assignment, shared, images
        self._watcher, self._clock = watcher, clock
        self._links: dict[str, _Link] = {}
        self._journals: dict[str, Journal] = {}
        self._away_since: dict[str, float] = {}
        self._image_ids = tuple(sorted({runtime.image_id for runtime in plan.runtimes.values()}))
        self._keys = count()
        self.is_stopping = False

    @property
    def trials(self) -> Mapping[str, int]:
        """How many trials each host's journal holds here."""
        return {host: journal.next_number for host, journal in sorted(self._journals.items())}

    def run(self) -> None:
        """Measure until nothing is left to be done by any host; then let the hosts go.

        Raises:
            DataError: a journal here is damaged.
        """
        try:
            self._read_journals()
            while not self._is_over():
                self._step(self._port.wait(POLL_S))
            self._end()
        finally:
            for journal in self._journals.values():
                journal.close()

    def drain(self) -> None:
        """Order no further trial, and wait for those that are running: their answers are written down."""
        self.is_stopping = True

    # -- what happens --

    def _step(self, event: Event | None) -> None:
        if isinstance(event, Joined):
            self._join(event.address)
        elif isinstance(event, Left):
            self._leave(event.address)
        elif isinstance(event, Answered):
            self._on_answer(event)
        elif isinstance(event, Failed):
            self._dismiss(event.address, event.why)
        else:
            self._watcher.on_pause(len(self._links), sum(link.is_idle for link in self._links.values()))
        self._take_from_the_lost()
        for link in [*self._links.values()]:
            if link.is_idle:
                self._resume(link, None)

    def _join(self, address: str) -> None:
        link = _Link(address, self._converse(address))
        self._links[address] = link
        self._resume(link, None)

    def _on_answer(self, event: Answered) -> None:
        link = self._links.get(event.address)
        if link is not None:
            try:
                answer = decode_answer(event.content)
            except DataError as error:
                self._dismiss(event.address, f"{error.message}; {error.remedy}")
            else:
                self._resume(link, answer)

    def _resume(self, link: _Link, answer: Answer | None) -> None:
        """Go on with a conversation, and put its next question."""
        link.is_idle = False
        try:
            question = link.conversation.send(answer)
        except StopIteration:
            return
        except LabError as error:
            self._dismiss(link.address, f"{error.message}; {error.remedy}")
            return
        if question is None:
            link.is_idle = True
        else:
            self._port.ask(link.address, f"{type(question).__name__}-{next(self._keys)}", encode(question))

    def _leave(self, address: str) -> None:
        link = self._links.pop(address, None)
        if link is None or link.host is None:
            return
        link.conversation.close()
        if not any(other.host == link.host for other in self._links.values()):
            self._away_since[link.host] = self._clock()
            self._watcher.on_note(f"{link.host} is gone; what it measured is kept")

    def _dismiss(self, address: str, why: str) -> None:
        """Ask a host nothing more: it cannot take part."""
        link = self._links.get(address)
        name = address if link is None or link.host is None else link.host
        self._watcher.on_note(f"{name} takes no part: {why}")
        self._leave(address)

    def _take_from_the_lost(self) -> None:
        now = self._clock()
        for host, since in [*self._away_since.items()]:
            if now - since >= PATIENCE_S:
                del self._away_since[host]
                if self._assignment.give_up(host):
                    self._watcher.on_note(f"{host} was away for {PATIENCE_S:.0f} s: others make up for its block")

    def _is_over(self) -> bool:
        """Whether no host has, or could be given, anything to do; without any host there is no end."""
        if self.is_stopping:
            return all(link.is_idle for link in self._links.values())
        known = [link for link in self._links.values() if link.host is not None]
        waited_for = any(self._assignment.is_waited_for(host) for host in self._away_since)
        return bool(known) and not waited_for and all(link.is_idle for link in self._links.values())

    def _end(self) -> None:
        """Let every host go, and wait a moment for their answers."""
        asked = {link.address for link in self._links.values() if link.host is not None}
        for address in asked:
            self._port.ask(address, f"End-{next(self._keys)}", encode(End(self._plan.campaign)))
        deadline = self._clock() + 10 * POLL_S
        while asked and self._clock() < deadline:
            event = self._port.wait(POLL_S)
            if event is not None and not isinstance(event, Joined):
                asked.discard(event.address)

    # -- what is said --

    def _converse(self, address: str) -> Conversation:
        """Everything that is asked of a host, in order."""
        introduction = _expect(Introduction, (yield Introduce()))
        host = self._welcome(address, introduction)
        yield from self._provide()
        known = self._journals[host].next_number
        lines = _expect(Lines, (yield Begin(self._plan.campaign, known)))
        while True:
            self._take_over(host, lines)
            known = self._journals[host].next_number
            if known < lines.held:
                lines = _expect(Lines, (yield SendJournal(self._plan.campaign, known)))
                continue
            order = self._order(host)
            while order is None:
                yield None
                order = self._order(host)
            lines = _expect(Lines, (yield self._question(order, known)))

    def _order(self, host: str) -> Order | None:
        return None if self.is_stopping else self._assignment.next(host)

    def _welcome(self, address: str, introduction: Introduction) -> str:
        """The name of a host that may take part; its journal is open from now on."""
        name = introduction.name
        if introduction.protocol != PROTOCOL:
            raise UsageError(f"{name} speaks version {introduction.protocol} of the protocol", _SAME_VERSION)
        if introduction.lab_version != self._plan.lab_version:
            raise UsageError(f"{name} runs version {introduction.lab_version} of the lab", _SAME_VERSION)
        manifest = msgspec.structs.replace(
            self._plan,
            campaign=f"{self._plan.campaign}.{name}",
            host=introduction.machine,
            isolation=introduction.isolation,
        )
        directory = open_host(self._directory, name, introduction.identity, manifest)
        for other in [*self._links.values()]:
            if other.host == name:
                # the same machine has come back before it was missed
                self._leave(other.address)
        if name not in self._journals:
            self._open(name, directory)
        self._links[address].host = name
        self._away_since.pop(name, None)
        machine = introduction.machine
        self._watcher.on_note(f"{name} takes part: {machine.cpu_model}, {machine.cores} cores")
        return name

    def _provide(self) -> Conversation:
        """Have the host get what it lacks of the campaign's materials."""
        shared = self._shared
        prepare = Prepare(self._plan.campaign, self._limits, shared.description, shared.blobs, self._image_ids)
        missing = _expect(Wanting, (yield prepare))
        for blob in missing.blobs:
            yield from _deliver(shared.path(blob.sha256), blob)
        for image in missing.images:
            archive = self._images(image)
            blob = Blob(file_sha256(archive), archive.stat().st_size)
            yield from _deliver(archive, blob)
            _expect(Done, (yield LoadImage(image, blob)))

    def _question(self, order: Order, known: int) -> Question:
        campaign, case = self._plan.campaign, order.case.id
        if order.ended is not None:
            why = order.ended.why or ""
            return SkipTrial(campaign, known, case, order.block, order.ended.outcome, why, order.predicted_ns)
        return RunTrial(campaign, known, case, order.block, order.iterations, order.predicted_ns, order.left_s)

    # -- journals --

    def _read_journals(self) -> None:
        for directory in host_directories(self._directory):
            self._open(directory.name, directory)

    def _open(self, host: str, directory: Path) -> None:
        path = directory / JOURNAL_NAME
        self._journals[host] = Journal(path)
        self._assignment.learn(host, read_trials(path))

    def _take_over(self, host: str, lines: Lines) -> None:
        """Append what is new of a host's journal to its copy here: the same bytes, compared with their checksums."""
        journal = self._journals[host]
        if lines.held < journal.next_number or lines.first > journal.next_number:
            raise DataError(
                f"{host} holds {lines.held} trials of this campaign, and has sent {journal.next_number} before",
                "its cache was emptied: start its worker under another --name",
            )
        fresh = [*lines.lines][journal.next_number - lines.first :]
        for trial in decode_lines(fresh, journal.next_number, journal.path):
            journal.append(trial)
            self._assignment.learn(host, [trial])
            self._watcher.on_trial(host, trial)


def _deliver(path: Path, blob: Blob) -> Conversation:
    with path.open("rb") as file:
        while True:
            offset, content = file.tell(), file.read(CHUNK_BYTES)
            _expect(Done, (yield Deliver(blob, offset, content)))
            if file.tell() >= blob.size_bytes:
                return


def _expect(kind: type[_A], answer: Answer | None) -> _A:
    if isinstance(answer, Refused):
        raise UsageError(answer.message, answer.remedy)
    if not isinstance(answer, kind):
        raise DataError(f"a host answered {type(answer).__name__} where {kind.__name__} belongs", _SAME_VERSION)
    return answer
