"""The report's page in a browser: it draws, filters, sorts and saves, offline, for every pair of eyes and hands."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from lab.report.render import render
from tests.browser.chromium import NONE_HERE, WHERE, Opened, open_browser
from tests.synthetic import make_manifest, write_campaign

pytestmark = pytest.mark.skipif(WHERE is None, reason=NONE_HERE)
ARMS = (
    "native@o3",
    "wasmtime-jit-cranelift@o3",
    "wasmtime-aot-cranelift@o3",
    "wasmer-jit-cranelift@o3",
    "wamr-interpreter-fast@o3",
)
MODELS = ("yunet", "mobilenet_v1_1.0_224", "vgg_16")
# of WCAG 2.0 to 2.2, levels A and AA
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    manifest = make_manifest(arms=ARMS, models=MODELS, batches=(1, 3))
    return render(write_campaign(tmp_path_factory.mktemp("results"), blocks=7, manifest=manifest)).page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture
def opened(browser: Browser, index: Path) -> Iterator[Opened]:
    found = Opened(browser, index)
    yield found
    found.close()
    assert found.complaints == []
    assert found.requests == []


@pytest.fixture
def page(opened: Opened) -> Page:
    return opened.page


def panels(page: Page) -> int:
    return page.locator("#panels figure").count()


def marks(page: Page) -> int:
    return page.locator('#panels [role="button"]').count()


def shown(page: Page) -> str:
    return page.locator("#shown").inner_text()


def set_filter(page: Page, facet: str, value: str, *, on: bool) -> None:
    menu = page.locator("#filters details", has_text=facet)
    menu.locator("summary").click()
    menu.locator(f'input[value="{value}"]').set_checked(on)
    page.keyboard.press("Escape")


@pytest.mark.parametrize("view", ["costs", "memory", "start", "totals", "phases"])
def test_every_figure_draws_a_panel_with_marks_for_each_model_and_batch(page: Page, view: str) -> None:
    page.locator(f'input[name="view"][value="{view}"]').check()
    assert panels(page) == len(MODELS) * 2
    assert marks(page) >= len(MODELS) * 2
    assert page.locator("#panels svg text").count() > 20
    assert "NaN" not in page.locator("#panels").inner_html()


def test_a_filter_acts_on_figures_rows_columns_and_tables(page: Page) -> None:
    before = marks(page)
    rows = page.locator('tbody tr[data-runtime="wasmer"]:visible').count()
    assert rows > 0
    set_filter(page, "Runtime", "wasmer", on=False)
    assert marks(page) < before
    assert page.locator('tbody tr[data-runtime="wasmer"]:visible').count() == 0
    set_filter(page, "Model", "vgg_16", on=False)
    assert page.locator('th[data-model="vgg_16"]:visible').count() == 0
    assert panels(page) == (len(MODELS) - 1) * 2
    set_filter(page, "Batch", "3", on=False)
    assert panels(page) == len(MODELS) - 1
    assert page.locator('table[data-batch="3"]:visible').count() == 0
    assert shown(page) == "8 of 30 cases shown"
    set_filter(page, "Runtime", "wasmer", on=True)
    assert shown(page) == "10 of 30 cases shown"


def test_a_table_is_sorted_by_number_and_says_so(page: Page) -> None:
    table = page.locator("#figure-1a-time ~ .scroll table").first
    head = table.locator('th[data-key="yunet"]')
    cells = table.locator("tbody tr td:nth-child(2)")

    def values() -> list[float]:
        return [float(found) for found in cells.evaluate_all("cells => cells.map(cell => cell.dataset.v)")]

    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert values() == sorted(values())
    head.locator("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert values() == sorted(values(), reverse=True)
    assert "descending" in shown(page)


def test_what_has_no_number_is_sorted_last_in_both_directions(page: Page) -> None:
    table = page.locator("#figure-1a-time ~ .scroll table").first
    head = table.locator('th[data-key="vgg_16"] button')
    for _ in range(2):
        head.click()
        raw = table.locator("tbody tr td:nth-child(4)").evaluate_all("all => all.map(cell => cell.dataset.v ?? null)")
        assert raw[-1] is None
        assert raw[0] is not None


def test_a_text_filters_the_rows_of_one_table(page: Page) -> None:
    page.locator("details", has_text="every cell").first.locator("summary").click()
    box = page.locator('details[open] input[type="search"]')
    box.fill("wamr")
    rows = page.locator("details[open] tbody tr:visible")
    assert rows.count() > 0
    assert all("wamr" in text for text in rows.all_inner_texts())


def test_a_table_is_saved_as_csv_in_full_precision_and_as_markdown(page: Page) -> None:
    tools = page.locator(".tools", has=page.locator('button[aria-label*="best arm by model as CSV"]'))
    with page.expect_download() as caught:
        tools.get_by_text("CSV").click()
    rows = list(csv.DictReader(caught.value.path().read_text(encoding="utf-8").splitlines()))
    assert [row["model"] for row in rows[:3]] == ["YuNet"] * 3
    assert len(rows[0]["over_native"]) > 8
    with page.expect_download() as caught:
        tools.get_by_text("Markdown").click()
    lines = caught.value.path().read_text(encoding="utf-8").splitlines()
    assert lines[2].startswith("| model | least of |")
    assert len(lines) == 4 + len(rows)


def test_a_mark_says_value_interval_and_count_when_pointed_at_and_when_focused(page: Page) -> None:
    first, second = (page.locator('#panels [role="button"]').nth(place) for place in (0, 1))
    second.hover()
    tip = page.locator("#tip")
    assert "trials, 95 % intervals by block" in tip.inner_text()
    assert "× [" in tip.inner_text()
    page.mouse.move(0, 0)
    assert tip.is_hidden()
    first.focus()
    assert tip.is_visible()
    assert tip.inner_text().splitlines()[0] in str(first.get_attribute("aria-label"))


def test_a_figure_is_one_tab_stop_and_arrow_keys_go_from_mark_to_mark(page: Page) -> None:
    first = page.locator("#panels svg").first
    assert first.locator('[tabindex="0"]').count() == 1
    first.locator('[tabindex="0"]').focus()
    page.keyboard.press("ArrowDown")
    assert first.locator('[role="button"]').nth(1).evaluate("mark => mark === document.activeElement")
    assert first.locator('[tabindex="0"]').count() == 1
    page.keyboard.press("End")
    assert first.locator('[role="button"]').last.evaluate("mark => mark === document.activeElement")


def test_enter_opens_the_trials_behind_a_mark_and_escape_returns_to_it(page: Page) -> None:
    mark = page.locator('#panels [role="button"]').first
    mark.focus()
    page.keyboard.press("Enter")
    assert page.locator("#trials tbody tr").count() == 7
    assert page.locator("#trials svg circle").count() == 7
    assert page.locator("#trials-title").evaluate("title => title === document.activeElement")
    page.keyboard.press("Escape")
    assert page.locator("#trials").is_hidden()
    assert mark.evaluate("mark => mark === document.activeElement")


def test_the_scale_moves_marks_and_the_papers_is_offered_for_absolute_costs(page: Page) -> None:
    def places() -> Any:
        return page.locator("#panels svg .mark").evaluate_all("all => all.map(mark => mark.getBoundingClientRect().x)")

    paper = page.locator('label:has(input[value="paper"])')
    assert paper.is_hidden()
    logarithmic = places()
    page.locator('input[name="scale"][value="linear"]').check()
    assert places() != logarithmic
    page.locator('input[name="relative"][value="absolute"]').check()
    paper.locator("input").check()
    assert page.locator("#panels rect.mark").count() > 0
    assert "log10(s) + 2" in page.locator("#panels").inner_text()


def test_no_two_labels_of_an_axis_run_into_each_other(browser: Browser, index: Path) -> None:
    narrow = Opened(browser, index, width=320)
    labels = narrow.page.locator('#panels g[aria-hidden] > text.soft[text-anchor="middle"]')
    for view in ("costs", "memory", "start"):
        narrow.page.locator(f'input[name="view"][value="{view}"]').check()
        boxes = labels.evaluate_all(
            "all => all.map(text => { const { x, y, right } = text.getBoundingClientRect(); return [x, y, right]; })"
        )
        assert len(boxes) > 20
        rows: dict[int, list[tuple[float, float]]] = {}
        for x, y, right in boxes:
            rows.setdefault(round(y), []).append((x, right))
        for ends in map(sorted, rows.values()):
            assert all(right <= x for (_, right), (x, _) in pairwise(ends)), view
    narrow.close()


def test_colours_follow_the_system_and_the_switch_overrules_it(browser: Browser, index: Path) -> None:
    dark = Opened(browser, index, scheme="dark")

    def paper() -> str:
        return str(dark.page.evaluate("getComputedStyle(document.body).backgroundColor"))

    assert paper() == "rgb(20, 24, 29)"
    dark.page.locator("#theme").select_option("light")
    assert paper() == "rgb(255, 255, 255)"
    dark.page.reload()
    assert paper() == "rgb(255, 255, 255)"
    dark.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_no_violation_of_wcag_aa(browser: Browser, index: Path, scheme: str, width: int) -> None:
    found = Opened(browser, index, width, scheme)
    # what is in a drawing is a path: thousands of elements without a text or a role
    found.page.evaluate("document.querySelectorAll('.drawing svg').forEach(svg => svg.replaceChildren())")
    named = []
    for view in ("costs", "memory", "totals", "phases"):
        found.page.locator(f'input[name="view"][value="{view}"]').check()
        part = "body" if view == "costs" else "#panels"
        violations = Axe().run(found.page, context=part, options=RULES).response["violations"]
        named += [
            f"{view}: {broken['id']}: {node['html'][:120]}" for broken in violations for node in broken["nodes"][:3]
        ]
    found.close()
    assert named == []


def test_a_narrow_screen_scrolls_within_tables_and_never_sideways(browser: Browser, index: Path) -> None:
    narrow = Opened(browser, index, width=360)
    for view in ("costs", "memory", "start", "totals", "phases"):
        narrow.page.locator(f'input[name="view"][value="{view}"]').check()
        assert narrow.page.evaluate("document.documentElement.scrollWidth") <= 360, view
    narrow.close()


def test_print_has_figures_and_tables_and_none_of_the_controls(page: Page) -> None:
    page.emulate_media(media="print", color_scheme="dark")
    for name in ("#filters", ".tools", "nav", ".controls", ".theme"):
        assert page.locator(name).first.is_hidden(), name
    assert page.locator("#panels svg").first.is_visible()
    assert page.locator("table.answer").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf().startswith(b"%PDF")


def test_without_scripts_the_answer_the_tables_and_the_drawings_are_there(browser: Browser, index: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(index.as_uri())
    assert plain.locator("table.answer").is_visible()
    assert plain.locator(".scroll table").first.is_visible()
    assert plain.locator(".drawing svg").count() > 3
    assert plain.locator("#filters").is_hidden()
    assert plain.locator("noscript").is_visible()
    context.close()


def test_no_name_of_a_model_becomes_part_of_the_page(browser: Browser, tmp_path: Path) -> None:
    bad = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    manifest = make_manifest(arms=("native@o3", "wasmtime-jit-cranelift@o3"), models=(bad,), batches=(1,))
    directory = write_campaign(tmp_path, blocks=3, manifest=manifest)
    found = Opened(browser, render(directory).page)
    assert found.page.title() == directory.name
    assert bad in json.loads(found.page.locator("#data").text_content() or "{}")["models"][0]["id"]
    assert found.page.locator("img").count() == 0
    assert found.complaints == []
    found.close()


def test_a_screen_reader_is_led_by_landmarks_headings_and_a_skip_link(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.locator("h1").count() == 1
    assert page.locator("main").count() == page.locator("header").count() == page.locator("footer").count() == 1
    assert page.locator("table:not(:has(caption))").count() == 0
