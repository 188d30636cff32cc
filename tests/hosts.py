"""Hosts in this process: a port whose hosts are real `HostSide`s on fake engines, and faults that strike at random.

A fault ends a host as a kill -9 does, loses an answer on its way, cuts a host off while it goes on, or restarts the
campaign's own machine. What a host keeps between its lives is its cache directory alone.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Iterable
from pathlib import Path

import msgspec

from lab.campaign.materials import Materials
from lab.campaign.prepare import manifest_of
from lab.cluster.assignment import Assignment
from lab.cluster.coordinator import PATIENCE_S, Coordinator
from lab.cluster.host_side import HostSide
from lab.cluster.port import Answered, Event, HostPort, Joined, Left
from lab.cluster.questions import RunTrial, decode_question
from lab.cluster.sharing import SharedMaterials
from lab.core.experiment import Experiment
from lab.core.trial import Trial
from lab.engines.engine import Job, JobResult
from lab.store.journal import JOURNAL_NAME, read_trials
from lab.store.spread import create_spread, find_spread, host_directories
from tests.fakes import FakeEngine, LoggingObserver, make_materials


class Killed(BaseException):
    """The host's process ends here."""


class CountingEngine(FakeEngine):
    """Counts what it was asked to run, over all lives of its host, and may be killed in the middle of it."""

    def __init__(self, materials: Materials, starts: Counter[str]) -> None:
        super().__init__(materials)
        self.starts, self.is_killed_by_next = starts, False

    def run(self, job: Job) -> JobResult:
        """Count, then answer, or die."""
        self.starts[job.case] += 1
        if self.is_killed_by_next:
            raise Killed
        return super().run(job)


class NoImages:
    """Engines that need no images."""

    def missing(self, ids: Iterable[str]) -> tuple[str, ...]:
        """None."""
        return ()

    def load(self, image: str, archive: Path) -> None:
        """Nothing to do."""


class Faults(msgspec.Struct):
    """Chances, of each trial, that something strikes.

    Attributes:
        killed_before: the host ends before it begins the trial.
        killed_in: it ends while the trial runs.
        killed_after: it ends once the trial is written down.
        answer_lost: the host is cut off, measures, and comes back.
    """

    killed_before: float = 0.0
    killed_in: float = 0.0
    killed_after: float = 0.0
    answer_lost: float = 0.0


class LocalHosts(HostPort):
    """Hosts that answer at once, each with a cache of its own below a directory.

    Args:
        directory: of the hosts' caches.
        materials: of the campaign.
        names: of the hosts.
        faults: that strike.
        rng: decides when.
    """

    def __init__(
        self, directory: Path, materials: Materials, names: Iterable[str], faults: Faults, rng: random.Random
    ) -> None:
        self._directory, self._materials, self._faults, self._rng = directory, materials, faults, rng
        self.starts: dict[str, Counter[str]] = {name: Counter() for name in names}
        self.sides: dict[str, HostSide] = {}
        self.engines: dict[str, CountingEngine] = {}
        self._asked: deque[tuple[str, bytes]] = deque()
        self._events: deque[Event] = deque()
        self._lives: Counter[str] = Counter()
        self.struck = 0
        self.shared: Path | None = None
        self.now = 0.0

    def come(self, name: str, *, is_new: bool = True) -> None:
        """Have a host join, its process a new one or the one that was cut off."""
        if is_new:
            home = self._directory / name
            self.engines[name] = CountingEngine(self._materials, self.starts[name])
            self.sides[name] = HostSide(
                name,
                home,
                self.engines[name],
                NoImages(),
                LoggingObserver([]),
                shared=self.shared,
                locks=_made(home / "locks"),
            )
        self._lives[name] += 1
        self._events.append(Joined(f"{name}/{self._lives[name]}"))

    def go(self, name: str) -> None:
        """Have a host end as by kill -9: what it held open is freed by the kernel."""
        self.sides.pop(name).release()
        self._events.append(Left(f"{name}/{self._lives[name]}"))

    def ask(self, address: str, key: str, content: bytes) -> None:
        """See `HostPort.ask`."""
        assert all(asked != address for asked, _ in self._asked), "a host is asked one question at a time"
        self._asked.append((address, content))

    def wait(self, timeout_s: float) -> Event | None:
        """Let one host answer, in a random order; or something strikes it."""
        if not self._events and self._asked:
            self._asked.rotate(self._rng.randrange(len(self._asked)))
            self._answer(*self._asked.popleft())
        if self._events:
            return self._events.popleft()
        self.now += PATIENCE_S
        return None

    def restart(self) -> None:
        """The campaign's machine begins again: hosts lose their connections, and come back."""
        self._events.clear()
        self._asked.clear()
        for name in [*self.sides]:
            self.sides[name].release()
            self.come(name, is_new=False)

    def close(self) -> None:
        """See `HostPort.close`."""

    def _answer(self, address: str, content: bytes) -> None:
        name, _, life = address.partition("/")
        if name not in self.sides or int(life) != self._lives[name]:
            return
        side, engine = self.sides[name], self.engines[name]
        struck = self._strike() if isinstance(decode_question(content), RunTrial) else None
        self.struck += struck is not None
        engine.is_killed_by_next = struck == "killed_in"
        try:
            answer = side.answer(content) if struck != "killed_before" else b""
        except Killed:
            struck = "killed_in"
        if struck is None:
            self._events.append(Answered(address, answer))
            return
        if struck == "answer_lost":
            side.release()
            self._events.append(Left(address))
        else:
            self.go(name)
        self.come(name, is_new=struck != "answer_lost")

    def _strike(self) -> str | None:
        chances = msgspec.structs.asdict(self._faults)
        return next((fault for fault, chance in chances.items() if self._rng.random() < chance), None)


