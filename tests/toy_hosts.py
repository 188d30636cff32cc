"""A campaign of several hosts as processes: the scheduler's and each worker's, on fake engines, with a network between.

Everything that distinguishes it from a real one is a number: how long a trial takes, and how soon silence is noticed.
"""

from __future__ import annotations

import asyncio
import functools
import multiprocessing
import os
import random
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from distributed import Worker

from lab.cluster import dask_port, dask_worker
from lab.cluster.dask_port import DaskPort
from lab.cluster.host_side import CAMPAIGNS, HostSide
from lab.cluster.invitation import Address
from lab.cluster.questions import Answer, Question, RunTrial
from lab.core.experiment import Experiment, Tier
from lab.core.names import Flag
from lab.core.trial import Kind, Trial
from lab.engines.engine import Job, JobResult
from lab.store.journal import JOURNAL_NAME, read_trials
from lab.store.spread import host_directories
from tests.fakes import FakeEngine, LoggingObserver, make_materials
from tests.hosts import NoImages, SpreadStage
from tests.stage import experiment
from tests.tcp_proxy import Proxy

SILENCE_S = 3.0
"""After so long without a sign a host is taken for gone; a minute outside of tests."""
WAYS = 400
"""Connections that a host may make in all."""
PACE, STARTS, OVER = "pace", "starts", "over"


def toy(blocks: int) -> Experiment:
    """Three cases, one of which is precompiled."""
    arms = ("native@o3", "wasmtime-jit-cranelift@o3", "wasmtime-aot-cranelift@o3")
    return experiment(arms=arms, tier=Tier(budget="100h", min_blocks=blocks, max_blocks=blocks, cell_budget="10h"))


def free_port() -> int:
    """A port that nobody listens on, below those that the kernel gives to whoever asks for any."""
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311 - not a secret
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class PacedEngine(FakeEngine):
    """Writes down each start, then takes as long as a file says.

    Attributes:
        block: of the trial that is asked for.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(make_materials(directory / "made"))
        self.block: int | None = None
        self._starts, self._pace = directory / STARTS, directory.parent / PACE

    def run(self, job: Job) -> JobResult:
        """See `FakeEngine.run`."""
        descriptor = os.open(self._starts, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(descriptor, f"{job.case} in block {self.block}\n".encode())
        os.close(descriptor)
        time.sleep(float(self._pace.read_text()))
        return super().run(job)


class _Noting(HostSide):
    """Has the engine know which block it is asked for."""

    engine: PacedEngine

    def _answer(self, question: Question) -> Answer:
        self.engine.block = question.block if isinstance(question, RunTrial) else None
        return super()._answer(question)


def run_scheduler(directory: Path, port: int, blocks: int) -> None:
    """The campaign's side: begins, or goes on with, and leaves a file when it is over."""
    dask_port.SETTINGS["distributed.scheduler.worker-ttl"] = f"{SILENCE_S}s"
    stage = SpreadStage(directory, toy(blocks))
    hosts = DaskPort(Address("127.0.0.1", port), None)
    coordinator = stage.coordinator(hosts)
    coordinator._clock = time.monotonic
    coordinator.run()
    (directory / OVER).touch()
    hosts.close()


def run_worker(directory: Path, scheduler: int, reached_at: tuple[int, ...]) -> None:
    """A host's side: each of its connections is reached by way of another port, as it would be at another address."""
    dask_worker.RETRY_S = 0.2

    def connect(url: str, **rest: Any) -> Worker:
        made, port = len([*directory.glob("way-*")]), free_port()
        way = reached_at[made]
        (directory / f"way-{way}").write_text(str(port))
        return Worker(url, host=f"tcp://127.0.0.1:{port}", contact_address=f"tcp://127.0.0.1:{way}", **rest)

    vars(dask_worker)["Worker"] = connect
    home = directory / "home"
    home.mkdir(parents=True, exist_ok=True)
    engine = PacedEngine(directory)
    host = _Noting(directory.name, home, engine, NoImages(), LoggingObserver([]), locks=directory)
    host.engine = engine
    with (directory / "log").open("a") as log:
        dask_worker.serve(host, Address("127.0.0.1", scheduler), None, lambda text: print(text, file=log, flush=True))


def _way(directory: Path, reached_at: int) -> int | None:
    """Where a host listens for what comes by way of a port."""
    path = directory / f"way-{reached_at}"
    return int(path.read_text()) if path.is_file() else None


def _logged(directory: Path, name: str, work: Callable[..., None], *rest: object) -> None:
    """Run in a process of its own, what it says going to a file."""
    directory.mkdir(parents=True, exist_ok=True)
    log = os.open(directory / f"{name}.err", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 2)
    asyncio.set_event_loop(None)
    work(directory, *rest)


