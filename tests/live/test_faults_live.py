"""Whatever is done to a campaign from outside: no finished trial is lost or doubled, nothing is left running."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from lab.builds.guests import GuestBuild
from lab.core.errors import EXIT_INTERRUPTED, DataError, NoSpace
from lab.core.guest import GuestId
from lab.core.model import Model
from lab.core.names import Flag
from lab.core.trial import Kind, Outcome, Trial
from lab.disk.paths import home
from lab.engines.containers import CASE_LABEL
from lab.engines.docker_sdk import Container, connect
from lab.engines.owner import CAMPAIGN_LABEL
from lab.store.journal import JOURNAL_NAME, read_trials
from tests.command import LAB
from tests.faults import Faults
from tests.images import ensure_images

pytestmark = [pytest.mark.live, pytest.mark.slow]

PATIENCE_S = 300
ROOT = Path(__file__).resolve().parents[2]
ARMS, BLOCKS = ("native@o3", "wasmtime-aot-cranelift@o3"), 4
EXPERIMENT = """
name = "faulty"
question = "What does a campaign lose to faults?"

[measure]
iterations = 20
precision = "0.001%"

[tiers.smoke]
budget = "1h"
min_blocks = 4
max_blocks = 4

[[matrix]]
arms = ["native@o3", "wasmtime-aot-cranelift@o3"]
models = ["mobilenet_v1_0.25_128"]
"""


class Victim:
    """One campaign, run by the real command, which tests start, harm and start again."""

    def __init__(self, directory: Path) -> None:
        self.results = directory / "results"
        path = directory / "faulty.toml"
        path.write_text(EXPERIMENT, encoding="utf-8")
        self._command = [*LAB, "run", str(path), "--tier", "smoke", "--results", str(self.results)]

    def start(self) -> subprocess.Popen[str]:
        """The command, running."""
        return subprocess.Popen(
            self._command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def finish(self, *, code: int = 0) -> str:
        """The command to its end; what it said."""
        lab = self.start()
        said, _ = lab.communicate(timeout=PATIENCE_S)
        assert lab.returncode == code, said
        assert "Traceback" not in said
        return said

    @property
    def journal(self) -> Path:
        """Of the one campaign there is."""
        (found,) = self.results.glob(f"faulty-*/{JOURNAL_NAME}")
        return found

    @property
    def is_finished(self) -> bool:
        """Whether the campaign came to its end before a fault struck: another start would begin a new one."""
        return any(self.results.glob("faulty-*/finished"))

    @property
    def name(self) -> str:
        """Of the campaign."""
        return self.journal.parent.name

    def wait_for(self, trials: int, lab: subprocess.Popen[str]) -> None:
        """Until the journal holds so many whole lines."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and lab.poll() is None:
            with suppress(ValueError, OSError):
                if self.journal.read_bytes().count(b"\n") >= trials:
                    return
            time.sleep(0.01)
        raise AssertionError(f"ended too early: {lab.communicate()[0]}")

    def assert_whole(self) -> list[Trial]:
        """Every case ran well once in each block, under numbers without a gap; nothing is left of anything."""
        trials = list(read_trials(self.journal))
        good = Counter(
            (trial.arm.id, trial.block) for trial in trials if trial.kind is Kind.RUN and trial.outcome is Outcome.OK
        )
        assert good == {(arm, block): 1 for arm in ARMS for block in range(BLOCKS)}
        assert [trial.number for trial in trials] == list(range(len(trials)))
        ran = [trial for trial in trials if trial.kind is Kind.RUN and trial.infer_ns]
        hashes = {(trial.arm.target, trial.output_sha256) for trial in ran}
        assert len(hashes) == len({target for target, _ in hashes}), "one output for each kind of guest"
        self.assert_nothing_left()
        return trials

    def assert_nothing_left(self) -> None:
        """No container of the campaign, and no half-made module."""
        assert containers_of(self.name) == []
        assert not list((home() / "artifacts").glob(f".making-{self.name}*"))


def containers_of(campaign: str) -> list[Container]:
    return connect().containers.list(all=True, filters={"label": f"{CAMPAIGN_LABEL}={campaign}"}, ignore_removed=True)


@pytest.fixture
def victim(tmp_path: Path, guests: dict[GuestId, GuestBuild], small_model: Model) -> Victim:
    """A campaign whose images, guests and model are there."""
    ensure_images(["native", "wasmtime"])
    return Victim(tmp_path)


