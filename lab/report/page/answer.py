"""The answer at the top of the page: sentences, and a picture of which runtime is best for which model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from lab.core.arm import Arm
from lab.core.case import Case
from lab.report.best import ASPECTS, Aspect, ModelBest, Winner, headlines, names_in, winner_text
from lab.report.display import arm_name, digits, model_name
from lab.report.page.text import escape

_WIDTH, _HEIGHT, _MARGIN = 260, 30, 6
_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)
_FEWEST_PIXELS = 34


def answer_html(found: Sequence[ModelBest]) -> str:
    """The section; it says so where nothing of WebAssembly is measured yet."""
    if not found:
        return "<p>Nothing of WebAssembly is measured yet.</p>"
    sentences = "".join(f"<p><strong>{escape(text)}</strong></p>" for text in headlines(found))
    names = names_in(found)
    ratios = [value for best in found for value in _ratios(best).values()]
    high = max(ratios, default=0.0)
    low = min([1.0, *ratios])
    aspects = "".join(f'<th scope="col">{escape(aspect.title)}</th>' for aspect in ASPECTS)
    picture = '<th scope="col">one cold run of every arm, over native</th>' if ratios else ""
    rows = "\n".join(_row(best, names, (low, high) if ratios else None) for best in found)
    caption = f"The best runtime by model, batch {found[0].batch}"
    if ratios:
        caption += ": the filled mark is the best arm, its line the 95 % interval, hollow marks are the others"
    head = f'<thead><tr><th scope="col">model</th>{picture}{aspects}</tr></thead>'
    table = f'<table class="answer"><caption>{escape(caption)}</caption>{head}<tbody>\n{rows}\n</tbody></table>'
    return f'{sentences}\n<div class="overview">{table}</div>'


def _row(best: ModelBest, names: Mapping[Arm, str], span: tuple[float, float] | None) -> str:
    cells = "".join(
        f'<td data-label="{escape(aspect.title)}">{_winner(best.winners.get(aspect.quantity), aspect, names)}</td>'
        for aspect in ASPECTS
    )
    strip = f"<td>{_strip(best, *span)}</td>" if span else ""
    name = escape(model_name(best.model))
    return f'<tr data-model="{escape(best.model)}"><td><span class="name">{name}</span></td>{strip}{cells}</tr>'


def _winner(winner: Winner | None, aspect: Aspect, names: Mapping[Arm, str]) -> str:
    if winner is None:
        return "–"
    alike = f"<br>within the noise of it: {escape(_named(winner, names))}" if winner.alike else ""
    return f'<span class="name">{escape(names[winner.case.arm])}</span><br>{escape(winner_text(winner, aspect))}{alike}'


def _named(winner: Winner, names: Mapping[Arm, str]) -> str:
    first, *more = (names[case.arm] for case in winner.alike)
    return f"{first} and {len(more)} more" if more else first


def _ratios(best: ModelBest) -> dict[Case, float]:
    return {
        case: cost.overhead.value
        for case, cost in best.cold.items()
        if cost.overhead is not None and cost.overhead.value is not None
    }


def _strip(best: ModelBest, low: float, high: float) -> str:
    """One line of the picture: every arm's ratio on an axis that all rows share."""
    winner = best.winners.get(ASPECTS[0].quantity)
    span = math.log(max(high / low, 1.2))

    def at(value: float) -> float:
        return round(_MARGIN + (_WIDTH - 2 * _MARGIN) * math.log(value / low) / span, 1)

    parts, free = [], -math.inf
    for tick in _TICKS:
        if low <= tick <= high * 1.001:
            kind = "one" if tick == 1 else "grid"
            parts.append(f'<line x1="{at(tick)}" x2="{at(tick)}" y1="2" y2="18" class="{kind}"/>')
            if at(tick) - free >= _FEWEST_PIXELS:
                parts.append(f'<text x="{at(tick)}" y="29" text-anchor="middle" class="soft">{tick:,}×</text>')
                free = at(tick)
    for case, value in _ratios(best).items():
        if winner is None or case != winner.case:
            parts.append(f'<circle cx="{at(value)}" cy="10" r="3.5" class="other"/>')
    text = "no ratio to native"
    if winner is not None and (over := winner.cost.overhead) is not None and over.value is not None:
        text = f"{arm_name(winner.case.arm)}: {digits(over.value)} times native, the least of {len(_ratios(best))} arms"
        if over.low is not None and over.high is not None:
            ends = (at(max(over.low, low)), at(min(over.high, high)))
            parts.append(f'<line x1="{ends[0]}" x2="{ends[1]}" y1="10" y2="10" class="bar"/>')
        x = at(over.value)
        parts.append(f'<path d="M{x} 3l6 7-6 7-6-7z" class="winner"/>')
    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    return f'<svg class="strip" {box} role="img" aria-label="{escape(text)}">{"".join(parts)}</svg>'
