"""A trend finds the campaign from which something is slower, and nothing where only noise moves."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from lab.core.errors import UsageError
from lab.report.compare.trend import trend
from tests.command import lab
from tests.synthetic import START, make_manifest, write_campaign

ARMS = ("native@o3", "wasmtime-jit-cranelift@o3")
SLOW = "wasmtime-jit-cranelift@o3"


def campaigns(results: Path, slowdowns: list[float]) -> list[Path]:
    """One a day, each with its own noise; the JIT arm slower by these factors."""
    made = []
    for day, slowdown in enumerate(slowdowns):
        manifest = make_manifest(ARMS, ("yunet", "vgg_16"), (1,), START + timedelta(days=day))
        made.append(write_campaign(results, 8, manifest, seed=day + 1, slowdown={SLOW: slowdown}))
    return made


@pytest.mark.parametrize("over_native", [False, True])
def test_a_lasting_slowdown_is_one_change_point_where_it_begins(tmp_path: Path, over_native: bool) -> None:
    made = campaigns(tmp_path, [1.0, 1.0, 1.2, 1.2, 1.2])
    found = trend([*reversed(made)], "single_total_ns", 0.02, over_native=over_native)
    assert found.campaigns == tuple(path.name for path in made)
    assert {(case.arm.id, case.model, point.campaign) for case, point in found.changes} == {
        (SLOW, "yunet", made[2].name),
        (SLOW, "vgg_16", made[2].name),
    }


def test_what_gets_slower_and_quick_again_is_two_change_points(tmp_path: Path) -> None:
    made = campaigns(tmp_path, [1.0, 1.2, 1.0, 1.0])
    found = trend(made, "single_total_ns", 0.02, over_native=False)
    of_one = [point.campaign for case, point in found.changes if case.model == "yunet"]
    assert of_one == [made[1].name, made[2].name]


def test_noise_alone_has_no_change_point(tmp_path: Path) -> None:
    made = campaigns(tmp_path, [1.0] * 5)
    ran = lab("trend", *made)
    assert ran.code == 0, ran.err
    assert "No change point." in ran.out
    assert made[4].name.split("-")[-1] in ran.out


def test_one_campaign_is_no_trend_and_an_unknown_quantity_is_named(tmp_path: Path) -> None:
    made = campaigns(tmp_path, [1.0, 1.0])
    with pytest.raises(UsageError, match="two campaigns"):
        trend(made[:1], "single_total_ns", 0.02, over_native=False)
    assert lab("trend", *made, "--quantity", "beauty").code == 2
