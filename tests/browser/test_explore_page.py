"""The page to explore works offline, shows every good trial, and stays small."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.chromium import NONE_HERE, WHERE, Opened, open_browser
from tests.command import lab
from tests.synthetic import make_manifest, write_campaign

pytestmark = pytest.mark.skipif(WHERE is None, reason=NONE_HERE)
ARMS = ("native@o3", "wasmtime-jit-cranelift@o3", "wasmtime-aot-cranelift@o3")


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
