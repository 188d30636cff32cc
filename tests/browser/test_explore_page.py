"""The page to explore works offline, shows every good trial, and stays small."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.browser.chromium import NONE_HERE, WHERE, Opened, open_browser
from tests.command import LAB, lab
from tests.synthetic import make_manifest, write_campaign

ARMS = ("native@o3", "wasmtime-jit-cranelift@o3", "wasmtime-aot-cranelift@o3")


@pytest.mark.skipif(WHERE is None, reason=NONE_HERE)
def test_every_good_trial_is_a_point_and_a_choice_leaves_fewer(tmp_path: Path) -> None:
    bad = "</script><script>document.title='owned'</script>"
    manifest = make_manifest(arms=ARMS, models=("yunet", bad), batches=(1,))
    campaign = write_campaign(tmp_path, blocks=4, manifest=manifest)
    ran = lab("export", campaign, "--format", "explore")
    assert ran.code == 0, ran.err
    page = campaign / "explore.html"
    assert page.stat().st_size < 2_000_000
    with open_browser() as browser:
        opened = Opened(browser, page)
        view = opened.page.evaluate("async () => { await new Promise(done => setTimeout(done, 1500)); return true; }")
        assert view
        points = opened.page.locator("#view canvas, #view svg")
        assert points.count() == 1
        assert opened.page.locator("select").count() == 7
        assert "owned" not in opened.page.title()
        opened.page.locator('select[name="f_model"]').select_option("YuNet")
        assert opened.complaints == []
        assert opened.requests == []
        opened.close()
    assert "24 trials written" in ran.err


def test_the_page_is_written_beside_a_report_where_it_is_asked_for(tmp_path: Path) -> None:
    campaign = write_campaign(tmp_path, blocks=3, manifest=make_manifest(arms=ARMS, models=("yunet",), batches=(1,)))
    assert lab("report", campaign).code == 0
    assert not (campaign / "report" / "explore.html").exists()
    ran = lab("report", campaign, "--explore")
    assert ran.code == 0, ran.err
    assert "9 trials written" in ran.err
    assert (campaign / "report" / "explore.html").is_file()
    assert lab("report", campaign).code == 0
    assert (campaign / "report" / "explore.html").is_file()


def test_without_the_extra_everything_but_the_page_works(tmp_path: Path) -> None:
    campaign = write_campaign(tmp_path, blocks=3, manifest=make_manifest(arms=ARMS, models=("yunet",), batches=(1,)))
    (tmp_path / "altair.py").write_text("raise ImportError('none here', name='altair')")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*LAB, *words], env=environment, capture_output=True, text=True, check=False)

    assert run("report", str(campaign), "--short").returncode == 0
    asked = run("export", str(campaign), "--format", "explore")
    assert asked.returncode == 2
    *_, what, remedy = asked.stderr.splitlines()
    assert what == "error: the page to explore cannot be made: altair is not installed"
    assert "wasm-edge-lab[explore]" in remedy
