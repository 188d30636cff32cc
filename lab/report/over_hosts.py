"""The report over all hosts of a campaign: overheads only, each paired on its own host, and whether hosts agree.

    results/<campaign>/report/
    ├── index.html     one table for each quantity, and links to every host's own report
    ├── report.md      the same in Markdown
    └── tables/        the same as CSV, in full precision

Hosts are strata (`lab.stats.strata`): where they are alike and agree, all blocks stand behind the figure; otherwise
hosts are the sample, and the interval is of the mean over hosts like these. Absolute times of two hosts are never put
together.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lab.core.case import Case
from lab.core.errors import NothingToReport
from lab.core.manifest import alike
from lab.core.plain_text import markdown_text, printable, printable_line
from lab.core.units import show_percent
from lab.disk.whole import write_whole
from lab.report.display import arm_name, bounds, model_name, ratio
from lab.report.document import Column, Section, Table
from lab.report.overheads import MEMORY, TIME, CostQuantity, log_ratios
from lab.report.results import Results, load_results
from lab.stats.estimate import Floats
from lab.stats.strata import merge_strata
from lab.stats.typical import interval, typical
from lab.store.campaigns import REPORT_NAME
from lab.store.spread import host_directories, read_plan

LEVEL = 0.95
_LEAST_BLOCKS = 2
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1280px; margin: 2em auto; }
td, th { padding: .25em .8em; text-align: left; }
"""
LEAD = (
    "Ratio to the native trial of the same block, which ran on the same host. Over all: of machines of one kind that "
    "agree, every host's typical ratio weighted by its blocks; otherwise the plain mean of hosts, its interval over "
    "hosts. p: Welch's test that all hosts have one ratio. Q: Cochran's; about the number of hosts less one where they "
    "do. I²: share of the hosts' variance that is more than noise. τ: standard deviation between hosts, of the ratio."
)


def render_over_hosts(directory: Path) -> tuple[Path, str]:
    """Write the report over all hosts; its page, and its tables as text.

    Args:
        directory: of a campaign of several hosts.

    Raises:
        DataError: a host's directory is damaged.
        NothingToReport: no host has measured anything.
    """
    hosts: dict[str, Results] = {}
    for place in host_directories(directory):
        try:
            hosts[place.name] = load_results(place)
        except NothingToReport:
            continue
    if not hosts:
        raise NothingToReport(f"no host of {directory} has measured anything", "run `lab worker` on other machines")
    sections = [_section(quantity, hosts) for quantity in (TIME, MEMORY)]
    plan = read_plan(directory)
    head = f"{plan.campaign}: {len(hosts)} hosts"
    target = directory / REPORT_NAME
    machines = _machines(hosts)
    write_whole(target / "index.html", _page(head, plan.experiment.question, machines, sections, hosts).encode())
    title = markdown_text(printable_line(head))
    texts = [f"# {title}\n", machines.markdown(), *(section.markdown() for section in sections)]
    write_whole(target / "report.md", ("\n\n".join(texts) + "\n").encode())
    for section in sections:
        write_whole(target / "tables" / f"{section.name}.csv", section.overview[0].csv().encode())
    return target / "index.html", "\n\n".join([machines.text(), *(section.text() for section in sections)])


def _section(quantity: CostQuantity, hosts: Mapping[str, Results]) -> Section:
    cases = dict.fromkeys(case for results in hosts.values() for case in results.cells if not case.arm.is_native)
    columns = (
        Column("case", ""),
        Column("arm", "arm"),
        Column("model", "model", model_name),
        Column("batch", "batch"),
        *(Column(f"{name}_ratio", name) for name in hosts),
        Column("ratio", "over all", ratio),
        Column("low", ""),
        Column("high", ""),
        Column("interval", "95 % interval"),
        Column("p_same", "p", lambda p: f"{p:.2g}"),
        Column("cochran_q", "Q", lambda q: f"{q:.3g}"),
        Column("i_squared", "I²", lambda share: f"{share:.0%}"),
        Column("tau_log_ratio", "τ", lambda tau: show_percent(math.expm1(tau))),
        Column("blocks", "blocks"),
        Column("reading", "hosts"),
    )
    rows = [row for case in cases if (row := _row(quantity, case, hosts)) is not None]
    table = Table(f"{quantity.title} over native", columns, rows)
    return Section(f"hosts-{quantity.name}", f"{quantity.title}: overhead on all hosts", LEAD, [table])


