"""A host's side of a campaign: answers questions, one at a time, and writes each trial down before it answers.

<home>/campaigns/<name>/
├── trials.jsonl      this host's journal; the campaign's machine holds a copy of it, line by line
└── started.jsonl     which trials began (`lab.cluster.started`)
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from lab import __version__
from lab.campaign.materials import Materials
from lab.campaign.outcome import OutcomeWithReason
from lab.campaign.session import Observer, Session
from lab.cluster.questions import (
    CHUNK_BYTES,
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
    decode_question,
    encode,
)
from lab.cluster.sharing import BlobStore, read_materials
from lab.cluster.started import StartedTrials, TrialId
from lab.core.case import Case
from lab.core.errors import LabError, UsageError
from lab.core.names import Flag
from lab.core.trial import Kind, Outcome, Trial
from lab.disk.measuring_lock import Holder, measuring_lock
from lab.disk.whole import write_whole
from lab.engines.engine import Engine
from lab.engines.host import describe_host
from lab.store.journal import JOURNAL_NAME, Journal, read_trials
from lab.store.journal_format import encode_line

CAMPAIGNS = "campaigns"
BLOBS = "shared"
IDENTITY = "host-id"
START_AGAIN = "start the worker again"
ENDED_MEANWHILE = "the lab on this host ended while the trial ran: what became of it is not known"


class Images(Protocol):
    """The container images of a host."""

    def missing(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Those that the engine does not hold."""

    def load(self, image: str, archive: Path) -> None:
        """Give an archive to the engine; raises `LabError` unless it arrives at that id."""


class HostSide:
    """Answers the questions of campaigns.

    Args:
        name: of this host.
        home: its cache.
        engine: runs the trials.
        images: those of the engine.
        observer: watches trials.
        shared: a directory of blobs that hosts share; None if there is none.
        command: of this process, for whoever waits for the machine.
        waiting: called every second while another lab has the machine.
        locks: directory of the measuring lock; by default where every lab on this machine looks.
    """

    def __init__(
        self,
        name: str,
        home: Path,
        engine: Engine,
        images: Images,
        observer: Observer,
        *,
        shared: Path | None = None,
        command: str = "lab worker",
        waiting: Callable[[Holder | None], None] = lambda _: None,
        locks: Path | None = None,
    ) -> None:
        self.name, self._home, self._engine, self._images, self._observer = name, home, engine, images, observer
        self._blobs = BlobStore(home / BLOBS, shared)
        self._command, self._waiting, self._locks = command, waiting, locks
        self._one_at_a_time = threading.Lock()
        self._is_leaving = False
        self._prepared: tuple[Prepare, Materials] | None = None
        self._open: _OpenCampaign | None = None
        self._held = ExitStack()

    def answer(self, content: bytes) -> bytes:
        """The answer to a question; what cannot be done is an answer, too, and no error."""
        # a connection that was lost may leave its question at work while the next one asks
        with self._one_at_a_time:
            try:
                if self._is_leaving:
                    return encode(Refused("the host takes no more trials", "it was asked to end", is_leaving=True))
                return encode(self._answer(decode_question(content)))
            except LabError as error:
                return encode(Refused(error.message, error.remedy))

    def leave(self) -> None:
        """Finish the trial that is running, take no other one, and let go of everything."""
        self._is_leaving = True
        with self._one_at_a_time:
            self._close()

    def release(self) -> None:
        """Let others have the machine until a campaign begins again: nobody can ask for anything now."""
        with self._one_at_a_time:
            self._close()

    def _answer(self, question: Question) -> Answer:
        match question:
            case Introduce():
                return self._introduction()
            case Prepare():
                return self._prepare(question)
            case Deliver():
                self._blobs.write(question.blob, question.offset, question.content)
                return Done()
            case LoadImage():
                self._images.load(question.image, self._blobs.path(question.archive))
                self._blobs.path(question.archive).unlink(missing_ok=True)
                return Done()
            case Begin():
                self._begin(question.campaign)
                return self._lines(question)
            case SendJournal():
                return self._lines(question)
            case RunTrial() | SkipTrial():
                self._campaign(question.campaign).run(question)
                return self._lines(question)
            case End():
                self._close()
                return Done()

    def _introduction(self) -> Introduction:
        path = self._home / IDENTITY
        if not path.is_file():
            write_whole(path, uuid.uuid4().hex.encode())
        machine = describe_host(self._engine.describe())
        identity = path.read_text(encoding="utf-8").strip()
        return Introduction(self.name, identity, machine, self._engine.isolation, __version__)

    def _prepare(self, question: Prepare) -> Wanting:
        self._close()
        self._prepared = question, read_materials(question.materials, self._blobs.directory)
        return Wanting(self._blobs.missing(question.blobs), self._images.missing(question.images))

    def _begin(self, campaign: str) -> None:
        if self._prepared is None or self._prepared[0].campaign != campaign:
            raise UsageError(f"campaign {campaign} was not prepared on {self.name}", START_AGAIN)
        prepare, materials = self._prepared
        missing: tuple[Blob, ...] = self._blobs.missing(prepare.blobs)
        if missing:
            raise UsageError(f"{len(missing)} files of the campaign did not arrive on {self.name}", START_AGAIN)
        self._close()
        held = measuring_lock(self._command, f"campaign {campaign}", waiting=self._waiting, directory=self._locks)
        self._held.enter_context(held)
        directory = self._home / CAMPAIGNS / campaign
        directory.mkdir(parents=True, exist_ok=True)
        journal = self._held.enter_context(Journal(directory / JOURNAL_NAME))
        session = Session(
            name=campaign,
            materials=materials,
            limits=prepare.limits,
            engine=self._engine,
            journal=journal,
            trials=read_trials(journal.path),
            home=self._home,
            observer=self._observer,
        )
        session.remove_leftovers()
        self._open = _OpenCampaign(campaign, directory, session)

    def _campaign(self, name: str) -> _OpenCampaign:
        if self._open is None or self._open.name != name:
            raise UsageError(f"campaign {name} has not begun on {self.name}", START_AGAIN)
        return self._open

    def _lines(self, question: Begin | SendJournal | RunTrial | SkipTrial) -> Lines:
        return self._campaign(question.campaign).lines(question.known)

    def _close(self) -> None:
        self._open = None
        self._held.close()


