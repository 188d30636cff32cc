"""Every arm of both editions on the smallest MobileNet: each that is not called unsupported gives the same bytes,
and each other framework the same numbers within the tolerance.

Arms of `current` that take no LLVM run with `just test`, as far as their images are built; the rest, variants of an
engine's settings, vectors and the edition `paper` too, with `just test-all`.
"""

from __future__ import annotations

import pytest

from lab.builds.images.ensure import find_images
from lab.builds.images.labels import ImageInfo
from lab.campaign.job import run_job
from lab.campaign.materials import Materials
from lab.campaign.modules.precompiled import PrecompiledModules
from lab.campaign.outcome import judge_exit
from lab.campaign.program import TrialProgram
from lab.core.arm import Arm, GuestProfile, Mode
from lab.core.case import Case
from lab.core.experiment import Measure
from lab.core.guest import GuestId
from lab.core.model import Model
from lab.core.names import Edition
from lab.core.trial import Kind, Outcome
from lab.disk.paths import home
from lab.engines.containers import ContainerEngine
from lab.runtimes import registry
from lab.zoo.conversion import converted
from tests.images import ensure_guests
from tests.live_campaign import measure

pytestmark = pytest.mark.live

Images = dict[str, dict[str, ImageInfo]]

SLOW_VARIANTS = {"wamr-interpreter-classic", "wasmi-interpreter-lazy", "wasmi-interpreter-eager"}
PATIENT = Measure(iterations=1, timeout="5m", compile_timeout="20m", memory="6GiB").limits


def _is_slow(edition: str, arm: Arm) -> bool:
    rare_guest = arm.guest not in {GuestProfile.O0, GuestProfile.O3}
    # a variant of an arm that runs, or, for Deno, of an engine that does; and gcc, which takes minutes as LLVM does
    variant = arm.runtime in {"deno", "wasm2c"} or (arm.backend or "").endswith("-eager") or arm.system in SLOW_VARIANTS
    return arm.backend == "llvm" or rare_guest or variant or edition != "current"


def _params(*, supported: bool) -> list[object]:
    return [
        pytest.param(
            edition,
            arm,
            id=arm.id if edition == "current" else f"{edition}-{arm.id}",
            marks=[pytest.mark.slow] if _is_slow(edition, arm) else [],
        )
        for edition in Edition
        for arm in registry.all_arms(edition)
        if arm.guest is not GuestProfile.O0 and (registry.unsupported(arm, edition) is None) is supported
    ]


@pytest.fixture(scope="module")
def here(images: dict[str, ImageInfo]) -> Images:
    """The images that are built, by edition."""
    found = {edition.value: find_images(edition) for edition in Edition}
    return {**found, "current": {**found["current"], **images}}


def bill_for(edition: str, arm: Arm, here: Images, model: Model) -> Materials:
    """What the arm needs; skips, loudly, where its image has not been built."""
    if arm.runtime not in here[edition]:
        build = f"lab build --edition {edition} {arm.runtime}"
        pytest.skip(f"LEFT OUT: the image of {arm.runtime} is not built; `{build}` does it")
    guests = ensure_guests([GuestId.of(arm)], edition=edition)
    wanted = {registry.pinned(arm, here[edition][arm.runtime].version).graph_format}
    return Materials(here[edition], guests, converted([model], wanted, home(), lambda name, what: None))


@pytest.mark.parametrize(("edition", "arm"), _params(supported=True))
def test_every_arm_gives_the_output_that_its_guest_gives_everywhere(
    edition: str, arm: Arm, here: Images, small_model: Model, tmp_path_factory: pytest.TempPathFactory
) -> None:
    materials = bill_for(edition, arm, here, small_model)
    directory = tmp_path_factory.mktemp("arm")
    trials = measure(
        directory,
        materials,
        (arm.id,),
        (small_model.name,),
        edition=edition,
        home=home(),
        iterations=1,
        timeout="5m",
        compile_timeout="20m",
    )
    runs = [trial for trial in trials if trial.kind is Kind.RUN]
    assert [(trial.outcome, trial.why) for trial in runs] == [(Outcome.OK, None)]


@pytest.mark.parametrize(("edition", "arm"), _params(supported=False))
def test_an_arm_that_is_called_unsupported_does_fail(edition: str, arm: Arm, here: Images, small_model: Model) -> None:
    materials, engine = bill_for(edition, arm, here, small_model), ContainerEngine()
    program = TrialProgram()
    if arm.mode is Mode.AOT:
        artifacts = PrecompiledModules(home() / "artifacts", materials)
        made = artifacts.make(Case(arm, "", 0), engine, PATIENT, campaign="unsupported", started_at="")
        if made.outcome is not Outcome.OK:
            return  # it fails at precompiling already
        found = artifacts.find(Case(arm, "", 0))
        assert found is not None
        program = TrialProgram(None, found[0])
    case = Case(arm, small_model.name, 1)
    job = run_job(case, materials, PATIENT, campaign="unsupported", iterations=1, return_output=False, program=program)
    assert judge_exit(engine.run(job), job.timeout_s).outcome is Outcome.CRASHED
