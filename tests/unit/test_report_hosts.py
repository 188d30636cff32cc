"""The report over all hosts: what each host gave, what they give together, and whether they agree."""

from __future__ import annotations

import csv
from pathlib import Path

import msgspec
import pytest

from lab.report.over_hosts import render_over_hosts
from lab.store.journal import JOURNAL_NAME, write_journal
from lab.store.spread import create_spread, open_host
from tests.command import lab
from tests.synthetic import make_manifest, make_trials

ARM = "wasmtime-jit-cranelift@o3"
PLAN = make_manifest(arms=("native@o3", ARM), models=("yunet",), batches=(1,))


def spread(results: Path, slowdowns: dict[str, float], blocks: int = 12, *, alike: bool = True) -> Path:
    """A campaign whose hosts run the arm so many times slower."""
    directory = create_spread(results, PLAN)
    for seed, (name, slowdown) in enumerate(slowdowns.items()):
        manifest = msgspec.structs.replace(PLAN, campaign=f"{PLAN.campaign}.{name}")
        if not alike:
            machine = msgspec.structs.replace(manifest.host, cpu_model=f"processor of {name}")
            manifest = msgspec.structs.replace(manifest, host=machine)
        place = open_host(directory, name, name, manifest)
        (place / JOURNAL_NAME).unlink()
        write_journal(place / JOURNAL_NAME, make_trials(manifest, blocks, seed=seed, slowdown={ARM: slowdown}))
    return directory


def times(directory: Path) -> dict[str, str]:
    """The row of the arm's overall time."""
    with (directory / "report" / "tables" / "hosts-single_total_ns.csv").open() as file:
        return next(csv.DictReader(file))


def test_hosts_that_agree_are_taken_together_and_the_interval_narrows(tmp_path: Path) -> None:
    both = spread(tmp_path / "both", {"alpha": 1.0, "beta": 1.0})
    render_over_hosts(both)
    row = times(both)
    assert row["reading"] == "2 of 2, of one kind, which agree"
    single = spread(tmp_path / "single", {"alpha": 1.0})
    render_over_hosts(single)
    alone = times(single)
    assert float(row["high"]) / float(row["low"]) < float(alone["high"]) / float(alone["low"])


def test_hosts_that_differ_are_the_sample_and_the_page_says_so(tmp_path: Path) -> None:
    directory = spread(tmp_path, {"alpha": 1.0, "beta": 1.5, "gamma": 0.8})
    page, text = render_over_hosts(directory)
    row = times(directory)
    assert row["reading"] == "3 of 3, of one kind, which differ"
    assert float(row["i_squared"]) > 0.9
    assert float(row["cochran_q"]) > 2
    # of log 1, log 1.5 and log 0.8
    assert float(row["tau_log_ratio"]) == pytest.approx(0.32, abs=0.03)
    assert float(row["low"]) < float(row["ratio"]) < float(row["high"])
    assert "which differ" in page.read_text()
    assert "../hosts/gamma/report/index.html" in page.read_text()
    assert "alpha" in text


def test_the_command_reports_each_host_and_all_of_them(tmp_path: Path) -> None:
    directory = spread(tmp_path, {"alpha": 1.0, "beta": 1.0}, blocks=4)
    ran = lab("report", directory)
    assert ran.code == 0, ran.err
    assert (directory / "report" / "index.html").is_file()
    assert (directory / "hosts" / "beta" / "report" / "index.html").is_file()


def test_hosts_of_several_kinds_are_the_sample_even_where_they_agree(tmp_path: Path) -> None:
    directory = spread(tmp_path / "unlike", {"alpha": 1.0, "beta": 1.0, "gamma": 1.0}, alike=False)
    render_over_hosts(directory)
    row = times(directory)
    assert row["reading"] == "3 of 3, of several kinds, which agree"
    assert float(row["low"]) < float(row["ratio"]) < float(row["high"])
    assert "of several kinds" in (directory / "report" / "index.html").read_text()
