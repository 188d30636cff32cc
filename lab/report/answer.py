"""What a campaign comes to, in a screen of a terminal: three sentences, and one small table of ratios to native."""

from __future__ import annotations

from collections.abc import Sequence

from lab.core.case import Case
from lab.report.advice import advice
from lab.report.claims.verdict import ClaimResult, Verdict
from lab.report.cost_figures import CostFigures
from lab.report.display import arm_name, model_name
from lab.report.document import Column, Table
from lab.report.overheads import Cost
from lab.report.results import Results
from lab.report.sections.cost import over_models_text, ratio_text, too_few_blocks

MOST_MODELS = 4
"""A table of more networks would not fit: it has their geometric mean instead."""
_SENTENCES = 3
_TITLE = "Overall time of one cold run over native, with the 95 % interval"
_ALL = "all models"


def answer(results: Results, figures: CostFigures, claims: Sequence[ClaimResult]) -> str:
    """The text; it says so where nothing of WebAssembly is measured yet.

    Args:
        results: of the campaign.
        figures: its costs.
        claims: judged on it; none if the experiment has no claims.
    """
    model = _best_known(results)
    if model is None:
        return "Nothing of WebAssembly is measured yet."
    batch = results.batches[0]
    sentences = advice(results, model, batch)[:_SENTENCES]
    images = "one image" if batch == 1 else f"{batch} images"
    parts = [f"{model_name(model)}, {images} at a time:", *(f"- {sentence}" for sentence in sentences)]
    by_case = {**figures.aot.by_case, **figures.time.by_case}
    parts += ["", _table(results, by_case, batch).text()]
    if (why := too_few_blocks(by_case)) is not None:
        parts.append(why)
    if claims:
        parts += ["", _claims_sentence(claims)]
    return "\n".join(parts)


def _best_known(results: Results) -> str | None:
    """The network with most measured cells of WebAssembly, the smallest of those."""
    batch = results.batches[0]
    measured = [case.model for case, cell in results.cells.items() if cell.n and _is_wasm(case, batch)]
    return max(results.models, key=measured.count) if measured else None


def _is_wasm(case: Case, batch: int) -> bool:
    return not case.arm.is_native and case.batch == batch


def _table(results: Results, by_case: dict[Case, Cost], batch: int) -> Table:
    cases = [case for case in results.cells if case in by_case and _is_wasm(case, batch)]
    models = [model for model in results.models if any(case.model == model for case in cases)]
    several = len({case.arm.guest for case in cases}) > 1
    rows = []
    for arm in dict.fromkeys(case.arm for case in cases):
        row: dict[str, str | None] = {"arm": f"{arm_name(arm)} ({arm.guest})" if several else arm_name(arm)}
        for case in cases:
            if case.arm == arm:
                row[case.model] = ratio_text(by_case[case]) or results.cells[case].status
        row[_ALL] = over_models_text(by_case, batch, arm)
        rows.append(row)
    shown = models if len(models) <= MOST_MODELS else [_ALL]
    columns = [Column("arm", "arm"), *(Column(name, name if name == _ALL else model_name(name)) for name in shown)]
    return Table(_TITLE, tuple(columns), rows)


def _claims_sentence(claims: Sequence[ClaimResult]) -> str:
    """How many of the paper's claims have an answer on any guest level; the others are counted, not listed."""
    open_claims = [result for result in claims if not result.claim.constant]
    found = [{finding.verdict for finding in result.findings} - {Verdict.NOT_RUN} for result in open_claims]
    judged = [verdicts for verdicts in found if verdicts]
    decided = sum(bool(verdicts - {Verdict.INCONCLUSIVE}) for verdicts in judged)
    return (
        f"Of the paper's {len(open_claims)} claims that measuring can change, {decided} are decided on a guest level, "
        f"{len(judged) - decided} are inconclusive so far, and this tier measures nothing of the other "
        f"{len(open_claims) - len(judged)}."
    )
