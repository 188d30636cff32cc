"""A small calibration in real containers: the real guest obeys its slowdown and still gives the right output."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.builds.guests import GuestBuild
from lab.builds.images.labels import ImageInfo
from lab.calibrate.assess import judge_calibration
from lab.calibrate.calibration_report import page
from lab.calibrate.calibrator import Begun, Calibrator, fingerprint_of, label_of
from lab.calibrate.settings import SLOWED, Settings
from lab.campaign.materials import Materials
from lab.campaign.session import Session
from lab.core.guest import GuestId
from lab.core.model import Model
from lab.core.trial import Outcome
from lab.disk.paths import home
from lab.engines.containers import ContainerEngine
from lab.store.journal import JOURNAL_NAME, Journal
from tests.fakes import LoggingObserver

pytestmark = pytest.mark.live

# So large that the busiest machine cannot hide it: the test is of the slowdown, not of this machine's noise.
TENFOLD = 9.0


def test_a_tenfold_slowdown_is_found_in_inferences_of_real_containers(
    tmp_path: Path, native_image: ImageInfo, guests: dict[GuestId, GuestBuild], small_model: Model
) -> None:
    settings = Settings(arm="native@o3", model=small_model.name, blocks=6, aa_arms=2, slowdown=TENFOLD, iterations=4)
    materials, engine = Materials({"native": native_image}, guests, {small_model.name: small_model}), ContainerEngine()
    with Journal(tmp_path / JOURNAL_NAME) as journal:
        session = Session(
            name=f"calibration-live-{tmp_path.name}",
            materials=materials,
            limits=settings.experiment.measure.limits,
            engine=engine,
            journal=journal,
            trials=[],
            home=home(),
            observer=LoggingObserver([]),
        )
        trials = Calibrator(session, settings).run()
    assert {trial.outcome for trial in trials} == {Outcome.OK}
    assert len(trials) == 1 + 6 * 3
    assert sum(label_of(trial) == SLOWED for trial in trials) == 6
    found = judge_calibration(Begun(2, settings, fingerprint_of(settings, materials, engine)), trials, simulations=50)
    for effect in found.slowdown:
        if effect.truth is not None:
            assert effect.truth == 10
            assert effect.found
            assert effect.judgement.estimate.value == pytest.approx(10, rel=0.5)
    assert small_model.graph_sha256 in page(found)
