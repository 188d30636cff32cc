"""Campaigns under several memory limits: who still runs under which."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from lab.core.case import Case
from lab.core.errors import NothingToReport, UsageError
from lab.core.trial import Outcome
from lab.report.compare.memory_limits import UnderLimits, under_limits
from lab.store.campaigns import create
from lab.store.journal import JOURNAL_NAME, write_journal
from tests.command import lab
from tests.synthetic import START, make_manifest, make_trials

NATIVE, JIT, AOT = (
    Case.parse(f"{arm} yunet b1") for arm in ("native@o3", "wasmtime-jit-cranelift@o3", "wamr-interpreter-fast@o3")
)
NEEDS = {NATIVE: 64, JIT: 256, AOT: 512}
MIB = 1 << 20


def campaign(results: Path, mebibytes: int, fails: Callable[[Case, int], bool]) -> Path:
    """A campaign under a limit; trials of the cases that fail run out of memory."""
    manifest = make_manifest(tuple(case.arm.id for case in NEEDS), ("yunet",), (1,), START + timedelta(days=mebibytes))
    measure = msgspec.structs.replace(manifest.experiment.measure, memory=f"{mebibytes}MiB")
    manifest = msgspec.structs.replace(
        manifest, experiment=msgspec.structs.replace(manifest.experiment, measure=measure)
    )
    directory = create(results, manifest)
    (directory / JOURNAL_NAME).unlink()
    trials = [
        msgspec.structs.replace(trial, outcome=Outcome.OUT_OF_MEMORY, why="killed", total_ns=None, infer_ns=())
        if fails(trial.case, trial.block)
        else trial
        for trial in make_trials(manifest, 3)
    ]
    write_journal(directory / JOURNAL_NAME, trials)
    return directory


def made(results: Path, *limits: int) -> list[Path]:
    return [campaign(results, limit, _short_of(limit)) for limit in limits]


def _short_of(limit: int) -> Callable[[Case, int], bool]:
    return lambda case, _block: NEEDS[case] > limit


def by_case(found: tuple[UnderLimits, ...]) -> dict[Case, UnderLimits]:
    return {line.case: line for line in found}


def test_the_least_limit_that_suffices_is_found_in_any_order_of_campaigns(tmp_path: Path) -> None:
    found = by_case(under_limits(made(tmp_path, 256, 64, 512, 128)))
    assert {case: line.needs_bytes for case, line in found.items()} == {
        case: need * MIB for case, need in NEEDS.items()
    }
    assert found[JIT].outcomes[128 * MIB] == "out-of-memory"
    assert set(found[JIT].total_ns) == {256 * MIB, 512 * MIB}


def test_what_runs_out_of_memory_at_times_does_not_suffice(tmp_path: Path) -> None:
    two = [
        campaign(tmp_path, 64, lambda _case, block: block == 2),
        campaign(tmp_path, 128, lambda _case, _block: False),
    ]
    found = by_case(under_limits(two))
    assert found[JIT].needs_bytes == 128 * MIB
    assert found[JIT].outcomes[64 * MIB] == "ok, sometimes out-of-memory"


def test_the_table_says_times_and_reasons_and_the_largest_limit_may_be_too_small(tmp_path: Path) -> None:
    ran = lab("limits", *made(tmp_path, 64, 256))
    assert ran.code == 0, ran.err
    lines = {line.split()[0]: line for line in ran.out.splitlines() if "@o3" in line}
    assert lines["native@o3"].endswith("at most 64.0 MiB")
    assert "out-of-memory" in lines[JIT.arm.id]
    assert lines[JIT.arm.id].rstrip().endswith("256.0 MiB")
    assert lines[AOT.arm.id].rstrip().endswith("more than 256.0 MiB")
    listed = msgspec.json.decode(lab("limits", *made(tmp_path / "b", 64, 256), "--json").out)
    assert [entry["needs_bytes"] for entry in listed] == [64 * MIB, 256 * MIB, None]


def test_one_campaign_two_of_a_limit_and_none_that_ran_are_refused(tmp_path: Path) -> None:
    first, *_ = one = made(tmp_path, 64)
    with pytest.raises(UsageError, match="two campaigns or more"):
        under_limits(one)
    with pytest.raises(UsageError, match=r"both have a memory limit of 64\.0 MiB"):
        under_limits([first, *made(tmp_path / "again", 64)])
    dead = [campaign(tmp_path / "dead", limit, lambda _case, _block: True) for limit in (64, 128)]
    with pytest.raises(NothingToReport, match="no case ended well"):
        under_limits(dead)


@pytest.mark.parametrize(
    ("outcomes", "needs"),
    [
        ({64: "out-of-memory", 128: "ok", 256: "ok"}, "128.0 MiB"),
        ({64: "out-of-memory", 128: "over-budget", 256: "ok"}, "at most 256.0 MiB"),
        ({64: "ok", 128: "not yet run", 256: "ok"}, "at most 64.0 MiB"),
        ({64: "timeout", 128: "timeout", 256: "over-budget"}, "more than 128.0 MiB"),
        ({64: "absent", 128: "over-budget", 256: "not yet run"}, None),
    ],
)
def test_a_limit_that_was_not_tried_is_no_limit_that_failed(outcomes: dict[int, str], needs: str | None) -> None:
    line = UnderLimits(JIT, {limit * MIB: outcome for limit, outcome in outcomes.items()}, {})
    assert line.needs == needs
