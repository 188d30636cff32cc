"""The claims file holds what the paper prints, and its tolerances are those of its own rule."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from lab.core.arm import GuestProfile
from lab.core.errors import ExperimentError
from lab.core.experiment import PAPER_MODELS
from lab.report.claims.claim_file import Claim, ClaimQuantity, Relation, load_claims

ROOT = Path(__file__).parents[2]
FILE = ROOT / "experiments" / "paper" / "claims.toml"
PAPER = ROOT.parent / "shared" / "paper.txt"
CLAIMS = load_claims(FILE)
ABOUT_CLAIMS = [claim for claim in CLAIMS if claim.relation is Relation.ABOUT]


def unit_of(digits: str) -> float:
    """One unit in the last significant digit printed: 0.01 for ``1.38``, 10 for ``10``."""
    if "." in digits:
        return 10.0 ** -len(digits.split(".")[1])
    return 10.0 ** (len(digits) - len(digits.rstrip("0")))


def half_unit_of(claim: Claim) -> float:
    """Half a unit in the last printed digit, in the quantity's unit; 0 for a word, which has no digits."""
    found = re.search(r"\d[\d ]*(?:[.,]\d+)?", claim.printed)
    if found is None:
        return 0.0
    half = unit_of(found[0].strip().replace(" ", "").replace(",", ".")) / 2
    if claim.quantity is ClaimQuantity.PARAMETERS and "M" not in claim.printed:
        return half / 1e6  # counted one by one, compared in millions
    return half / 100 if claim.printed.endswith("%") else half  # a time that is so many percent less


def test_every_table_is_there_cell_by_cell() -> None:
    places = Counter(claim.place for claim in CLAIMS)
    assert places["Table II"] == 48
    assert places["Table III"] == 12
    assert places["Table I"] == 18
    assert len(CLAIMS) > 80


def test_claims_name_known_models_and_their_cases() -> None:
    for claim in CLAIMS:
        assert {*claim.models, *claim.over.models} <= set(PAPER_MODELS), claim.id
        assert claim.models, claim.id
        assert claim.systems or claim.quantity.is_count, claim.id
        compares = claim.quantity in {
            ClaimQuantity.TIME_RATIO,
            ClaimQuantity.MEMORY_RATIO,
            ClaimQuantity.SHARE_DIFFERENCE,
        }
        assert bool(claim.over.systems or claim.over.models) or not compares, claim.id
        assert claim.guests[0] is GuestProfile.O0, claim.id


@pytest.mark.parametrize("claim", ABOUT_CLAIMS, ids=lambda claim: claim.id)
def test_a_tolerance_follows_from_what_the_paper_prints(claim: Claim) -> None:
    if claim.quantity is ClaimQuantity.OUTCOME:
        assert claim.tolerance == 0
        return
    if claim.quantity is ClaimQuantity.INFERENCE_SHARE:
        assert claim.tolerance == 10
        return
    if is_gain(claim):
        gained = gain_of(claim)
        assert claim.tolerance == pytest.approx(gained / 10, rel=1e-6)
        assert claim.accepted[1] < 1, "a gain never accepts a loss"
        return
    tenth = 0.0 if claim.quantity.is_count else abs(float(claim.paper)) / 10
    assert claim.tolerance == pytest.approx(max(half_unit_of(claim), tenth), rel=1e-6)


def is_gain(claim: Claim) -> bool:
    """Whether the paper prints by how many percent a time became less."""
    return claim.id.startswith("4c-aot-gain-")


def gain_of(claim: Claim) -> float:
    """The printed percentage as a fraction."""
    return float(claim.printed.rstrip("%")) / 100


def test_a_claim_with_two_readings_carries_both_and_says_which_one_is_allowed() -> None:
    by_id = {claim.id: claim for claim in CLAIMS}
    less, to = by_id["4c-aot-gain-wasmedge"], by_id["4c-aot-gain-wasmedge-to"]
    assert less.paper == pytest.approx(1 - gain_of(less))
    assert to.paper == pytest.approx(gain_of(to))
    assert "exclude" in (less.note or "")
    assert "allow" in (to.note or "")


