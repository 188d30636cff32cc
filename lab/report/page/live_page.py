"""The page of a running campaign: how far it is, and its report, both refreshed by themselves."""

from __future__ import annotations

from lab.report.page.shell import asset, policy

_BODY = """
<header><h1 id="name">…</h1><p class="question" id="question"></p></header>
<main id="main">
<p><progress id="bar" max="1" value="0" aria-label="Part of the measuring time that is spent"></progress></p>
<p id="state" role="status">asking the lab…</p>
<h2>Latest trials</h2>
<ol id="latest" reversed></ol>
<h2 id="report-title">Report so far</h2>
<p id="no-report">The first report appears about a minute after the first trial.</p>
<p><a id="alone" href="/report/index.html" hidden>The report by itself</a></p>
<iframe id="report" title="Report" hidden></iframe>
</main>
"""


def live_page() -> str:
    """The whole page; it asks its own server for ``/progress.json`` and ``/report/``, and nothing else."""
    script = asset("live.js")
    rules = policy(script) + "; connect-src 'self'; frame-src 'self'"
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{rules}">'
    head += '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
    head += f"<title>lab serve</title><style>{asset('style.css')}</style>"
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>{_BODY}<script>{script}</script></body></html>\n'
    )
