"""The paper's own tables, typed from the paper, and what they say to its sentences."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.core.errors import ExperimentError
from lab.report.claims.claim_file import load_claims
from lab.report.claims.contradictions import load_contradictions
from lab.report.claims.paper_tables import FAILED, PaperTables, Says, load_tables, number

ROOT = Path(__file__).parents[2]
FILE = ROOT / "experiments" / "paper" / "claims.toml"
CLAIMS = {claim.id: claim for claim in load_claims(FILE)}
SYSTEMS = {
    "wasmtime": "wasmtime-jit-cranelift",
    "native": "native",
    "wamr": "wamr-interpreter-fast",
    "wavm": "wavm-jit-llvm",
    "wasmer": "wasmer-jit-cranelift",
    "wasmedge": "wasmedge-interpreter",
}


def tables() -> PaperTables:
    found = load_tables(FILE)
    assert found is not None
    return found


def says(claim: str) -> Says | None:
    reading = tables().reading(CLAIMS[claim])
    return None if reading is None else reading.says


def test_the_tables_hold_the_cells_that_the_claims_hold() -> None:
    for model, row in tables().inference_share.items():
        for short, system in SYSTEMS.items():
            assert row[system] == CLAIMS[f"table2-{short}-{model}"].printed
    for kind, row in (("time", tables().batch_time_ratio), ("memory", tables().batch_memory_ratio)):
        assert {system: CLAIMS[f"table3-{kind}-{short}"].printed for short, system in SYSTEMS.items()} == row


def test_a_printed_cell_is_a_number_with_either_decimal_mark() -> None:
    assert [number(cell) for cell in ("39.55%", "50%", "1,38x", "3x")] == [39.55, 50.0, 1.38, 3.0]


@pytest.mark.parametrize(
    ("claim", "figure", "verdict"),
    [
        ("4d-wasmedge-share-below-wasmtime", 55.067 - 52.970, Says.REFUTE),
        ("4d-wasmedge-share-below-wavm", 55.067 - 54.443, Says.REFUTE),
        ("4d-wasmedge-share-below-wasmer", 55.067 - 62.820, Says.AGREE),
        ("4d-small-networks-not-dominated", 47.893, Says.AGREE),
        ("4d-small-networks-not-dominated-three", 54.175, Says.REFUTE),
        ("4d-large-networks-dominated-native", 43.114, Says.REFUTE),
        ("4d-vgg-share-lower-wasmtime", 87.575 - 98.167, Says.AGREE),
        ("4e-wasmedge-batch-time-below-wasmtime", 2.25 / 2.8, Says.AGREE),
        ("4e-wasmedge-batch-memory-below-wasmer", 1.22 / 1.14, Says.REFUTE),
        ("4e-wasmedge-batch-memory-below-wavm", 1.22 / 1.2, Says.REFUTE),
        ("4e-batch-costs-time-native", 1.23, Says.AGREE),
        ("4e-batch-memory-as-native-wasmer", 1.14 / 1.24, Says.AGREE),
    ],
)
def test_a_sentence_is_computed_from_the_papers_own_cells(claim: str, figure: float, verdict: Says) -> None:
    reading = tables().reading(CLAIMS[claim])
    assert reading is not None
    assert reading.figure == pytest.approx(figure, abs=5e-3)
    assert reading.says is verdict


def test_cells_and_quantities_that_no_table_holds_are_not_read() -> None:
    assert says("table2-native-yunet") is None
    assert says("table3-time-wamr") is None
    assert says("4a-10x-wamr") is None
    assert says("4c-wamr-has-no-artifact") is None


def test_a_network_that_failed_in_the_paper_has_no_share() -> None:
    row = dict.fromkeys(SYSTEMS.values(), FAILED)
    empty = PaperTables({"yunet": row, "mobilenet_v1_0.25_128": row}, {}, {})
    assert empty.reading(CLAIMS["4d-small-networks-not-dominated"]) is None


def test_a_malformed_table_is_refused_with_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "tables.toml").write_text("[inference_share]\nyunet = 3\n")
    with pytest.raises(ExperimentError, match="inference_share"):
        load_tables(tmp_path / "claims.toml")
    assert load_tables(tmp_path / "elsewhere" / "claims.toml") is None


def test_the_document_lists_every_place_where_the_paper_says_two_things() -> None:
    text = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split("|") for line in text.splitlines() if re.match(r"\| \d", line)]
    listed = [tuple(cell.strip() for cell in row) for row in rows]
    places = load_contradictions(FILE)
    assert len(places) == 22
    assert listed == [(str(n), place.says, place.against, place.judged) for n, place in enumerate(places, 1)]


def test_every_claim_that_a_contradiction_names_exists() -> None:
    for place in load_contradictions(FILE):
        for pattern in place.claims:
            assert any(re.fullmatch(pattern.replace(".", r"\.").replace("*", ".*"), claim) for claim in CLAIMS), pattern


def test_a_malformed_list_of_contradictions_is_refused(tmp_path: Path) -> None:
    (tmp_path / "twice.toml").write_text('[[place]]\nsays = "a"\n')
    with pytest.raises(ExperimentError, match="against"):
        load_contradictions(tmp_path / "claims.toml")
