from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lab.report.claims.claim_file import Claim, ClaimQuantity, Over, Relation
from lab.report.claims.judge import judge
from lab.report.claims.verdict import Verdict
from tests.claims_support import results, times

RATIOS = st.lists(st.floats(0.05, 50.0), min_size=2, max_size=6)
SCALES = st.floats(0.01, 100.0)
TOLERANCES = st.floats(0.0, 5.0)
WASM, NATIVE = "wasmtime-jit-cranelift@o0 yunet b1", "native@o0 yunet b1"


def claim(paper: float, tolerance: float, relation: Relation) -> Claim:
    return Claim(
        id="c",
        place="p",
        says="s",
        quantity=ClaimQuantity.TIME_RATIO,
        relation=relation,
        paper=paper,
        printed=str(paper),
        tolerance=tolerance,
        systems=("wasmtime-jit-cranelift",),
        models=("yunet",),
        over=Over(systems=("native",)),
    )


@given(RATIOS, st.floats(0.1, 20.0), TOLERANCES, st.sampled_from(Relation))
def test_a_verdict_never_contradicts_its_own_interval(
    ratios: list[float], paper: float, tolerance: float, relation: Relation
) -> None:
    a_claim = claim(paper, tolerance, relation)
    found = judge(a_claim, results(times({WASM: ratios, NATIVE: [1.0] * len(ratios)}))).first
    least, most = a_claim.accepted
    if found.interval is None:
        assert found.verdict is Verdict.INCONCLUSIVE
        return
    low, high = found.interval
    assert (found.verdict is Verdict.REPRODUCED) == (least <= low and high <= most)
    assert (found.verdict is Verdict.NOT_REPRODUCED) == (high < least or low > most)
    assert found.why or found.verdict is Verdict.REPRODUCED


@given(RATIOS, st.lists(SCALES, min_size=6, max_size=6), st.floats(0.1, 20.0), TOLERANCES)
def test_the_speed_of_a_block_changes_no_verdict(
    ratios: list[float], speeds: list[float], paper: float, tolerance: float
) -> None:
    a_claim = claim(paper, tolerance, Relation.ABOUT)
    speeds = speeds[: len(ratios)]
    plain = judge(a_claim, results(times({WASM: ratios, NATIVE: [1.0] * len(ratios)}))).first
    scaled = [ratio * speed for ratio, speed in zip(ratios, speeds, strict=True)]
    shaken = judge(a_claim, results(times({WASM: scaled, NATIVE: speeds}))).first
    assert isinstance(plain.ours, float)
    assert isinstance(shaken.ours, float)
    assert abs(plain.ours / shaken.ours - 1) < 1e-6