class Quiet:
    """Keeps what a coordinator says."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def on_note(self, text: str) -> None:
        """See `lab.cluster.coordinator.Watcher`."""
        self.notes.append(text)

    def on_trial(self, host: str, trial: Trial) -> None:
        """See `lab.cluster.coordinator.Watcher`."""

    def on_pause(self, hosts: int, idle: int) -> None:
        """See `lab.cluster.coordinator.Watcher`."""


class SpreadStage:
    """Where a campaign of several hosts plays.

    Args:
        directory: an empty one.
        what: the experiment; its tier is ``t``.
        names: of the hosts.
        faults: that strike.
        seed: of when they do.
    """

    def __init__(
        self,
        directory: Path,
        what: Experiment,
        names: Iterable[str] = ("alpha", "beta"),
        faults: Faults | None = None,
        seed: int = 1,
    ) -> None:
        self.materials, self.experiment = make_materials(directory), what
        rng = random.Random(seed)  # noqa: S311 - an order, not a secret
        self.port = LocalHosts(directory / "homes", self.materials, names, faults or Faults(), rng)
        self.results, self.watcher = directory / "results", Quiet()
        plan = manifest_of(
            self.materials, what, "t", what.cases("t"), FakeEngine(self.materials), name="toy-t-1", created_at="now"
        )
        self.plan = msgspec.structs.replace(plan, isolation="hosts")

    def share(self, directory: Path) -> None:
        """Have hosts find files in a directory that all of them see."""
        SharedMaterials(self.materials).publish(directory)
        self.port.shared = directory

    def coordinator(self, port: HostPort | None = None) -> Coordinator:
        """The campaign's side, begun or gone on with."""
        tier = self.experiment.tier("t")
        directory = find_spread(self.results, self.plan) or create_spread(self.results, self.plan)
        limits = self.experiment.measure_in(tier)
        return Coordinator(
            port or self.port,
            directory,
            self.plan,
            limits,
            Assignment(self.experiment.cases("t"), tier, limits, self.materials.models),
            SharedMaterials(self.materials),
            Path,
            self.watcher,
            clock=lambda: self.port.now,
        )

    @property
    def by_host(self) -> dict[str, list[Trial]]:
        """The trials that the campaign holds of each host."""
        places = host_directories(self.results / self.plan.campaign)
        return {place.name: [*read_trials(place / JOURNAL_NAME)] for place in places}

    def home(self, name: str) -> Path:
        """The cache of a host."""
        return self.port._directory / name


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory
