"""Which cases are measured before the slow runtimes are built."""

from __future__ import annotations

from collections.abc import Iterable

from lab.campaign.outlook import early_cases
from lab.core.arm import Arm
from lab.core.case import Case

NATIVE, QUICK, SLOW = "native@o3", "wasmedge-interpreter@o3", "wasmtime-jit-cranelift@o3"


def cases(*arms: str, models: Iterable[str] = ("yunet", "vgg_16"), batches: Iterable[int] = (1,)) -> list[Case]:
    return [Case(Arm.parse(arm), model, batch) for arm in arms for model in models for batch in batches]


def test_quick_runtimes_come_early_each_with_its_baseline() -> None:
    early = early_cases(cases(NATIVE, QUICK, SLOW), {"native", "wasmedge"}, {"vgg_16"})
    assert {case.id for case in early} == {f"{NATIVE} yunet b1", f"{QUICK} yunet b1"}


def test_large_networks_that_are_here_are_measured_early_too() -> None:
    early = early_cases(cases(NATIVE, QUICK, SLOW), {"native", "wasmedge"}, set())
    assert {case.model for case in early} == {"yunet", "vgg_16"}


def test_one_level_and_the_smallest_batch_come_first() -> None:
    wanted = cases(NATIVE, QUICK, SLOW, "native@o0", "wasmedge-interpreter@o0", batches=(1, 3))
    early = early_cases(wanted, {"native", "wasmedge"}, set())
    assert {(case.arm.guest.value, case.batch) for case in early} == {("o3", 1)}


def test_nothing_is_early_if_nothing_is_waited_for_or_only_native_is_quick() -> None:
    assert early_cases(cases(NATIVE, QUICK, SLOW), {"native", "wasmedge", "wasmtime"}, {"vgg_16"}) == ()
    assert early_cases(cases(NATIVE, SLOW), {"native"}, set()) == ()