SIGNALS = {
    "kill -9 of the lab": signal.SIGKILL,
    "SIGTERM to the lab": signal.SIGTERM,
    "SIGHUP to the lab": signal.SIGHUP,
    "Ctrl-C": signal.SIGINT,
}


@pytest.mark.fault(seconds=6)
@pytest.mark.parametrize(
    "sent", [pytest.param(sent, id=kind, marks=pytest.mark.fault(kind)) for kind, sent in SIGNALS.items()]
)
def test_a_lab_that_is_ended_at_a_random_instant_goes_on_where_it_was(
    victim: Victim, rng: random.Random, faults: Faults, sent: signal.Signals
) -> None:
    kept = b""
    for _ in range(faults.rounds):
        lab = victim.start()
        with suppress(subprocess.TimeoutExpired):
            lab.wait(timeout=rng.uniform(0.5, 6.0))
        if lab.poll() is None:
            lab.send_signal(sent)
        said, _ = lab.communicate(timeout=PATIENCE_S)
        ended = {0, -sent, EXIT_INTERRUPTED, 128 + sent}
        assert lab.returncode in ended, said
        if victim.results.exists() and list(victim.results.glob(f"faulty-*/{JOURNAL_NAME}")):
            assert "Traceback" not in said
            now = victim.journal.read_bytes()
            assert now.startswith(kept), "what was measured stays as it is"
            kept = now[: now.rfind(b"\n") + 1]
            if sent is not signal.SIGKILL:
                victim.assert_nothing_left()
        faults.injected()
        if victim.is_finished:
            victim.assert_whole()
            shutil.rmtree(victim.results)
            kept = b""
    victim.finish()
    assert victim.journal.read_bytes().startswith(kept)
    victim.assert_whole()


@contextmanager
def harming(victim: Victim, harm: Callable[[Container], None], faults: Faults) -> Iterator[None]:
    """Do something to the containers of a campaign while it runs: to as many as there are rounds."""
    over = threading.Event()

    def work() -> None:
        left, seen = faults.rounds - faults.count, set[str]()
        while left and not over.is_set():
            with suppress(ValueError):
                for container in containers_of(victim.name):
                    is_trial = not container.labels.get(CASE_LABEL, "").endswith("precompilation")
                    if container.id not in seen and container.status == "running" and is_trial:
                        seen.add(str(container.id))
                        with suppress(Exception):  # it may have ended in this instant
                            harm(container)
                            faults.injected()
                            left -= 1
                        break
            time.sleep(0.3)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _pause_for_a_while(container: Container) -> None:
    container.pause()
    time.sleep(1.0)
    container.unpause()


HARMS: dict[str, Callable[[Container], None]] = {
    "a container killed behind the lab's back": lambda container: container.kill(),
    "a container removed behind the lab's back": lambda container: container.remove(force=True),
    "a container stopped behind the lab's back": lambda container: container.stop(timeout=1),
    "a container paused behind the lab's back": _pause_for_a_while,
}


@pytest.mark.fault(seconds=4)
@pytest.mark.parametrize(
    "harm", [pytest.param(harm, id=kind, marks=pytest.mark.fault(kind)) for kind, harm in HARMS.items()]
)
def test_a_container_that_is_harmed_costs_no_other_trial(
    victim: Victim, faults: Faults, harm: Callable[[Container], None]
) -> None:
    while faults.count < faults.rounds:
        before = faults.count
        with harming(victim, harm, faults):
            victim.finish()
        assert faults.count > before
        trials = list(read_trials(victim.journal))
        ran = Counter((trial.arm.id, trial.block) for trial in trials if trial.kind is Kind.RUN)
        assert set(ran.values()) <= {1}
        odd = [trial for trial in trials if trial.outcome is not Outcome.OK]
        assert len(odd) <= faults.count - before
        assert all(trial.why for trial in odd)
        assert all(Flag.ENGINE_FAILURE in trial.flags for trial in odd), "it says nothing of the guest"
        victim.assert_nothing_left()
        shutil.rmtree(victim.results)


def _torn(journal: bytes, rng: random.Random) -> bytes:
    return journal[: rng.randrange(journal.rindex(b"\n", 0, -1) + 1, len(journal))]


