"""The report's content from cells: sections, figures, sentences, and the files that hold them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from lab.core.plain_text import markdown_line, markdown_text, printable_line
from lab.report.answer import answer
from lab.report.best import best_of
from lab.report.break_even import ModelTotals, model_totals
from lab.report.claims.contradictions import Contradiction
from lab.report.claims.verdict import ClaimResult, claims_json
from lab.report.cost_figures import CostFigures, cost_figures
from lab.report.decomposition import TakenApart, taken_apart
from lab.report.document import Section
from lab.report.explanations import TOPICS, Sentence, differences
from lab.report.figures.draw import draw_all
from lab.report.page.answer import answer_html
from lab.report.page.instrument import instrument
from lab.report.page.page import Content, page
from lab.report.preparation import cold_starts
from lab.report.rankings import GuestRanking, LevelTournament, rankings, tournaments
from lab.report.results import Results
from lab.report.sections.aot import aot_section
from lab.report.sections.batch import batch_section
from lab.report.sections.best import best_section
from lab.report.sections.break_even import break_even_rows, break_even_section
from lab.report.sections.claims_table import claims_section
from lab.report.sections.cold_start import cold_start_section
from lab.report.sections.contradictions import contradictions_section
from lab.report.sections.cost import cost_section
from lab.report.sections.data_quality import failures_section, flags_section, outputs_section
from lab.report.sections.decomposition import decomposition_section
from lab.report.sections.models import models_section
from lab.report.sections.phases import phases_section
from lab.report.sections.predictions import predictions_section
from lab.report.sections.ranking import ranking_section, tournament_section
from lab.report.sections.share import share_section
from lab.report.sections.single_stream import single_stream_section
from lab.report.sections.stability import stability_section
from lab.report.sections.tradeoffs import tradeoffs_section
from lab.report.tradeoffs import ModelTradeoffs, tradeoffs

TIME_LEAD = (
    "Exec of the runtime to its exit, less the inferences after the first: what one cold inference costs end to end. "
    "JIT compilation is in it, container start is not."
)
MEMORY_LEAD = (
    "Peak resident set of the runtime's process over the whole trial: the paper's maximum resident set size. "
    "Page cache is not in it."
)
AOT_LEAD = (
    "Overall time of precompiled modules, beside native. The precompilation itself is not in it: see the next section."
)
_PRINTED = ("claims", "figure-1a-time", "figure-1b-memory", "table-2-inference-share", "decomposition", "failures")


@dataclass(frozen=True)
class Report:
    """A report before it is written.

    Attributes:
        files: content by path below the report's directory.
        summary: for a terminal.
        answer: for a terminal, in a few lines.
    """

    files: Mapping[str, bytes]
    summary: str
    answer: str


def compose(
    results: Results,
    claims: Sequence[ClaimResult],
    journal_sha256: str,
    is_finished: bool,
    twice: Sequence[Contradiction] = (),
) -> Report:
    """All files of the report of one campaign, with the claims judged on it.

    Args:
        results: the campaign.
        claims: judged on it; none if the experiment has no claims.
        journal_sha256: of what it was made from.
        is_finished: whether the campaign ended.
        twice: places where the paper says two things.
    """
    figures = cost_figures(results)
    ranked, played = rankings(results, figures), tournaments(results)
    totals, trades, parts = model_totals(results), tradeoffs(results), taken_apart(results)
    best = best_of(results)
    first = best_section(best)
    sections = [
        *([first] if first else []),
        *_claims_sections(results, claims, twice),
        *_sections(results, figures, ranked, played, totals, trades, parts),
    ]
    sentences = differences(results, figures.time.by_case, figures.memory.by_case, claims)
    drawings = dict(draw_all(results, figures, ranked, played, totals, trades, parts))
    source = _source(results, journal_sha256, is_finished)
    svgs = {name: drawing["svg"] for name, drawing in drawings.items()}
    files = {
        "index.html": page(
            results.manifest,
            Content(answer_html(best), instrument(results, figures, totals), sections, svgs, sentences, source),
        ).encode(),
        "report.md": _markdown(results, sections, sentences, source).encode(),
        **{f"tables/{name}": text.encode() for name, text in _table_files(sections)},
        **{
            f"figures/{name}.{kind}": content for name, drawing in drawings.items() for kind, content in drawing.items()
        },
    }
    if totals:
        files["break-even.json"] = msgspec.json.format(msgspec.json.encode(break_even_rows(totals)), indent=1)
    if claims:
        files["claims.json"] = claims_json(claims)
    return Report(files, _summary(results, sections, source), answer(results, figures, claims))


def _claims_sections(
    results: Results, claims: Sequence[ClaimResult], twice: Sequence[Contradiction]
) -> Iterator[Section]:
    if claims:
        yield claims_section(claims, results.manifest.experiment.edition)
        if twice:
            yield contradictions_section(twice, claims)


def _sections(
    results: Results,
    figures: CostFigures,
    ranked: Sequence[GuestRanking],
    played: Sequence[LevelTournament],
    totals: Sequence[ModelTotals],
    trades: Sequence[ModelTradeoffs],
    parts: Sequence[TakenApart],
) -> list[Section]:
    found = [
        failures_section(results),
        decomposition_section(parts),
        cost_section(figures.time, TIME_LEAD, results),
        cost_section(figures.memory, MEMORY_LEAD, results),
        share_section(results),
        phases_section(results),
        cost_section(figures.aot, AOT_LEAD, results) if figures.aot.by_case else None,
        aot_section(results),
        cold_start_section(cold_starts(results)),
        single_stream_section(results),
        tournament_section(played),
        ranking_section(ranked),
        tradeoffs_section(trades),
        break_even_section(totals),
        batch_section(results),
        models_section(results),
        predictions_section(results),
        outputs_section(results),
        stability_section(results),
        flags_section(results),
    ]
    return [section for section in found if section is not None]


def _source(results: Results, journal_sha256: str, is_finished: bool) -> str:
    state = "finished" if is_finished else "unfinished: it goes on with the same command"
    return (
        f"Campaign {results.manifest.campaign}, {state}. Made from {len(results.table)} trials in trials.jsonl, "
        f"sha256 {journal_sha256}. Numbers carry their unit; what was not measured is a dash, never 0."
    )


def _table_files(sections: Sequence[Section]) -> Iterator[tuple[str, str]]:
    for section in sections:
        yield f"{section.name}.md", section.markdown()
        full = section.detail or (section.overview[0] if section.overview else None)
        if full is not None:
            yield f"{section.name}.csv", full.csv()


def _markdown(results: Results, sections: Sequence[Section], sentences: Sequence[Sentence], source: str) -> str:
    topics = {
        title: [sentence.text for sentence in sentences if sentence.topic == topic] for topic, title in TOPICS.items()
    }
    lists = [f"### {title}\n\n{_items(texts)}" for title, texts in topics.items() if texts]
    reading = "\n\n".join(lists) or "Not enough cells are measured yet."
    campaign, question = results.manifest.campaign, results.manifest.experiment.question
    heading = f"# {markdown_text(printable_line(campaign))}\n\n{markdown_line(question)}\n"
    head = f"{heading}\n## What the data say\n\n{reading}\n"
    overviews = [Section(s.name, s.title, s.lead, s.overview) for s in sections]
    pictures = {s.name: "".join(f"\n![{s.title}](figures/{name}.svg)\n" for name in s.figures) for s in sections}
    body = "\n".join(section.markdown() + pictures[section.name] for section in overviews)
    return f"{head}\n{body}\n{markdown_line(source)}\n"


def _items(texts: Sequence[str]) -> str:
    return "\n".join(f"- {markdown_text(text)}" for text in texts)


def _summary(results: Results, sections: Sequence[Section], source: str) -> str:
    printed = [section.text() for name in _PRINTED for section in sections if section.name == name]
    return "\n\n".join([results.manifest.experiment.question, *printed, source])
