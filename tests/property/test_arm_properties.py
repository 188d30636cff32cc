from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.arm import Arm, GuestProfile, Mode
from lab.core.errors import ExperimentError
from lab.runtimes import registry

MODES = [Mode.INTERPRETER, Mode.JIT, Mode.AOT]
BACKENDS = st.none() | st.from_regex(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", fullmatch=True)
WASM_ARMS = st.builds(
    Arm,
    st.from_regex(r"[a-z][a-z0-9]*", fullmatch=True),
    st.sampled_from(MODES),
    BACKENDS,
    st.sampled_from(GuestProfile),
)
NATIVE_ARMS = st.builds(lambda guest: Arm("native", Mode.NATIVE, None, guest), st.sampled_from(GuestProfile))
ARMS = WASM_ARMS | NATIVE_ARMS


@given(ARMS)
def test_parsing_an_id_gives_the_arm_back(arm: Arm) -> None:
    assert Arm.parse(arm.id) == arm


@given(st.text() | st.from_regex(r"[a-z0-9@-]*", fullmatch=True))
def test_any_text_is_an_arm_whose_id_it_is_or_is_refused(text: str) -> None:
    with contextlib.suppress(ExperimentError):
        assert Arm.parse(text).id == text


@given(ARMS)
def test_a_baseline_is_native_and_its_own_baseline(arm: Arm) -> None:
    assert arm.baseline.is_native
    assert arm.baseline.baseline == arm.baseline
    assert (arm.baseline.guest is GuestProfile.O0) == (arm.guest is GuestProfile.O0)


@given(ARMS, ARMS)
def test_different_arms_have_different_ids(one: Arm, other: Arm) -> None:
    assert (one.id == other.id) == (one == other)


@given(st.lists(st.sampled_from(registry.all_arms())))
def test_the_labs_arms_can_be_sorted(arms: list[Arm]) -> None:
    assert sorted(sorted(arms, reverse=True)) == sorted(arms)


@given(st.text() | ARMS.map(lambda arm: arm.id) | st.sampled_from([arm.id for arm in registry.all_arms()]))
def test_the_registry_accepts_its_arms_and_refuses_all_others_with_a_remedy(text: str) -> None:
    if text in {arm.id for arm in registry.all_arms()}:
        registry.check(Arm.parse(text))
        return
    with pytest.raises(ExperimentError) as caught:
        registry.check(Arm.parse(text))
    assert "lab runtimes" in caught.value.remedy


@pytest.mark.parametrize("arm", registry.all_arms(), ids=lambda arm: arm.id)
def test_every_arm_of_the_lab_has_a_baseline_in_the_lab(arm: Arm) -> None:
    assert Arm.parse(arm.id) == arm
    registry.check(arm.baseline)
