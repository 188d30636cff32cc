"""A host's connection to the campaign's machine: kept up, and made again when it was lost, until the host leaves."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

from distributed import Worker
from distributed.core import Status

from lab.cluster import closed_pickle, dask_task
from lab.cluster.dask_port import RESOURCE, prepare_dask, security
from lab.cluster.host_side import HostSide
from lab.cluster.invitation import Address

RETRY_S = 2.0


def serve(
    host: HostSide, address: Address, invitation: Path | None, note: Callable[[str], None], *, once: bool = False
) -> None:
    """Answer the questions of campaigns until this process is asked to end; the trial in flight is finished first.

    Args:
        host: answers.
        address: of the campaign's machine, which need not be there yet.
        invitation: the certificate; None on loopback.
        note: called with what happens, in one line.
        once: whether to end when the first campaign lets go, as a batch job does.
    """
    prepare_dask()
    usable = os.sched_getaffinity(0)

    def answer(question: bytes) -> bytes:
        # trials may use every processor; only the thread that keeps the connection stays on one
        os.sched_setaffinity(0, usable)
        return host.answer(question)

    dask_task.serve_with(answer)
    if len(usable) > 1:
        os.sched_setaffinity(0, {min(usable)})
    asyncio.run(_serve(host, address, invitation, note, once=once))


async def _serve(
    host: HostSide, address: Address, invitation: Path | None, note: Callable[[str], None], *, once: bool
) -> None:
    leaving = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, leaving.set)
    is_waiting = False
    while not leaving.is_set():
        try:
            with tempfile.TemporaryDirectory(prefix="lab-worker-") as scratch:
                await _connect(host, address, invitation, note, leaving, scratch)
                is_waiting = False
            if once:
                break
        except (OSError, TimeoutError, RuntimeError) as error:
            if not is_waiting:
                why = str(error) or type(error).__name__
                note(f"{address.host}:{address.port} does not answer yet ({why}); waiting for it")
            is_waiting = True
        if not leaving.is_set():
            await asyncio.to_thread(host.release)
            await _sleep(leaving, RETRY_S)
    await asyncio.to_thread(host.leave)


async def _connect(
    host: HostSide,
    address: Address,
    invitation: Path | None,
    note: Callable[[str], None],
    leaving: asyncio.Event,
    scratch: str,
) -> None:
    """One connection, from its beginning to its end."""
    scheme = "tcp" if invitation is None else "tls"
    worker = Worker(
        address.url(scheme),
        nthreads=1,
        resources={RESOURCE: 1},
        memory_limit=0,
        local_directory=scratch,
        security=security(invitation),
        dashboard=False,
        dashboard_address="127.0.0.1:0",
        death_timeout=20,
        # the scheduler has none either
        extensions={},
    )
    closed_pickle.keep_only(worker.handlers, closed_pickle.HANDLERS_OF_HOSTS)
    async with worker:
        worker.http_server.stop()
        note(f"{host.name} takes part at {address.host}:{address.port}")
        ended = asyncio.ensure_future(worker.finished())  # type: ignore[no-untyped-call]
        asked = asyncio.ensure_future(leaving.wait())
        await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if leaving.is_set() and worker.status is not Status.closed:
            note("asked to end: finishing the trial that is running")
            await asyncio.to_thread(host.leave)
            # the answer is on its way
            await asyncio.sleep(1.0)
        await worker.close(executor_wait=False)
    note(f"{address.host}:{address.port} has let go")


async def _sleep(leaving: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(leaving.wait(), seconds)
    except TimeoutError:
        return
