"""Writing the lock over: what is here replaces its own entries and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.builds.guests import GuestBuild
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.guest import GuestId
from lab.core.model import Model
from lab.core.trial import Kind, Outcome, Trial
from lab.store.campaigns import create
from lab.store.journal import JOURNAL_NAME, Journal
from lab.verify.lockfile import Lock, LockedEdition, LockedModel
from lab.verify.relock import relocked
from tests.fakes import make_models
from tests.synthetic import MODELS, make_manifest

MODEL = next(iter(MODELS))
CASE = Case(Arm.parse("wasmtime-jit-cranelift@o3"), MODEL, 1)
MANIFEST = make_manifest((CASE.arm.id,), (MODEL,), (1,))
SAME = MANIFEST.guests["wasm/o3"].sha256
BEFORE = Lock(
    editions={
        "current": LockedEdition(
            {"wasm/o3": SAME, "wasm/o3-simd": "simd"},
            {"wasm/o3": {f"{MODEL} b3": "three"}, "wasm/o3-simd": {f"{MODEL} b1": "vectors"}},
        )
    }
)


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    """One trial of the guest at o3."""
    directory = create(tmp_path, MANIFEST)
    with Journal(directory / JOURNAL_NAME) as journal:
        journal.append(
            Trial.of(
                CASE,
                number=0,
                block=0,
                kind=Kind.RUN,
                started_at="now",
                outcome=Outcome.OK,
                total_ns=1,
                output_sha256="one",
            )
        )
    return directory


def locked(campaign: Path, sha256: str) -> LockedEdition:
    guests = {GuestId.parse("wasm/o3"): GuestBuild(campaign / "guest.wasm", sha256, 1, "rustc")}
    return relocked(BEFORE, {}, guests, "current", campaign).edition("current")


def test_the_outputs_of_a_guest_that_is_not_here_stay_locked(campaign: Path) -> None:
    for sha256 in (SAME, "changed"):
        assert locked(campaign, sha256).outputs["wasm/o3-simd"] == {f"{MODEL} b1": "vectors"}
        assert locked(campaign, sha256).guests == {"wasm/o3": sha256, "wasm/o3-simd": "simd"}


def test_what_the_campaign_gave_is_added_to_what_was_locked(campaign: Path) -> None:
    assert locked(campaign, SAME).outputs["wasm/o3"] == {f"{MODEL} b1": "one", f"{MODEL} b3": "three"}


def test_a_changed_guests_outputs_are_dropped_and_not_taken_from_an_older_campaign(campaign: Path) -> None:
    assert "wasm/o3" not in locked(campaign, "changed").outputs


def inputs_locked(campaign: Path, model: Model, before: dict[str, str]) -> dict[str, str]:
    old = Lock(models={model.name: LockedModel("graph", before)})
    return relocked(old, {model.name: model}, {}, "current", campaign).models[model.name].input_sha256


def test_inputs_of_absent_batches_stay_locked_unless_a_present_batch_changed(campaign: Path, tmp_path: Path) -> None:
    model = make_models(tmp_path / "models", ("tiny",))["tiny"]
    here = {str(prebuilt.batch): prebuilt.input_sha256 for prebuilt in model.inputs}
    assert inputs_locked(campaign, model, {"1": here["1"], "7": "seven"}) == {**here, "7": "seven"}
    assert inputs_locked(campaign, model, {"1": "another", "7": "seven"}) == here
