"""Hosts behind a Dask scheduler that runs in this process: started once, never by Dask's own judgement again.

With Dask's defaults a trial that kills its worker is started four times, and results that a worker took with it are
computed again. Here a task is lost with its worker (`allowed-failures: 0`), stays on the worker that it was given to
(no stealing, no other worker, one resource ``BENCH`` a host), and its result is fetched before the next one is asked;
what became of a lost one is asked of the host when it is back.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Coroutine
from concurrent.futures import Future as Promise
from pathlib import Path
from typing import Any, TypeVar

from lab.cluster import closed_pickle, dask_task
from lab.cluster.invitation import INSTALL, Address
from lab.cluster.port import Answered, Event, Failed, HostPort, Joined, Left
from lab.core.errors import UsageError

try:
    import dask
    from distributed import Client, Scheduler
    from distributed import wait as settled
    from distributed.diagnostics.plugin import SchedulerPlugin
    from distributed.security import Security
except ImportError as error:  # an extra
    raise UsageError("hosts cannot be connected: Dask's `distributed` is not installed", INSTALL) from error

RESOURCE = "BENCH"
SILENCE = "60s"
"""A host that was not heard of for so long is taken for gone, its connection half-open."""
FETCH_S = 60.0
"""For so long an answer may be on its way from a host that has found it."""
_T = TypeVar("_T")
SETTINGS = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.worker-ttl": SILENCE,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # what looks at a process a hundred times a second has no place beside a measurement
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.terminate": False,
    "distributed.admin.system-monitor.interval": "60s",
    "distributed.comm.timeouts.connect": "20s",
    "distributed.comm.timeouts.tcp": "60s",
}


def prepare_dask() -> None:
    """Set Dask up for this lab in this process: its settings, what it may read, and what it says."""
    dask.config.set(SETTINGS)
    closed_pickle.close()
    for name in ("distributed", "tornado", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def security(invitation: Path | None) -> Security:
    """How connections are made: with that certificate only, or, on loopback, without any."""
    if invitation is None:
        return Security(require_encryption=False)  # type: ignore[no-untyped-call]
    roles = ("client", "scheduler", "worker")
    files = {f"tls_{role}_{part}": str(invitation) for role in roles for part in ("cert", "key")}
    return Security(require_encryption=True, tls_ca_file=str(invitation), **files)  # type: ignore[no-untyped-call]


class _Events(SchedulerPlugin):
    """Hears which workers come and go."""

    name = "lab-events"

    def __init__(self, events: queue.SimpleQueue[Event]) -> None:
        self._events = events

    def add_worker(self, scheduler: Any, worker: str) -> None:  # noqa: ARG002 - Dask's interface
        """See `SchedulerPlugin.add_worker`."""
        self._events.put(Joined(worker))

    def remove_worker(self, scheduler: Any, worker: str, **_: Any) -> None:  # noqa: ARG002
        """See `SchedulerPlugin.remove_worker`."""
        self._events.put(Left(worker))


class DaskPort(HostPort):
    """A scheduler, and the client that asks.

    Args:
        address: where hosts find it.
        invitation: the certificate; None on loopback.

    Raises:
        UsageError: nothing can listen there.
    """

    def __init__(self, address: Address, invitation: Path | None) -> None:
        prepare_dask()
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="scheduler", daemon=True)
        self._thread.start()
        try:
            self._run(self._open(address, invitation))
        except OSError as error:
            self._stop()
            raise UsageError(
                f"nothing can listen at {address.host}:{address.port}: {error}", "give another port"
            ) from error

    def ask(self, address: str, key: str, content: bytes) -> None:
        """See `HostPort.ask`."""
        asyncio.run_coroutine_threadsafe(self._ask(address, key, content), self._loop)

    def wait(self, timeout_s: float) -> Event | None:
        """See `HostPort.wait`."""
        try:
            return self._events.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def close(self) -> None:
        """See `HostPort.close`."""
        self._run(self._close())
        self._stop()

    async def _open(self, address: Address, invitation: Path | None) -> None:
        scheme = "tcp" if invitation is None else "tls"
        secured = security(invitation)
        # without extensions: none is needed, and some carry code
        self._scheduler = Scheduler(
            host=address.url(scheme),
            security=secured,
            dashboard=False,
            dashboard_address="127.0.0.1:0",
            extensions={},
            plugins=[_Events(self._events)],
        )
        closed_pickle.keep_only(self._scheduler.handlers, closed_pickle.HANDLERS_OF_THE_SCHEDULER)
        await self._scheduler
        self._scheduler.http_server.stop()
        self._client = await Client(  # type: ignore[no-untyped-call]
            self._scheduler.address, security=secured, asynchronous=True, set_as_default=False, direct_to_workers=False
        )

    async def _ask(self, address: str, key: str, content: bytes) -> None:
        """Have one worker run the task once, and report what becomes of it unless the worker goes away."""
        try:
            future = self._client.submit(
                dask_task.answer,
                content,
                key=key,
                workers=[address],
                allow_other_workers=False,
                resources={RESOURCE: 1},
                retries=0,
                pure=False,
            )
            with self._client.as_current():
                await settled([future])  # type: ignore[no-untyped-call]
            fetching = asyncio.ensure_future(future.result())
            # not cancelled when it takes too long: other answers may be fetched by the same request of Dask's
            if not (await asyncio.wait({fetching}, timeout=FETCH_S))[0]:
                await self._let_go(address)
                return
            answer = fetching.result()
        except Exception as error:  # whatever Dask raises, the question is lost
            if address in self._scheduler.workers:
                self._events.put(Failed(address, f"its worker could not answer: {error or type(error).__name__}"))
            return
        future.release()
        self._events.put(Answered(address, answer))

    async def _let_go(self, address: str) -> None:
        """Part with a host that hears, and cannot be reached: others would wait with it. It comes back by itself."""
        why = f"its answer cannot be fetched: can this machine reach {address}, or does a firewall prevent it?"
        self._events.put(Failed(address, why))
        await self._scheduler.remove_worker(address, stimulus_id=f"unreachable-{address}")

    async def _close(self) -> None:
        await self._client.close(timeout=5)
        await self._scheduler.close(reason="the campaign has ended")

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        promise: Promise[_T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return promise.result()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
