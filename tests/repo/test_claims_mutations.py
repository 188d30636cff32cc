"""Every claim can be reproduced and can fail to be: campaigns made up from its own predicate, and their verdicts."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.core.arm import GuestProfile
from lab.report.claims.claim_file import Claim, ClaimQuantity, load_claims
from lab.report.claims.judge import judge
from lab.report.claims.verdict import Verdict
from tests.claims_made_up import agreeing, campaign_with, disagreeing, outcomes_of
from tests.claims_support import results

CLAIMS = [
    claim for claim in load_claims(Path(__file__).parents[2] / "experiments/paper/claims.toml") if not claim.constant
]
MEASURED = [claim for claim in CLAIMS if claim.quantity is not ClaimQuantity.OUTCOME]
OUTCOMES = [claim for claim in CLAIMS if claim.quantity is ClaimQuantity.OUTCOME]
NO_LOSS = [claim for claim in MEASURED if claim.id.startswith("4c-aot-gain-")]


def name(claim: Claim) -> str:
    return claim.id


def verdict_of(claim: Claim, figure: float, guest: GuestProfile) -> Verdict:
    found = judge(claim, results(campaign_with(claim, figure, guest))).at(guest)
    assert found is not None
    assert found.ours == pytest.approx(figure, rel=1e-3, abs=0.01), (
        "the made-up campaign has the figure it was made for"
    )
    return found.verdict


@pytest.mark.parametrize("claim", MEASURED, ids=name)
def test_a_claim_is_reproduced_by_figures_within_what_it_accepts(claim: Claim) -> None:
    figures = agreeing(claim)
    assert figures, "no possible figure would reproduce it"
    for guest in claim.guests:
        assert {verdict_of(claim, figure, guest) for figure in figures} == {Verdict.REPRODUCED}


@pytest.mark.parametrize("claim", MEASURED, ids=name)
def test_a_claim_is_not_reproduced_by_figures_just_beyond_what_it_accepts(claim: Claim) -> None:
    figures = disagreeing(claim)
    assert figures, "no possible figure would refute it"
    for guest in claim.guests:
        assert {verdict_of(claim, figure, guest) for figure in figures} == {Verdict.NOT_REPRODUCED}


@pytest.mark.parametrize("claim", MEASURED, ids=name)
def test_one_level_alone_decides_nothing_on_the_other(claim: Claim) -> None:
    measured, *others = claim.guests
    found = judge(claim, results(campaign_with(claim, agreeing(claim)[0], measured)))
    assert [finding.verdict for finding in found.findings[1:]] == [Verdict.NOT_RUN] * len(others)


@pytest.mark.parametrize("claim", OUTCOMES, ids=name)
def test_an_outcome_claim_follows_how_its_cases_end(claim: Claim) -> None:
    for guest in claim.guests:
        as_said = judge(claim, results(outcomes_of(claim, guest, agree=True))).at(guest)
        otherwise = judge(claim, results(outcomes_of(claim, guest, agree=False))).at(guest)
        assert as_said is not None
        assert otherwise is not None
        assert (as_said.verdict, otherwise.verdict) == (Verdict.REPRODUCED, Verdict.NOT_REPRODUCED)


@pytest.mark.parametrize("claim", NO_LOSS, ids=name)
def test_no_gain_is_reproduced_by_a_loss(claim: Claim) -> None:
    for figure in (1.01, 1.3):
        assert verdict_of(claim, figure, claim.guests[0]) is Verdict.NOT_REPRODUCED


def test_most_networks_are_counted_so_that_one_network_carries_nothing() -> None:
    counted = [claim for claim in CLAIMS if "most networks" in claim.says]
    assert counted
    for claim in counted:
        trials = campaign_with(claim, 0.9, GuestProfile.O0)
        each = claim.models[0]
        heavy = [trial for trial in campaign_with(claim, 1e6, GuestProfile.O0) if trial.model == each]
        mixed = results([*(trial for trial in trials if trial.model != each), *heavy])
        assert judge(claim, mixed).verdict is Verdict.REPRODUCED, f"{claim.id}: by its mean it would be refuted"
