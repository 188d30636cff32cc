"""Every trial of a campaign in one interactive page, for those who want to slice by themselves.

Two quantities against each other, chosen on the page, a point per trial; a region that is dragged out limits the table
of medians below. Vega-Lite and its data are within the file: it works offline.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from lab.core.arm import Mode
from lab.core.errors import UsageError
from lab.core.plain_text import json_text, printable_line
from lab.core.quantity import Unit
from lab.core.trial import QUANTITIES, Kind
from lab.disk.whole import write_whole
from lab.report.display import arm_name, model_name, runtime_name
from lab.report.page.text import escape
from lab.runtimes.registry import RUNTIMES
from lab.store.campaigns import read_manifest
from lab.store.columns import KINDS, TrialTable, load_table

try:
    import altair as alt
    import vl_convert
except ImportError as error:  # an extra
    raise UsageError(
        f"the page to explore cannot be made: {error.name} is not installed",
        "install the lab with its extra for it: `pip install 'wasm-edge-lab[explore]'`, or run `just setup`",
    ) from error

MOST_TRIALS = 4_000
"""Of a campaign with more, every so-and-so-many-th trial is in the page: it stays below 2 MB."""
_SHOWN = (
    "single_total_ns",
    "startup_ns",
    "load_ns",
    "first_infer_ns",
    "steady_infer_ns",
    "rss_peak_bytes",
    "cpu_ns",
)
_UNITS = {Unit.NS: (1e6, "ms"), Unit.BYTES: (1e6, "MB"), Unit.COUNT: (1.0, "")}
_OTHER = "#7F7F7F"
_ALL = "all"


def export_explore(campaign_dir: Path, destination: Path) -> int:
    """Write the page to `destination`, which appears only once it is whole. Returns how many trials are in it.

    Raises:
        DataError: manifest or journal is missing or damaged.
    """
    manifest, table = read_manifest(campaign_dir), load_table(campaign_dir)
    rows = _rows(table)
    chart = _chart(rows)
    spec = json_text(json.dumps(chart.to_dict(), separators=(",", ":"), ensure_ascii=False)).replace("<", "\\u003c")
    good = len(_good(table))
    of_all = "" if len(rows) == good else f" of {good:,}, evenly chosen"
    lead = (
        f"{len(rows):,} good trials{of_all}. Choose what is shown below the figure; drag a region to see its medians."
    )
    title = escape(printable_line(manifest.campaign))
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script")
    page = _PAGE.format(title=title, lead=lead, bundle=bundle, spec=spec)
    write_whole(destination, page.encode())
    return len(rows)


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data: blob:; \
style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'">
<link rel="icon" href="data:,"><title>{title}: every trial</title>
<style>body {{ font: 15px/1.5 system-ui, sans-serif; margin: 1em auto; max-width: 1200px; padding: 0 1em;
color: #1b1f24; background: #fff; }}
.vega-bindings {{ display: flex; flex-wrap: wrap; gap: .4em 1.4em; margin: 1em 0; }}
.vega-bind-name {{ margin-right: .5em; }}</style></head>
<body><main><h1>{title}: every trial</h1><p>{lead}</p><div id="view"></div></main>
<script>{bundle}</script>
<script type="application/json" id="spec">{spec}</script>
<script>vegaEmbed("#view", JSON.parse(document.getElementById("spec").textContent), {{ actions: false }});</script>
</body></html>
"""


def _title(name: str) -> str:
    unit = _UNITS[QUANTITIES[name].unit][1]
    return f"{QUANTITIES[name].title}, {unit}" if unit else QUANTITIES[name].title


def _good(table: TrialTable) -> Any:
    """Rows of the runs that enter statistics."""
    return np.flatnonzero(np.logical_and(table.ok(), np.equal(table.kind, KINDS.index(Kind.RUN))))


def _rows(table: TrialTable) -> list[dict[str, Any]]:
    """The good trials, at most so many; quantities by title, in the unit that it names."""
    good = _good(table)
    chosen = good[:: -(-len(good) // MOST_TRIALS) or 1]
    rows = []
    for place in chosen.tolist():
        case = table.cases[table.case[place]]
        row: dict[str, Any] = {
            "arm": f"{arm_name(case.arm)} ({case.arm.guest})",
            "runtime": runtime_name(case.arm.runtime),
            "mode": str(case.arm.mode),
            "guest": str(case.arm.guest),
            "model": model_name(case.model),
            "batch": str(case.batch),
            "block": int(table.block[place]),
        }
        for name in _SHOWN:
            value = table.quantities[name][place]
            if not np.isnan(value):
                row[_title(name)] = float(f"{value / _UNITS[QUANTITIES[name].unit][0]:.5g}")
        rows.append(row)
    return rows


def _chart(rows: list[dict[str, Any]]) -> Any:
    titles = [_title(name) for name in _SHOWN]
    across = alt.param("x", value=titles[0], bind=alt.binding_select(options=titles, name="across"))
    up = alt.param("y", value=titles[5], bind=alt.binding_select(options=titles, name="up"))
    filters = {key: _filter(rows, key) for key in ("model", "batch", "guest", "mode", "runtime")}
    brush = alt.selection_interval(name="region")
    runtimes = sorted({row["runtime"] for row in rows})
    known = {runtime.title: runtime.colour for runtime in RUNTIMES}
    colour = alt.Color("runtime:N", scale=alt.Scale(domain=runtimes, range=[known.get(r, _OTHER) for r in runtimes]))
    quantities = [alt.Tooltip(field=title, type="quantitative") for title in titles]
    tooltip = ["arm:N", "model:N", "batch:N", "block:Q", *quantities]
    base = alt.Chart(alt.Data(values=rows))
    for key in filters:
        base = base.transform_filter(f"f_{key} == '{_ALL}' || datum['{key}'] == f_{key}")
    base = base.transform_calculate(across="datum[x]", up="datum[y]")
    base = base.transform_filter("datum.across > 0 && datum.up > 0")
    points = (
        base.mark_point(size=45, filled=True, opacity=0.75)
        .encode(
            x=alt.X("across:Q", scale=alt.Scale(type="log"), title="across (chosen below)"),
            y=alt.Y("up:Q", scale=alt.Scale(type="log"), title="up (chosen below)"),
            color=alt.condition(brush, colour, alt.value("#c8c8c8")),
            shape=alt.Shape("mode:N", scale=alt.Scale(domain=[str(mode) for mode in Mode])),
            tooltip=tooltip,
        )
        .add_params(across, up, *filters.values(), brush)
        .properties(width=820, height=420)
    )
    medians = (
        base.transform_filter(brush)
        .transform_aggregate(trials="count()", median="median(across)", groupby=["arm", "runtime"])
        .mark_bar()
        .encode(
            x=alt.X("median:Q", title="median of what is across, in the region"),
            y=alt.Y("arm:N", sort="x", title=None),
            color=colour,
            tooltip=["arm:N", "trials:Q", "median:Q"],
        )
        .properties(width=820)
    )
    return alt.vconcat(points, medians).configure_axis(labelLimit=320)


def _filter(rows: list[dict[str, Any]], key: str) -> Any:
    values = [_ALL, *sorted({row[key] for row in rows})]
    return alt.param(f"f_{key}", value=_ALL, bind=alt.binding_select(options=values, name=key))
