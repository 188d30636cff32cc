"""Hosts that are processes of their own, connected by Dask: over TLS, with nothing but this lab's questions."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.cluster import closed_pickle, dask_port, dask_task
from lab.cluster.dask_port import DaskPort
from lab.cluster.invitation import Address, find_invitation, invite, parse_address
from lab.cluster.port import Event, Failed, Joined, Left
from lab.cluster.questions import Introduce, encode
from lab.core.errors import UsageError
from lab.core.experiment import Tier
from lab.core.trial import Outcome
from tests.hosts import SpreadStage
from tests.stage import experiment
from tests.toy_hosts import free_port, run_worker, start

TOY = experiment(tier=Tier(budget="100h", min_blocks=4, max_blocks=4, cell_budget="10h"))


@contextmanager
def workers(address: Address, directory: Path, *names: str) -> Iterator[None]:
    started = []
    for name in names:
        words = (sys.executable, "-m", "tests.toy_worker", f"{address.host}:{address.port}", name, directory / name)
        with (directory / f"{name}.log").open("wb") as log:
            started.append(subprocess.Popen([*map(str, words)], stdout=log, stderr=log))
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.mark.timeout(120)
@pytest.mark.fault("a worker process that ends in the middle of a trial")
def test_a_trial_that_ends_its_worker_is_begun_once_and_what_was_measured_stays(tmp_path: Path) -> None:
    stage, address = SpreadStage(tmp_path, TOY), Address("127.0.0.1", free_port())
    invitation = invite(tmp_path)
    for name in ("alpha", "beta"):
        (tmp_path / name).mkdir()
        shutil.copy2(invitation, tmp_path / name)
    (tmp_path / "beta" / "die-in-the-next-trial").touch()
    port = DaskPort(address, invitation)
    try:
        with workers(address, tmp_path, "alpha", "beta"):
            coordinator = stage.coordinator(port)
            # the clock of a campaign that does not wait for who is away
            stage.port.now = 0.0
            coordinator._clock = iter(range(0, 10**9, 1000)).__next__
            coordinator.run()
    finally:
        port.close()
    good = Counter(
        trial.case.id for trials in stage.by_host.values() for trial in trials if trial.outcome is Outcome.OK
    )
    assert set(good.values()) == {4}
    began = Counter((tmp_path / "beta" / "starts").read_text().splitlines())
    assert sum(began.values()) == 1, "the trial that ended its worker was begun once"


@pytest.mark.timeout(120)
def test_a_host_that_hears_and_cannot_be_reached_is_said_and_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_port, "FETCH_S", 1.0)
    port, scheduler, unreachable = free_port(), free_port(), free_port()
    made = DaskPort(Address("127.0.0.1", scheduler), None)
    host = start(run_worker, tmp_path / "alpha", "worker", scheduler, (unreachable, port))
    try:
        found: list[Event] = []
        while not any(isinstance(event, Left) for event in found):
            event = made.wait(60)
            assert event is not None, f"nothing came of it: {found}"
            found.append(event)
            if isinstance(event, Joined):
                made.ask(event.address, f"question-{len(found)}", encode(Introduce()))
        kinds = [type(event) for event in found]
        assert kinds == [Joined, Failed, Left]
        assert isinstance(found[1], Failed)
        assert f"can this machine reach tcp://127.0.0.1:{unreachable}" in found[1].why
    finally:
        host.kill()
        host.join()
        made.close()


def test_an_address_that_others_reach_wants_a_certificate(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="without a certificate"):
        find_invitation(tmp_path, Address("192.0.2.1", 8786))
    assert find_invitation(tmp_path, Address("127.0.0.1", 8786)) is None
    path = invite(tmp_path)
    assert find_invitation(tmp_path, Address("192.0.2.1", 8786)) == path
    path.chmod(0o644)
    with pytest.raises(UsageError, match="others than you can read"):
        find_invitation(tmp_path, Address("192.0.2.1", 8786))


@pytest.mark.parametrize(("text", "expected"), [("alpha", ("alpha", 8786)), ("[::1]:9", ("::1", 9))])
def test_an_address_is_a_host_with_or_without_a_port(text: str, expected: tuple[str, int]) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize("text", ["", ":1", "alpha:port", "alpha/beta", "me@alpha"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no address"):
        parse_address(text)


class _Code:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("true",)


@pytest.mark.parametrize("content", [_Code(), print, len, Path("x"), subprocess.run])
def test_a_pickle_that_names_anything_else_is_refused(content: object) -> None:
    with pytest.raises(pickle.UnpicklingError, match="none of this lab's"):
        closed_pickle.loads(pickle.dumps(content))


def test_the_task_of_this_lab_passes() -> None:
    assert closed_pickle.loads(pickle.dumps(dask_task.answer)) is dask_task.answer
    assert closed_pickle.loads(pickle.dumps([b"question", {"a": 1}])) == [b"question", {"a": 1}]
