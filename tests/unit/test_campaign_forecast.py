"""What budgets are predicted to answer before anything is measured."""

from __future__ import annotations

import pytest

from lab.campaign.plan_estimate import CaseEstimate
from lab.campaign.prediction import CONTAINER_S, guess_compile_s
from lab.campaign.sets.forecast import Forecast, forecast
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.experiment import Tier
from lab.core.trial import Kind, Outcome, Trial
from lab.core.want import Want

NATIVE, JIT, SLOW = (
    Case(Arm.parse(arm), "yunet", 1) for arm in ("native@o3", "wasmtime-jit-cranelift@o3", "wasmedge-interpreter@o3")
)
TIER = Tier("1h", cell_budget="5m")


def estimates(**seconds: float | None) -> list[CaseEstimate]:
    by_name = {"native": NATIVE, "jit": JIT, "slow": SLOW}
    return [CaseEstimate(by_name[name].id, cost, "a guess", None, None) for name, cost in seconds.items()]


def want(name: str, above: Case) -> Want:
    return Want(name=name, above=(above,), below=(NATIVE,), quantity="single_total_ns", half_width=0.1)


def ran(case: Case, block: int, seconds: float) -> Trial:
    return Trial.of(
        case, block=block, kind=Kind.RUN, started_at="now", outcome=Outcome.OK, total_ns=round(seconds * 1e9)
    )


def answered(found: Forecast) -> list[tuple[str, ...]]:
    return [each.answered for each in found.budgets]


def test_more_time_answers_more() -> None:
    wants = [want("cheap", JIT), want("expensive", SLOW)]
    found = forecast(wants, TIER, estimates(native=1.0, jit=5.0, slow=100.0), (10.0, 20.0, 1000.0))
    assert answered(found) == [(), ("cheap",), ("cheap", "expensive")]
    assert {each.name: each.cost_s for each in found.questions} == {"cheap": 18.0, "expensive": 303.0}


def test_a_cell_beyond_the_tiers_budget_or_without_a_model_cannot_be_had() -> None:
    wants = [want("cheap", JIT), want("expensive", SLOW)]
    found = forecast(wants, TIER, estimates(native=1.0, jit=None, slow=301.0), (1e9,))
    assert answered(found) == [()]
    assert [each.cost_s for each in found.questions] == [None, None]


def test_what_a_campaign_has_measured_is_not_paid_for_again() -> None:
    wants = [want("cheap", JIT), want("expensive", SLOW)]
    done = [ran(case, block, 2.0 + block / 1000) for case in (NATIVE, JIT) for block in range(3)]
    found = forecast(wants, TIER, estimates(native=1.0, jit=5.0, slow=100.0), (0.0, 1000.0), done)
    assert answered(found) == [("cheap",), ("cheap", "expensive")]
    costs = {question.name: question.cost_s for question in found.questions}
    assert costs["cheap"] == 0
    assert costs["expensive"] == pytest.approx(3 * 100 + 3 * (2.001 + CONTAINER_S))


def test_a_precompilation_is_paid_for_once() -> None:
    aot = Case(Arm.parse("wasmtime-aot-cranelift@o3"), "yunet", 1)
    other = Case(aot.arm, "vgg_16", 1)
    cases = [CaseEstimate(case.id, 1.0, "a guess", None, None) for case in (aot, other, NATIVE)]
    wants = [want("one", aot), want("two", other)]
    found = forecast(wants, TIER, cases, (1e6,))
    alone_s = 6.0 + guess_compile_s(aot.arm)
    assert [question.cost_s for question in found.questions] == [alone_s, alone_s]
    assert answered(forecast(wants, TIER, cases, (alone_s + 3.0,))) == [("one", "two")]


def test_a_question_about_cases_that_the_tier_lacks_is_left_out() -> None:
    found = forecast([want("expensive", SLOW)], TIER, estimates(native=1.0, jit=1.0), (1e9,))
    assert found.questions == ()
