"""Claims judged on several campaigns together."""

from __future__ import annotations

from pathlib import Path

import msgspec

from lab.core.trial import Outcome, Trial
from lab.report.claims.claim_file import Claim, ClaimQuantity, Over
from lab.report.claims.merge import judge_all_merged
from lab.report.claims.verdict import ClaimResult, Verdict
from lab.report.results import Results
from lab.store.campaigns import read_manifest
from lab.store.fingerprint import class_differences
from tests.claims_support import failed, ran, results, times
from tests.command import lab
from tests.synthetic import make_manifest, write_campaign

WASM, NATIVE = "wasmtime-jit-cranelift", "native"
SMALL = "yunet"
CLAIM = Claim(
    id="c",
    place="somewhere",
    says="something",
    quantity=ClaimQuantity.TIME_RATIO,
    paper=2.0,
    printed="2x",
    tolerance=0.3,
    systems=(WASM,),
    models=(SMALL,),
    over=Over(systems=(NATIVE,)),
)
FAILS = msgspec.structs.replace(CLAIM, quantity=ClaimQuantity.OUTCOME, paper="failed", over=Over())


def campaign(*ratios: float) -> Results:
    rows = {f"{WASM}@o0 {SMALL} b1": ratios, f"{NATIVE}@o0 {SMALL} b1": (1.0,) * len(ratios)}
    return results(times(rows))


def judged(claim: Claim, *strata: Results) -> ClaimResult:
    return judge_all_merged([claim], strata)[0]


def test_campaigns_that_agree_decide_together_what_none_decides_alone() -> None:
    strata = [campaign(1.9, 2.3, 2.05), campaign(2.25, 1.85, 2.1), campaign(2.0, 2.2, 1.9)]
    assert {judged(CLAIM, stratum).verdict for stratum in strata} == {Verdict.INCONCLUSIVE}
    together = judged(CLAIM, *strata)
    assert together.verdict is Verdict.REPRODUCED
    assert together.first.blocks == 9
    assert "3 of 3 campaigns, which agree (p = " in together.first.why


def test_campaigns_that_differ_are_said_to_and_decide_nothing_by_their_number() -> None:
    found = judged(CLAIM, campaign(1.8, 1.81, 1.79), campaign(2.2, 2.21, 2.19), campaign(2.6, 2.61, 2.59))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "which differ (p = " in found.first.why
    assert "I² 100%" in found.first.why


def test_a_campaign_that_lacks_a_case_is_left_out_and_one_alone_speaks_for_itself() -> None:
    lacking = results([ran(f"{WASM}@o0 {SMALL} b1")])
    found = judged(CLAIM, lacking, campaign(2.0, 2.02, 1.98))
    assert found.verdict is Verdict.REPRODUCED
    assert "alone" in found.first.why
    two = judged(CLAIM, lacking, campaign(2.0, 2.02, 1.98), campaign(2.01, 2.0, 1.99))
    assert "2 of 3 campaigns" in two.first.why


def test_outcomes_are_decided_by_the_campaigns_that_tried_and_agree() -> None:
    def with_outcome(*trials: Trial) -> Results:
        return results(trials)

    crashed = with_outcome(failed(f"{WASM}@o0 {SMALL} b1", Outcome.CRASHED))
    skipped = with_outcome(failed(f"{WASM}@o0 {SMALL} b1", Outcome.OVER_BUDGET))
    works = with_outcome(ran(f"{WASM}@o0 {SMALL} b1"))
    assert judged(FAILS, skipped, crashed).verdict is Verdict.REPRODUCED
    apart = judged(FAILS, crashed, works)
    assert apart.verdict is Verdict.INCONCLUSIVE
    assert "disagree" in apart.first.why
    assert judged(FAILS, skipped, skipped).verdict is Verdict.INCONCLUSIVE


def test_one_campaign_is_judged_as_ever() -> None:
    alone = campaign(2.0, 2.02, 1.98)
    assert "campaigns" not in judged(CLAIM, alone).first.why


def test_another_machine_is_of_the_same_class_and_another_binary_is_not(tmp_path: Path) -> None:
    manifest = make_manifest(arms=("native@o0",), models=(SMALL,), batches=(1,))
    elsewhere = msgspec.structs.replace(manifest, host=msgspec.structs.replace(manifest.host, cpu_model="Other CPU"))
    assert class_differences(manifest, elsewhere) == ()
    runtime = msgspec.structs.replace(manifest.runtimes["native"], binary_sha256="f" * 64)
    other = msgspec.structs.replace(manifest, runtimes={"native": runtime})
    assert class_differences(manifest, other) == ("native binary",)


def test_the_command_merges_campaigns_and_refuses_those_of_another_class(tmp_path: Path) -> None:
    arms = ("native@o0", "wasmtime-jit-cranelift@o0")
    first = write_campaign(tmp_path / "a", 3, make_manifest(arms, (SMALL,), (1,)))
    second = write_campaign(tmp_path / "b", 3, make_manifest(arms, (SMALL,), (1,)), seed=2)
    renamed = msgspec.structs.replace(read_manifest(second), campaign="elsewhere")
    (second / "manifest.json").write_bytes(msgspec.json.encode(renamed))
    done = lab("claims", str(first), str(second))
    assert done.code == 0, done.err
    assert "2 of 2 campaigns" in done.out
    twice = lab("claims", str(first), str(first))
    assert twice.code == 2
    third = write_campaign(tmp_path / "c", 3, make_manifest((*arms, "wamr-interpreter-fast@o0"), (SMALL,), (1,)))
    renamed = msgspec.structs.replace(read_manifest(third), campaign="another")
    (third / "manifest.json").write_bytes(msgspec.json.encode(renamed))
    refused = lab("claims", str(first), str(third))
    assert refused.code == 2
    assert "cannot be judged together" in refused.error[0]
