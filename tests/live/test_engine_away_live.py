"""An engine that is restarted or stopped under a campaign: for real, on a dockerd of the test's own."""

from __future__ import annotations

import random
import shutil
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.builds.guests import GuestBuild
from lab.builds.images.labels import ImageInfo
from lab.core.errors import EngineMissing
from lab.core.guest import GuestId
from lab.core.model import Model
from lab.core.names import Flag
from lab.core.trial import Outcome, Trial
from lab.store.journal import JOURNAL_NAME, read_trials
from tests.faults import Faults
from tests.live_command import Running, native_experiment
from tests.own_engine import OwnEngine, own_engine

pytestmark = [pytest.mark.live, pytest.mark.slow]

BLOCKS = 6
EXPERIMENT = native_experiment(
    "away", "What does a campaign lose when its engine goes away?", iterations=200, blocks=BLOCKS
)
# as the command, but for how long it waits: minutes would be spent on every round
IMPATIENT = (
    "import lab.campaign.patience as patience; patience.LONGEST_ABSENCE_S = 3.0; from lab.cli.app import main; main()"
)
PATIENT = "from lab.cli.app import main; main()"


@pytest.fixture(scope="module")
def engine(native_image: ImageInfo) -> Iterator[OwnEngine]:
    """A second engine that has the image of native guests, and nothing else."""
    try:
        # the path of a socket has 108 characters at most
        with own_engine(Path("/var/tmp") / f"lab-engine-{uuid.uuid4().hex[:8]}") as engine:  # noqa: S108 - it is removed
            engine.load(native_image.reference)
            yield engine
    except PermissionError as why:
        pytest.skip(f"LEFT OUT: {why}")


class Away:
    """A campaign on the second engine."""

    def __init__(self, directory: Path, engine: OwnEngine) -> None:
        self.results, self._engine = directory / "results", engine
        self._experiment = directory / "away.toml"
        self._experiment.write_text(EXPERIMENT, encoding="utf-8")

    def start(self, code: str, monkeypatch: pytest.MonkeyPatch) -> Running:
        """`lab run`, running."""
        monkeypatch.setenv("DOCKER_HOST", self._engine.url)
        words = ("run", str(self._experiment), "--tier", "smoke", "--results", str(self.results))
        return Running([sys.executable, "-c", code, *words], self.results, "away")

    def assert_whole(self) -> list[Trial]:
        """Each block has its one trial, under numbers without a gap; the engine holds no container."""
        (journal,) = self.results.glob(f"away-*/{JOURNAL_NAME}")
        trials = list(read_trials(journal))
        assert [trial.number for trial in trials] == list(range(len(trials)))
        assert sorted(trial.block for trial in trials) == list(range(BLOCKS)), "none lost, none doubled"
        assert all(trial.outcome is Outcome.OK or Flag.ENGINE_FAILURE in trial.flags for trial in trials)
        assert self._engine.containers() == []
        return trials


@pytest.mark.fault("the engine restarted", seconds=12)
def test_a_campaign_goes_on_over_a_restart_of_its_engine(
    engine: OwnEngine,
    guests: dict[GuestId, GuestBuild],
    small_model: Model,
    tmp_path: Path,
    rng: random.Random,
    faults: Faults,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    while faults.count < faults.rounds:
        away = Away(tmp_path, engine)
        lab = away.start(PATIENT, monkeypatch)
        for trials in (1, 3):
            lab.wait_for(trials)
            time.sleep(rng.uniform(0.0, 1.5))
            engine.stop()
            time.sleep(rng.choice((0.0, 1.0, 4.0)))
            engine.start()
            faults.injected()
        said = lab.ended()
        assert lab.process.returncode == 0, said
        assert "Traceback" not in said
        trials_of = away.assert_whole()
        assert {trial.outcome for trial in trials_of} == {Outcome.OK}, "a restart costs no trial"
        shutil.rmtree(away.results)


@pytest.mark.fault("the engine stopped", seconds=20)
def test_a_campaign_whose_engine_stays_away_ends_with_its_own_code_and_resumes(
    engine: OwnEngine,
    guests: dict[GuestId, GuestBuild],
    small_model: Model,
    tmp_path: Path,
    rng: random.Random,
    faults: Faults,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    while faults.count < faults.rounds:
        away = Away(tmp_path, engine)
        lab = away.start(IMPATIENT, monkeypatch)
        lab.wait_for(2)
        time.sleep(rng.uniform(0.0, 0.5))
        engine.stop()
        try:
            said = lab.ended()
        finally:
            engine.start()
        assert lab.process.returncode == EngineMissing.exit_code, said
        assert "waiting for the engine" in said
        assert "Traceback" not in said
        (directory,) = (path for path in away.results.iterdir() if path.is_dir() and not path.is_symlink())
        kept = (directory / JOURNAL_NAME).read_bytes()
        lab = away.start(PATIENT, monkeypatch)
        again = lab.ended()
        assert lab.process.returncode == 0, again
        assert f"resuming {directory}" in again
        assert (directory / JOURNAL_NAME).read_bytes().startswith(kept[: kept.rfind(b"\n") + 1])
        away.assert_whole()
        faults.injected()
        shutil.rmtree(away.results)