class _OpenCampaign:
    """A campaign that this host measures for: its session, and which trials of it began."""

    def __init__(self, name: str, directory: Path, session: Session) -> None:
        self.name, self._session = name, session
        self._started = StartedTrials(directory)
        self._written = {_id(trial) for trial in session.trials if trial.kind is Kind.RUN}
        for trial in self._started.lost(self._written):
            self._lose(trial, ENDED_MEANWHILE)

    def run(self, question: RunTrial | SkipTrial) -> None:
        """Have a trial run, or skipped, and written down, unless it was before."""
        case, block, session = Case.parse(question.case), question.block, self._session
        trial = TrialId(block, case.id)
        if trial in self._written:
            return
        reason = session.materials.unsupported(case.arm)
        if isinstance(question, SkipTrial):
            ended = OutcomeWithReason(question.outcome, question.why)
            session.record_unrun(case, ended, block, question.predicted_ns)
        elif reason is not None:
            session.record_unrun(case, OutcomeWithReason(Outcome.UNSUPPORTED, reason), block)
        else:
            _check(case, session.materials)
            self._started.add(trial)
            try:
                self._run(case, question)
            except LabError as error:
                self._lose(trial, error.message)
                raise
        self._written.add(trial)

    def _run(self, case: Case, question: RunTrial) -> None:
        session, block = self._session, question.block
        program = session.program(case, block, lambda: question.left_s)
        if isinstance(program, OutcomeWithReason):
            session.record_unrun(case, program, block)
            return
        session.run(
            case,
            block=block,
            iterations=question.iterations,
            program=program,
            left_s=question.left_s,
            predicted_ns=question.predicted_ns,
        )

    def _lose(self, trial: TrialId, why: str) -> None:
        ended = OutcomeWithReason(Outcome.CRASHED, why, (Flag.ENGINE_FAILURE,))
        self._session.record_unrun(Case.parse(trial.case), ended, trial.block)
        self._written.add(trial)

    def lines(self, known: int) -> Lines:
        """The journal from a number on, as much as one message carries."""
        trials, lines, size = self._session.trials, list[bytes](), 0
        while known + len(lines) < len(trials) and size < CHUNK_BYTES:
            # what a journal holds of a trial follows from the trial, byte by byte
            lines.append(encode_line(trials[known + len(lines)]).rstrip(b"\n"))
            size += len(lines[-1])
        return Lines(known, tuple(lines), len(trials))


def _id(trial: Trial) -> TrialId:
    return TrialId(trial.block, trial.case.id)


def _check(case: Case, materials: Materials) -> None:
    """Refuse a case that the campaign's materials do not serve."""
    model = materials.models.get(case.model)
    if model is None or case.batch not in {given.batch for given in model.inputs}:
        raise UsageError(f"the campaign's materials hold no {case.model} of batch {case.batch}", "begin a new campaign")