def test_what_near_native_affirms_its_denial_does_not_accept() -> None:
    by_id = {claim.id: claim for claim in CLAIMS}
    affirmed = by_id["4b-vgg-near-native-wasmtime"].accepted[1]
    assert by_id["4c-vgg-not-near-native"].accepted[0] == affirmed
    small_gap = by_id["4a-mobilenet-gap-wasmtime"].accepted[1]
    assert by_id["abstract-large-networks-pronounced"].accepted[0] == small_gap


def test_every_failure_of_a_table_carries_the_cause_that_the_paper_states() -> None:
    failures = [claim for claim in CLAIMS if claim.paper == "failed" and claim.place == "Table II"]
    assert len(failures) == 7
    assert {claim.systems[0].split("-")[0]: str(claim.cause) for claim in failures} == {
        "wamr": "memory",
        "wasmedge": "time",
    }


def test_orderings_have_no_tolerance_and_bounds_that_of_their_last_printed_place() -> None:
    for claim in CLAIMS:
        if claim.relation is Relation.ABOUT:
            continue
        if re.search(r"\d", claim.printed):
            assert claim.tolerance == 0.5, claim.id
        else:
            assert claim.tolerance == 0, claim.id


def test_what_is_said_to_be_printed_stands_in_the_paper() -> None:
    if not PAPER.is_file():
        pytest.skip(f"the paper's text is not at {PAPER}: its wording was not compared")
    text = re.sub(r"\s+", " ", PAPER.read_text(encoding="utf-8")).lower()
    absent = {claim.printed for claim in CLAIMS if re.sub(r"\s+", " ", claim.printed).lower() not in text}
    assert not absent


def test_table_2_and_3_are_the_papers_own_cells() -> None:
    if not PAPER.is_file():
        pytest.skip(f"the paper's text is not at {PAPER}: its tables were not compared")
    lines = [line.split("\t") for line in PAPER.read_text(encoding="utf-8").splitlines() if "\t" in line]
    rows = {line[0].lower().replace("vgg1", "vgg_1"): line[1:] for line in lines if len(line) == 7 and line[0]}
    printed = {claim.id: claim.printed for claim in CLAIMS}
    order = ("wasmtime", "native", "wamr", "wavm", "wasmer", "wasmedge")
    for model in PAPER_MODELS:
        assert [printed[f"table2-{runtime}-{model}"] for runtime in order] == [cell.strip() for cell in rows[model]]
    order = ("wasmer", "wavm", "wasmtime", "wamr", "wasmedge", "native")
    ratios = [[cell.strip() for cell in line] for line in lines if all(cell.strip().endswith("x") for cell in line)]
    assert [[printed[f"table3-{kind}-{runtime}"] for runtime in order] for kind in ("time", "memory")] == ratios


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[claim]]\nid = 1", "id"),
        ("claim = 3 =", "toml"),
        ('[[claim]]\nid="a"\nplace="b"\nsays="c"\nquantity="speed"\npaper=1.0\nprinted="1"', "speed"),
        (
            '[[claim]]\nid="a"\nplace="b"\nsays="c"\nquantity="outcome"\npaper="ok"\nprinted="1"\nsystems=["wasm9-jit"]',
            "wasm9",
        ),
    ],
)
def test_a_malformed_claims_file_is_refused_with_what_is_wrong(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(text)
    with pytest.raises(ExperimentError) as caught:
        load_claims(path)
    assert complaint in caught.value.message


def test_an_id_may_be_used_once(tmp_path: Path) -> None:
    one = '[[claim]]\nid="a"\nplace="b"\nsays="c"\nquantity="outcome"\npaper="ok"\nprinted="1"\n'
    path = tmp_path / "claims.toml"
    path.write_text(one + one)
    with pytest.raises(ExperimentError, match="two claims"):
        load_claims(path)
