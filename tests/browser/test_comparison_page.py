"""A comparison's page in a browser: every ratio is drawn, filters act on rows, nothing is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.browser.chromium import NONE_HERE, WHERE, Opened, open_browser
from tests.browser.test_report_page import RULES, set_filter
from tests.command import lab
from tests.synthetic import START, make_manifest, write_campaign

pytestmark = pytest.mark.skipif(WHERE is None, reason=NONE_HERE)
JIT = "wasmtime-jit-cranelift@o3"
ARMS = ("native@o3", JIT, "wamr-interpreter-fast@o3")
BAD = "</script><script>document.title='owned'</script>"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("results")
    sides = []
    for day, slowdown in ((0, {}), (1, {JIT: 1.2})):
        manifest = make_manifest(ARMS, ("yunet", BAD), (1,), started=START + timedelta(days=day))
        sides.append(write_campaign(directory, blocks=10, manifest=manifest, seed=day + 1, slowdown=slowdown))
    ran = lab("compare", *sides, "--html", directory / "new" / "diff.html")
    assert ran.code == 1, ran.err
    return directory / "new" / "diff.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


def test_every_ratio_is_drawn_and_the_verdict_filters_rows(browser: Browser, page: Path) -> None:
    opened = Opened(browser, page)
    shown = opened.page
    assert shown.locator("tbody tr[data-change] svg.interval").count() == 3 * len(ARMS) * 2
    worse = shown.locator('tbody tr[data-change="worse"]')
    assert worse.count() >= 2
    assert all("worse" in (svg.get_attribute("aria-label") or "") for svg in worse.locator("svg").all())
    for change in shown.locator("#filters details", has_text="Verdict").locator("input").all():
        if change.get_attribute("value") != "worse":
            set_filter(shown, "Verdict", change.get_attribute("value") or "", on=False)
    assert shown.locator("tbody tr[data-change]:visible").count() == worse.count()
    assert shown.locator("#shown").inner_text() == f"{worse.count()} of 18 comparisons shown"
    assert "owned" not in shown.title()
    assert opened.complaints == []
    assert opened.requests == []
    opened.close()


def test_rows_are_sorted_by_the_ratio_and_the_axis_stays_in_the_head(browser: Browser, page: Path) -> None:
    opened = Opened(browser, page)
    table = opened.page.locator("#single_total_ns ~ .scroll table").first
    head = table.locator('th[data-key="ratio"]')
    head.locator("button").click()
    ratios = table.locator("tbody tr td:nth-child(6)").evaluate_all("all => all.map(cell => Number(cell.dataset.v))")
    assert ratios == sorted(ratios)
    assert head.locator("svg.axis text").count() >= 2
    assert "B over A, ascending" in opened.page.locator("#shown").inner_text()
    opened.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light")])
def test_axe_finds_no_violation_of_wcag_aa(browser: Browser, page: Path, width: int, scheme: str) -> None:
    opened = Opened(browser, page, width, scheme)
    violations = Axe().run(opened.page, options=RULES).response["violations"]
    assert [f"{broken['id']}: {node['html'][:120]}" for broken in violations for node in broken["nodes"]] == []
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    opened.close()


def test_without_scripts_every_interval_is_there(browser: Browser, page: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(page.as_uri())
    assert plain.locator("tbody svg.interval:visible").count() > 18
    context.close()
