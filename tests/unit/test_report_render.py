"""The report as files: the same bytes every time, valid when partial, complete in itself."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import matplotlib as mpl
import msgspec
import pytest

from lab.core.arm import GuestProfile
from lab.core.errors import DataError, NothingToReport
from lab.core.plain_text import printable
from lab.report.claims.claim_file import Claim, ClaimQuantity
from lab.report.claims.verdict import ClaimResult, Finding, Verdict
from lab.report.compose import Report
from lab.report.display import share
from lab.report.explanations import differences
from lab.report.figures.cost_bars import CostBars, Mark, draw_log, draw_paper, paper_transform
from lab.report.figures.style import arm_styles, save
from lab.report.phases import phase_parts_ns
from lab.report.render import ReportPaths, render, report_of
from lab.report.results import Results
from lab.store.campaigns import create
from lab.store.columns import table_of
from lab.store.journal import JOURNAL_NAME, write_journal
from tests.command import lab
from tests.synthetic import make_manifest, make_trials, write_campaign

MANIFEST = make_manifest(
    arms=("native@o3", "wasmtime-jit-cranelift@o3", "wamr-interpreter-fast@o3", "wasmtime-aot-cranelift@o3"),
    models=("yunet", "vgg_16"),
)
CLAIM = """
[[claim]]
id = "table1-yunet"
place = "Table I"
says = "parameters"
quantity = "parameters"
paper = 0.075856
printed = "75 856"
tolerance = 0.001
models = ["yunet"]
"""


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_campaign(tmp_path_factory.mktemp("results"), blocks=6, manifest=MANIFEST)


@pytest.fixture(scope="module")
def made(campaign: Path) -> ReportPaths:
    return render(campaign)


@pytest.fixture(scope="module")
def report(campaign: Path, made: ReportPaths) -> Report:
    assert made
    return report_of(campaign)


def partial_campaign(results: Path, trials: int) -> Path:
    directory = create(results, MANIFEST)
    (directory / JOURNAL_NAME).unlink()
    write_journal(directory / JOURNAL_NAME, list(make_trials(MANIFEST, 2))[:trials])
    return directory


def test_rendering_again_elsewhere_gives_the_same_bytes(campaign: Path, report: Report, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / campaign.name
    shutil.copytree(campaign, copy, ignore=shutil.ignore_patterns("report"))
    again = render(copy)
    stored = {str(path.relative_to(again.directory)): path.read_bytes() for path in again.directory.rglob("*.*")}
    assert stored == dict(report.files)


def test_every_promised_file_is_there(made: ReportPaths) -> None:
    assert made.page.name == "index.html"
    assert made.page.is_file()
    assert made.markdown.is_file()
    for name in ("figure-1a-time", "figure-1b-memory", "figure-2-aot-time"):
        assert {f"{name}.svg", f"{name}.png", f"{name}-paper.svg", f"{name}-paper.png"} <= set(made.figures)
        assert {f"{name}.csv", f"{name}.md"} <= set(made.tables)
    for name in ("table-1-models", "table-2-inference-share", "table-3-batch", "aot", "phases", "failures", "outputs"):
        assert {f"{name}.csv", f"{name}.md"} <= set(made.tables)
    assert all(path.stat().st_size > 0 for path in (*made.tables.values(), *made.figures.values()))


def test_the_summary_shows_time_memory_share_and_failures(made: ReportPaths) -> None:
    for words in (
        "Overall time",
        "Maximum resident set size",
        "Inference share",
        "out of memory",
        "WAMR interpreter fast",
    ):
        assert words in made.summary


def test_the_page_needs_no_other_file_and_holds_each_id_once(report: Report) -> None:
    page = report.files["index.html"].decode()
    assert not re.search(r"<img|\bsrc=|@import", page)
    assert re.findall("<link[^>]*>", page) == ['<link rel="icon" href="data:,">']
    assert not re.search(r'(?:href|url\()"?\s*https?:', page)
    assert "default-src 'none'" in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    targets = set(re.findall(r'href="#([^"]+)"', page)) | set(re.findall(r"url\(#([^)]+)\)", page))
    assert targets <= set(ids)


def test_the_page_holds_question_fingerprint_and_source(report: Report) -> None:
    page = report.files["index.html"].decode()
    for words in (MANIFEST.experiment.question, MANIFEST.host.cpu_model, "What the data say", "sha256"):
        assert words in page


def test_no_clock_and_no_path_of_this_machine_gets_into_the_report(report: Report, campaign: Path) -> None:
    for name, content in report.files.items():
        assert str(campaign.parent).encode() not in content, name
        assert b"<dc:date>" not in content, name
        assert b"tEXtSoftware" not in content, name


def test_a_campaign_of_one_trial_has_a_valid_report(tmp_path: Path) -> None:
    made = render(partial_campaign(tmp_path, 1))
    assert "not yet run" in made.summary
    assert "unfinished" in made.page.read_text()


def test_a_campaign_without_a_trial_has_nothing_to_report(tmp_path: Path) -> None:
    with pytest.raises(NothingToReport) as caught:
        render(partial_campaign(tmp_path, 0))
    assert caught.value.remedy


def test_a_campaign_whose_every_trial_failed_says_so(tmp_path: Path) -> None:
    manifest = make_manifest(arms=("wamr-interpreter-fast@o3",), models=("vgg_16",))
    made = render(write_campaign(tmp_path, blocks=1, manifest=manifest))
    assert "0 of 2 cells have good trials" in made.summary


def test_a_finished_campaign_whose_journal_was_changed_is_refused(campaign: Path, tmp_path: Path) -> None:
    copy = tmp_path / campaign.name
    shutil.copytree(campaign, copy)
    journal = copy / JOURNAL_NAME
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(DataError, match="not what it was when the campaign finished"):
        render(copy)


def test_figures_of_an_earlier_report_do_not_stay_behind(tmp_path: Path) -> None:
    directory = partial_campaign(tmp_path, 1)
    stale = directory / "report" / "figures" / "old.svg"
    stale.parent.mkdir(parents=True)
    stale.write_text("old")
    render(directory)
    assert not stale.exists()


def test_claims_are_judged_into_a_list_and_a_section(tmp_path: Path) -> None:
    claims = tmp_path / "claims.toml"
    claims.write_text(CLAIM)
    directory = partial_campaign(tmp_path, 30)
    made = render(directory, claims)
    judged = json.loads((made.directory / "claims.json").read_text())
    assert [(claim["id"], claim["verdict"]) for claim in judged] == [("table1-yunet", "reproduced")]
    assert {"id", "place", "paper", "ours", "interval", "verdict", "why"} <= set(judged[0])
    assert "claims.csv" in made.tables


def test_a_contradiction_of_the_paper_stands_beside_what_the_campaign_found(tmp_path: Path) -> None:
    claims = tmp_path / "claims.toml"
    claims.write_text(CLAIM)
    places = '[[place]]\nsays = "0.42 M"\nagainst = "0.47 M"\njudged = "as printed"\nclaims = ["table1-*"]\n'
    (tmp_path / "twice.toml").write_text(places + '[[place]]\nsays = "a"\nagainst = "b"\njudged = "no claim"\n')
    made = render(partial_campaign(tmp_path, 30), claims)
    rows = (made.directory / "tables" / "paper-twice.csv").read_text().splitlines()
    assert rows[1] == '1,0.42 M,0.47 M,,"table1-yunet: 0.07586 M, reproduced",'
    assert rows[2] == "2,a,b,,,"


def test_the_papers_transform_is_its_equation_1() -> None:
    assert [paper_transform(value) for value in (0.01, 1.0, 100.0)] == [0.0, 2.0, 4.0]


def made_up_figure() -> CostBars:
    arms = [arm for arm in Results(MANIFEST, table_of([list(make_trials(MANIFEST, 1))])).arms if arm.mode != "aot"]
    marks = {(arm, "yunet"): Mark(1.0 + place, 0.9 + place, 1.2 + place) for place, arm in enumerate(arms)}
    marks[arms[1], "vgg_16"] = Mark(predicted=900.0, status="over budget")
    return CostBars("Time", "seconds", {"guest o3": arms}, ("yunet", "vgg_16"), marks)


def test_a_figure_drawn_twice_has_the_same_bytes() -> None:
    for draw in (draw_log, draw_paper):
        assert save(draw(made_up_figure())) == save(draw(made_up_figure()))


def test_a_failed_cell_is_marked_with_its_reason_in_both_drawings() -> None:
    for draw in (draw_log, draw_paper):
        axes = draw(made_up_figure()).axes[0]
        assert "over budget" in [text.get_text() for text in axes.texts]


def test_the_users_matplotlibrc_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = save(draw_log(made_up_figure()))
    monkeypatch.setitem(mpl.rcParams, "axes.facecolor", "red")
    monkeypatch.setitem(mpl.rcParams, "font.size", 20)
    assert save(draw_log(made_up_figure())) == plain


def test_arms_of_one_runtime_share_a_colour_and_differ_in_marker_and_hatch() -> None:
    manifest = make_manifest(arms=("native@o3", "wasmer-jit-cranelift@o3", "wasmer-jit-singlepass@o3"))
    arms = Results(manifest, table_of([list(make_trials(manifest, 1))])).arms
    first, two = (look for arm, look in arm_styles(arms).items() if arm.runtime == "wasmer")
    assert first.colour == two.colour
    assert first.marker != two.marker
    assert first.hatch != two.hatch


def test_a_sentence_about_start_up_says_what_the_phases_table_says(campaign: Path) -> None:
    results = Results(MANIFEST, table_of([list(make_trials(MANIFEST, 6))]))
    case = next(c for c in results.cells if c.arm.runtime == "wasmtime" and c.arm.mode == "jit" and c.model == "yunet")
    parts = phase_parts_ns(results, results.cells[case])
    expected = share(parts["startup"] / sum(parts.values()))
    sentences = [difference for difference in differences(results, {}, {}) if "start-up, in which" in difference.text]
    assert len(sentences) == 1
    assert f"{expected} (YuNet)" in sentences[0].text
    assert sentences[0].table == "phases"


def judged(place: str, verdict: Verdict) -> ClaimResult:
    claim = Claim(id=place, place=place, says="…", quantity=ClaimQuantity.TIME_RATIO, paper=1.0, printed="1×")
    return ClaimResult(claim=claim, findings=(Finding(guest=GuestProfile.O0, verdict=verdict),))


def test_claims_against_the_paper_are_counted_by_topic() -> None:
    results = Results(MANIFEST, table_of([list(make_trials(MANIFEST, 1))]))
    claims = [
        judged("Table II", Verdict.NOT_REPRODUCED),
        judged("Table III", Verdict.NOT_REPRODUCED),
        judged("Table II", Verdict.REPRODUCED),
    ]
    by_topic = {line.topic: line.text for line in differences(results, {}, {}, claims) if line.table == "claims"}
    assert by_topic["share"].startswith("1 of the 2 claims on this are not reproduced (Table II: 1)")
    assert by_topic["batch"].startswith("1 of the 1 claims on this are not reproduced (Table III: 1)")
    assert by_topic["claims"] == (
        "Of the 3 claims that a measurement can decide, on guest level o0: 1 reproduced, 2 not reproduced."
    )


def test_names_and_questions_from_elsewhere_command_no_terminal_page_or_table(tmp_path: Path) -> None:
    model, bad = "$\\frac{|`=1`<b>\u202e", "\x1b]0;owned\x07<script>alert(1)</script>"
    manifest = make_manifest(arms=("native@o3", "wasmtime-jit-cranelift@o3"), models=(model,), batches=(1,))
    plan = msgspec.structs.replace(manifest.experiment, question=bad)
    directory = write_campaign(tmp_path, blocks=2, manifest=msgspec.structs.replace(manifest, experiment=plan))
    ran = lab("report", directory)
    assert ran.code == 0, ran.err
    assert "frac" in ran.out
    written = [path for path in (directory / "report").rglob("*") if path.suffix in {".html", ".md", ".csv", ".svg"}]
    assert len(written) > 5
    for path in written:
        text = path.read_text(encoding="utf-8")
        assert "<script>alert" not in text.replace("\\<script", ""), path
        if path.suffix in {".html", ".svg"}:
            assert "<b>" not in text, path
    for text in (ran.out, *(path.read_text(encoding="utf-8") for path in written)):
        assert printable(text) == text


def test_an_export_for_spreadsheets_holds_no_formula(tmp_path: Path) -> None:
    directory = write_campaign(tmp_path, blocks=1, manifest=make_manifest(arms=("native@o3",), models=("=1+1",)))
    assert lab("export", directory, "--output", tmp_path / "all.csv").code == 0
    with (tmp_path / "all.csv").open(newline="", encoding="utf-8") as file:
        assert {row["model"] for row in csv.DictReader(file)} == {"'=1+1"}
