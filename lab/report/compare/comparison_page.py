"""A comparison for people: on a terminal, and as Markdown for a pull request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from html import escape

from lab.core.plain_text import markdown_code, markdown_text
from lab.core.units import show_percent
from lab.report.compare.case_changes import COMPARED, CaseLine, Change
from lab.report.compare.changed_files import ByteLine, Presence
from lab.report.compare.comparison import Comparison
from lab.report.compare.fingerprints import Basis
from lab.report.display import megabytes, ratio, seconds
from lab.report.document import Column, Row, Table
from lab.stats.estimate import Estimate
from lab.stats.sentences import show_ratio

_CHANGED = (Change.WORSE, Change.BETTER, Change.DIFFERS)
_LONGEST_FACT = 80


def headline(found: Comparison) -> str:
    """The answer in a sentence."""
    if found.identical:
        return "Identical: the same trials under the same fingerprint, byte for byte."
    counts = ", ".join(f"{count} {change}" for change, count in found.tally.items()) or "nothing measured in common"
    margin, confirmed = show_percent(found.margin), _confirmed(found)
    if found.worse:
        return f"Worse by more than {margin}, or broken: {len(found.worse)}{confirmed} ({counts})."
    return f"Nothing was shown to be worse by more than {margin}{confirmed} ({counts})."


def _confirmed(found: Comparison) -> str:
    """What fresh blocks said of what seemed worse, as a part of the headline; empty where there were none."""
    made = found.confirmation
    if made is None or made.a is None:
        return ""
    blocks = f"{made.blocks} fresh blocks"
    if not found.worse:
        return f": {len(made.unconfirmed)} seemed so, and {blocks} did not confirm it"
    rest = f", which did not confirm {len(made.unconfirmed)} more" if made.unconfirmed else ""
    return f", confirmed by {blocks}{rest}"


def seeming(found: Comparison) -> list[str]:
    """What seemed worse and was not confirmed: a sentence each."""
    return [f"not confirmed: {line}" for line in found.confirmation.unconfirmed] if found.confirmation else []


def text(found: Comparison) -> str:
    """For a terminal."""
    parts = [f"A  {side_text(found, 'a')}\nB  {side_text(found, 'b')}", headline(found)]
    parts += [_bullets(found.worse), _bullets(seeming(found)), _bullets([f"note: {note}" for note in found.notes])]
    if not found.identical:
        parts += [table.text() for table in (*context_tables(found), *_measured(found))]
        parts.append(method(found))
    return "\n\n".join(part for part in parts if part)


def markdown(found: Comparison) -> str:
    """For a pull request: what changed is in sight, everything else is folded."""
    parts = [
        f"### {markdown_code(found.a.name)} → {markdown_code(found.b.name)}",
        f"**{markdown_text(headline(found))}**",
    ]
    parts += [_bullets(found.worse), _bullets(seeming(found)), _bullets([f"Note: {note}." for note in found.notes])]
    if not found.identical:
        changed = [line for line in found.cases if line.change in _CHANGED]
        rest = [line for line in found.cases if line.change not in _CHANGED]
        parts += [_cases_table("What changed", changed, found).markdown()] if changed else []
        parts += [_means_table(found).markdown()] if found.means else []
        parts += [_folded(_cases_table("Every other case", rest, found))] if rest else []
        parts += [_folded(table) for table in context_tables(found)]
        parts.append(method(found))
    return "\n\n".join(part for part in parts if part) + "\n"


def side_text(found: Comparison, which: str) -> str:
    """Which campaign A, or B, is."""
    side = found.a if which == "a" else found.b
    return f"{side.name}: {side.trials} trials, edition {side.edition}, begun {side.created_at}"


def method(found: Comparison) -> str:
    """What is compared, and how."""
    family = f"{len(found.cases)} comparisons, Holm-corrected as one family at {found.alpha:g}"
    return f"Ratios are B over A by blocks, unpaired; {found.basis_reason}. {family}."


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {markdown_text(line)}" for line in lines)


def _folded(table: Table) -> str:
    body = table.markdown().partition("\n\n")[2]
    return f"<details><summary>{escape(table.title)}</summary>\n\n{body}\n\n</details>"


def context_tables(found: Comparison) -> Iterator[Table]:
    """Bytes and fingerprints, then cases whose outcome changed."""
    yield _bytes_table(found.contents)
    if found.differences:
        columns = (Column("name", "what"), Column("a", "A", _shortened), Column("b", "B", _shortened))
        rows = [{"name": line.name, "a": line.a, "b": line.b} for line in found.differences]
        yield Table(f"Fingerprints: {len(rows)} facts differ", columns, rows)
    if found.outcomes:
        outcomes = (Column("case", "case"), Column("a", "A"), Column("b", "B"), Column("why", "because", _shortened))
        ends = [{"case": line.case.id, "a": line.a, "b": line.b, "why": line.why} for line in found.outcomes]
        yield Table("Cases whose outcome changed", outcomes, ends)


def _bytes_table(lines: Sequence[ByteLine]) -> Table:
    """One row per kind, with the names of what is not identical."""
    rows: list[Row] = []
    for kind in dict.fromkeys(line.kind for line in lines):
        mine = [line for line in lines if line.kind == kind]
        counts = Counter(line.state for line in mine)
        apart = [line.name for line in mine if line.state is Presence.DIFFERS]
        row: dict[str, object] = {"kind": kind, **{state.value: counts[state] for state in Presence}}
        rows.append({**row, "names": ", ".join(apart[:3]) + (", …" if len(apart) > 3 else "") if apart else None})
    states = (Column(state.value, state.value, lambda count: str(count or "")) for state in Presence)
    same = all(line.state is Presence.IDENTICAL for line in lines)
    title = "Bytes: everything is identical" if same else "Bytes"
    return Table(title, (Column("kind", "kind"), *states, Column("names", "which differ")), rows)


def _measured(found: Comparison) -> Iterator[Table]:
    if found.cases:
        yield _cases_table("Case by case", found.cases, found)
        yield _means_table(found)


def _cases_table(title: str, lines: Sequence[CaseLine], found: Comparison) -> Table:
    of_what = "overhead in " if found.basis is Basis.OVERHEADS else ""
    columns = (
        Column("case", "case"),
        Column("quantity", "quantity"),
        *(Column(side, f"{of_what}{side.upper()}") for side in ("a", "b")),
        Column("ratio", "B over A"),
        Column("verdict", "verdict"),
    )
    rows = []
    for line in lines:
        show = shower(line.quantity, found.basis)
        rows.append(
            {
                "case": line.case.id,
                "quantity": COMPARED[line.quantity].title,
                "a": show(line.a),
                "b": show(line.b),
                "ratio": ratio_text(line.judgement.estimate),
                "verdict": verdict_text(line),
            }
        )
    return Table(title, columns, rows)


def _means_table(found: Comparison) -> Table:
    columns = (Column("arm", "arm"), Column("quantity", "quantity"), Column("n", "cases"), Column("ratio", "B over A"))
    rows = [
        {
            "arm": line.arm.id,
            "quantity": COMPARED[line.quantity].title,
            "n": line.estimate.n,
            "ratio": ratio_text(line.estimate),
        }
        for line in found.means
    ]
    return Table("Geometric means by arm", columns, rows)


def verdict_text(line: CaseLine) -> str:
    """The verdict in words, with the margin or what is missing."""
    judgement = line.judgement
    if line.change is Change.EQUIVALENT:
        return f"equivalent within {show_percent(judgement.margin)}"
    if line.change is Change.DIFFERS:
        return f"differs, by no more than {show_percent(judgement.margin)}"
    return f"undetermined: {judgement.reason}" if line.change is Change.UNDETERMINED else line.change.value


def ratio_text(estimate: Estimate) -> str | None:
    """The ratio with its interval; None where there is none."""
    return None if estimate.value is None else show_ratio(estimate)


def shower(quantity: str, basis: Basis) -> Callable[[float], str]:
    """How a typical trial is written, by its quantity's unit; as a ratio where overheads are compared."""
    if basis is Basis.OVERHEADS:
        return ratio
    return megabytes if quantity.endswith("_bytes") else seconds


def _shortened(fact: str) -> str:
    return fact if len(fact) <= _LONGEST_FACT else f"{fact[: _LONGEST_FACT - 1]}…"