def start(work: Callable[..., None], directory: Path, name: str, *rest: object) -> BaseProcess:
    """Run a scheduler or a worker in a process of its own."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.toy_hosts"])
    process = processes.Process(target=_logged, args=(directory, name, work, *rest), daemon=True)
    process.start()
    return process


class ToyHosts:
    """The processes, the network, and what strikes them.

    Args:
        directory: an empty one.
        blocks: of the campaign.
        rng: decides whom it strikes, and how hard.
        names: of the hosts.
    """

    def __init__(self, directory: Path, blocks: int, rng: random.Random, names: tuple[str, ...] = ("a", "b")) -> None:
        self.directory, self._blocks, self._rng, self._names = directory, blocks, rng, names
        self._port = free_port()
        # a host's two ways: to the scheduler, and from it
        self._there = {name: Proxy(lambda _: self._port) for name in names}
        self._back = {name: Proxy(functools.partial(_way, directory / name), WAYS) for name in names}
        self.pace(0.5)
        self._scheduler = self._start_scheduler()
        self._workers = {name: self._start_worker(name) for name in names}

    # -- what strikes --

    def kill_worker(self) -> None:
        """A host's lab ends as by kill -9, and is started again."""
        name = self._anyone()
        self._workers[name].kill()
        self._workers[name].join()
        self._workers[name] = self._start_worker(name)

    def kill_scheduler(self) -> None:
        """The campaign's lab ends as by kill -9, and is started again."""
        self._scheduler.kill()
        self._scheduler.join()
        self._scheduler = self._start_scheduler()

    def cut(self) -> None:
        """A host's connections are reset, and it cannot be reached for up to twice the time that is waited for it."""
        name, seconds = self._anyone(), self._rng.uniform(0, 2 * SILENCE_S)
        for proxy in (self._there[name], self._back[name]):
            proxy.cut(seconds)

    def delay(self) -> None:
        """What a host says and hears arrives late, by up to twice the time that is waited for it."""
        name, seconds = self._anyone(), self._rng.uniform(0.2, 2 * SILENCE_S)
        for proxy in (self._there[name], self._back[name]):
            proxy.delay(seconds)

    def half_open(self) -> None:
        """A host's connections go silent; either side notices first."""
        name = self._anyone()
        for proxy in (self._there[name], self._back[name]):
            proxy.half_open(self._rng.uniform(0.5, 2 * SILENCE_S), self._rng.uniform(0.5, 2 * SILENCE_S))

    # -- how it goes --

    def pace(self, seconds: float) -> None:
        """Have every trial from now on take so long."""
        draft = self.directory / f"{PACE}.part"
        draft.write_text(str(seconds))
        draft.replace(self.directory / PACE)

    @property
    def began(self) -> dict[str, Counter[str]]:
        """How often each host's engine was started with each case in each block, as the engine wrote it down."""
        found = {}
        for name in self._names:
            path = self.directory / name / STARTS
            found[name] = Counter(path.read_text().splitlines() if path.is_file() else [])
        return found

    def await_trials(self, more: int, timeout_s: float = 120.0) -> None:
        """Wait until so many more trials have begun on every host, or the campaign is over."""
        before = {name: starts.total() for name, starts in self.began.items()}
        self._await(
            lambda: all(starts.total() >= before[name] + more for name, starts in self.began.items()) or self.is_over,
            timeout_s,
        )

    def await_end(self, timeout_s: float = 300.0) -> None:
        """Wait until the campaign is over."""
        self._await(lambda: self.is_over, timeout_s)

    @property
    def is_over(self) -> bool:
        """Whether the campaign has come to its end."""
        return (self.directory / OVER).is_file()

    def _await(self, happened: Callable[[], bool], timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not happened():
            assert time.monotonic() < deadline, f"nothing came of it within {timeout_s:.0f} s: {self.began}"
            time.sleep(0.05)

    def close(self) -> None:
        """End all processes, and the network."""
        for process in (self._scheduler, *self._workers.values()):
            process.kill()
            process.join()
        for proxy in (*self._there.values(), *self._back.values()):
            proxy.close()

    # -- what became of it --

    @property
    def by_host(self) -> dict[str, list[Trial]]:
        """The trials that the campaign holds of each host."""
        places = host_directories(self._campaign)
        return {place.name: [*read_trials(place / JOURNAL_NAME)] for place in places}

    def journals(self, name: str) -> tuple[bytes, bytes]:
        """A host's journal, and the campaign's copy of it."""
        own = self.directory / name / "home" / CAMPAIGNS / self._campaign.name / JOURNAL_NAME
        copy = next(place for place in host_directories(self._campaign) if place.name == name) / JOURNAL_NAME
        return own.read_bytes(), copy.read_bytes()

    @property
    def _campaign(self) -> Path:
        return next(path for path in (self.directory / "results").iterdir() if path.is_dir())

    def _anyone(self) -> str:
        return self._rng.choice(self._names)

    def _start_scheduler(self) -> BaseProcess:
        return start(run_scheduler, self.directory, "scheduler", self._port, self._blocks)

    def _start_worker(self, name: str) -> BaseProcess:
        ways = self._back[name].ports
        return start(run_worker, self.directory / name, "worker", self._there[name].ports[0], ways)


class Tally:
    """Trials that began, as engines wrote them down, against those that journals hold.

    Attributes:
        began: starts of trials, on all hosts.
        written: runs that journals hold.
        unknown: of these, those that were in flight when their host's lab ended, and are written down as lost.
        doubled: trials that began, or are written, more than once.
        missing: trials that began and are in no journal, or are written as measured and never began.
    """

    def __init__(self, hosts: ToyHosts) -> None:
        self.began = self.written = self.unknown = self.doubled = self.missing = 0
        started = hosts.began
        for name, trials in hosts.by_host.items():
            runs = [trial for trial in trials if trial.kind is Kind.RUN]
            lost = {_start(trial) for trial in runs if Flag.ENGINE_FAILURE in trial.flags}
            written = Counter(map(_start, runs))
            began = Counter({start: count for start, count in started[name].items() if " precompilation " not in start})
            self.began += began.total()
            self.written += written.total()
            self.unknown += len(lost)
            self.doubled += sum(count - 1 for counts in (began, written) for count in counts.values())
            # one that was lost before its engine was started is written, and did not begin
            self.missing += len(began.keys() - written.keys()) + len(written.keys() - lost - began.keys())

    def __repr__(self) -> str:
        """All of it."""
        return ", ".join(f"{name} {value}" for name, value in vars(self).items())


def _start(trial: Trial) -> str:
    """A trial as its host's engine wrote it down."""
    return f"{trial.case.id} in block {trial.block}"
