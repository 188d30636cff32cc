"""`lab limits`: campaigns under different memory limits, read together."""

from __future__ import annotations

from typing import Annotated

import typer

from lab.cli.options import Json, Results
from lab.cli.output import say, say_json
from lab.disk.paths import RESULTS
from lab.report.compare.memory_limits import limits_table, under_limits
from lab.store.campaigns import resolve


def limits(
    campaigns: Annotated[list[str], typer.Argument(help="Campaigns: directories or names, one for each limit.")],
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    json: Json = False,
    results: Results = RESULTS,
) -> None:
    """Show under which memory limit each case still runs, from campaigns that `lab run --memory` made.

    Writes nothing. A case runs under a limit if every trial ended well; otherwise the table says how it ended.
    """
    found = under_limits([resolve(results, name) for name in campaigns])
    if json:
        say_json([_entry(line.case.id, line.outcomes, line.total_ns, line.needs_bytes) for line in found])
    else:
        table = limits_table(found)
        say(table.markdown() if markdown else table.text())


def _entry(case: str, outcomes: object, total_ns: object, needs_bytes: int | None) -> dict[str, object]:
    return {"case": case, "outcomes": outcomes, "total_ns": total_ns, "needs_bytes": needs_bytes}