@pytest.mark.fault("the journal's last line torn", seconds=6)
def test_a_torn_last_line_costs_that_trial_alone(victim: Victim, rng: random.Random, faults: Faults) -> None:
    victim.finish()
    whole = victim.journal.read_bytes()
    for _ in range(faults.rounds):
        (victim.journal.parent / "finished").unlink(missing_ok=True)
        torn = _torn(whole, rng)
        victim.journal.write_bytes(torn)
        victim.finish()
        assert victim.journal.read_bytes().startswith(torn[: torn.rfind(b"\n") + 1])
        victim.assert_whole()
        faults.injected()


def _flipped(journal: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(journal))
    return journal[:place] + bytes([journal[place] ^ (1 << rng.randrange(8))]) + journal[place + 1 :]


def _lost(journal: bytes, rng: random.Random) -> bytes:
    lines = journal.splitlines(keepends=True)
    del lines[rng.randrange(len(lines) - 1)]
    return b"".join(lines)


def _doubled(journal: bytes, rng: random.Random) -> bytes:
    lines = journal.splitlines(keepends=True)
    place = rng.randrange(len(lines))
    return b"".join([*lines[: place + 1], *lines[place:]])


def _foreign(journal: bytes, rng: random.Random) -> bytes:
    return journal + rng.randbytes(200).replace(b"\n", b"") + b"\n"


def _read(journal: Path) -> list[Trial] | None:
    """Its trials; None if it is refused."""
    with suppress(DataError):
        return list(read_trials(journal))
    return None


CHANGES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "a bit of the journal flipped": _flipped,
    "a line of the journal lost": _lost,
    "a line of the journal doubled": _doubled,
    "a foreign line in the journal": _foreign,
    "two journals concatenated": lambda journal, _: journal + journal,
}


@pytest.mark.fault(seconds=2)
@pytest.mark.parametrize(
    "change", [pytest.param(change, id=kind, marks=pytest.mark.fault(kind)) for kind, change in CHANGES.items()]
)
def test_a_changed_journal_is_refused_and_left_as_it_is_or_read_as_it_was(
    victim: Victim, rng: random.Random, faults: Faults, change: Callable[[bytes, random.Random], bytes]
) -> None:
    victim.finish()
    whole = victim.journal.read_bytes()
    before = victim.assert_whole()
    for _ in range(faults.rounds * 3):
        changed = change(whole, rng)
        victim.journal.write_bytes(changed)
        read = _read(victim.journal)
        if read is not None:
            # a damaged last line is taken for one that was being written
            assert read == before[: len(read)]
            assert len(read) >= len(before) - 1
        assert victim.journal.read_bytes() == changed
        faults.injected()


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def _empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.fault("a precompiled module damaged", seconds=30)
@pytest.mark.parametrize("damage", [_truncate, _flip, _empty, Path.unlink])
def test_a_damaged_module_is_made_again(victim: Victim, damage: Callable[[Path], None], faults: Faults) -> None:
    victim.finish()
    shutil.rmtree(victim.results)
    modules = list((home() / "artifacts").glob(f"{ARMS[1]}-*/guest.cwasm"))
    for module in modules:
        damage(module)
    victim.finish()
    trials = victim.assert_whole()
    made = [trial for trial in trials if trial.kind is Kind.COMPILE]
    assert [Flag.FROM_CACHE in trial.flags for trial in made] == [False], "made again, not found"
    faults.injected()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 300 KiB, for root on a machine that may mount."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "none", str(place)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"LEFT OUT: no small disk can be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.fault("the disk of the results full", seconds=15)
def test_a_full_disk_ends_the_campaign_with_its_own_code_and_space_lets_it_go_on(
    victim: Victim, small_disk: Path, rng: random.Random, faults: Faults
) -> None:
    victim.results.symlink_to(small_disk, target_is_directory=True)
    for _ in range(faults.rounds):
        ballast = small_disk / "ballast"
        free = shutil.disk_usage(small_disk).free
        ballast.write_bytes(b"x" * max(0, free - rng.choice((0, 2000))))
        victim.finish(code=NoSpace.exit_code)
        ballast.unlink()
        faults.injected()
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    victim.finish()
    directories = [path for path in small_disk.iterdir() if path.is_dir() and not path.is_symlink()]
    assert len(directories) == 1, "the campaign went on, and no second one was begun"
    victim.assert_whole()