def _row(quantity: CostQuantity, case: Case, hosts: Mapping[str, Results]) -> dict[str, Any] | None:
    samples: dict[str, Floats] = {}
    for name, results in hosts.items():
        values = log_ratios(results, quantity.name, case) if case in results.cells else np.empty(0)
        if len(values):
            samples[name] = values
    if not samples:
        return None
    row: dict[str, Any] = {"case": case.id, "arm": arm_name(case.arm), "model": case.model, "batch": case.batch}
    row |= {f"{name}_ratio": _one_host(values) for name, values in samples.items()}
    row["blocks"] = sum(len(values) for values in samples.values())
    return row | _merged(samples, hosts)


def _merged(samples: Mapping[str, Floats], hosts: Mapping[str, Results]) -> dict[str, Any]:
    """The figure over the hosts with enough blocks for one of their own; of one host alone, that host's."""
    enough = {name: values for name, values in samples.items() if len(values) >= _LEAST_BLOCKS}
    if not enough:
        return {"reading": "one block a host: no interval"}
    are_alike = alike(hosts[name].manifest.host for name in enough)
    merged = merge_strata([*enough.values()], are_alike=are_alike)
    low, high = (float(end) for end in interval(merged.center, LEVEL))
    found: dict[str, Any] = {"ratio": math.exp(float(merged.center.value))}
    if math.isfinite(low) and math.isfinite(high):
        found |= {"low": math.exp(low), "high": math.exp(high), "interval": bounds(math.exp(low), math.exp(high))}
    reading = f"{len(enough)} of {len(hosts)}"
    if len(enough) > 1:
        reading += ", of one kind" if are_alike else ", of several kinds"
    if (seen := merged.heterogeneity) is not None:
        found |= {"p_same": seen.p_same, "cochran_q": seen.q, "i_squared": seen.i_squared, "tau_log_ratio": seen.tau}
        reading += ", which differ" if seen.is_shown else ", which agree"
    return found | {"reading": reading}


def _one_host(values: Floats) -> str:
    center = typical(values)
    low, high = (float(end) for end in interval(center, LEVEL))
    ends = f" {bounds(math.exp(low), math.exp(high))}" if math.isfinite(low) and math.isfinite(high) else ""
    return f"{ratio(math.exp(float(center.value)))}{ends}"


def _machines(hosts: Mapping[str, Results]) -> Table:
    columns = tuple(Column(name, name) for name in ("host", "processor", "cores", "kernel", "engine", "trials"))
    rows = [
        {
            "host": name,
            "processor": results.manifest.host.cpu_model,
            "cores": results.manifest.host.cores,
            "kernel": results.manifest.host.kernel,
            "engine": results.manifest.host.engine,
            "trials": len(results.table),
        }
        for name, results in hosts.items()
    ]
    return Table("hosts", columns, rows)


def _page(head: str, question: str, machines: Table, sections: Sequence[Section], hosts: Mapping[str, Results]) -> str:
    def text(content: str) -> str:
        return html.escape(printable(content))

    links = " ".join(f'<a href="../hosts/{text(name)}/report/index.html">{text(name)}</a>' for name in hosts)
    parts = [f"<h1>{text(head)}</h1><p>{text(question)}</p><p>Each host by itself: {links}</p>", machines.html()]
    for section in sections:
        tables = "\n".join(table.html() for table in section.overview)
        parts.append(f"<h2>{text(section.title)}</h2>\n<p>{text(section.lead)}</p>\n{tables}")
    head_tags = f'<meta charset="utf-8"><title>{text(head)}</title><style>{_STYLE}</style>'
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head_tags}</head>\n<body>\n{body}\n</body></html>\n'
