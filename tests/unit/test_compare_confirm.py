"""`lab compare --confirm` on a fake engine: what fresh blocks show is worse, and what they do not show is not."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

from lab.campaign.materials import Materials
from lab.campaign.prepare import manifest_of
from lab.campaign.recorded import recorded
from lab.core.case import Case
from lab.core.errors import UsageError
from lab.core.experiment import Experiment, Matrix, Tier
from lab.core.manifest import Manifest, RuntimeFingerprint
from lab.core.probe import ProbeReport
from lab.core.progress import silent
from lab.core.trial import Outcome, Trial
from lab.engines.engine import Job, JobResult
from lab.store.campaigns import create
from lab.store.journal import JOURNAL_NAME, read_trials, write_journal
from tests.command import Ran, lab
from tests.fakes import FakeEngine, FakeLab, crash, make_materials, stretched
from tests.synthetic import START, measured

JIT = "wasmtime-jit-cranelift@o3 tiny b1"
NATIVE = "native@o3 tiny b1"
NEW = "sha256:new"
"""Image of the later version of the runtime."""
PLAN = Experiment(
    name="toy",
    question="Is it worse?",
    matrix=(Matrix(("native@o3", "wasmtime-jit-cranelift@o3"), ("tiny",)),),
    tiers={"t": Tier(budget="100h", min_blocks=10, max_blocks=10)},
)


class TwoVersions(FakeLab):
    """A lab that has both versions of Wasmtime; the later one takes `slower` times as long on its engine."""

    def __init__(self, directory: Path, slower: float = 1.0, *, crashes: bool = False) -> None:
        self.old = make_materials(directory / "materials", ("tiny",))
        image = msgspec.structs.replace(self.old.images["wasmtime"], image_id=NEW, binary_sha256="e" * 64)
        self.new = msgspec.structs.replace(self.old, images={**self.old.images, "wasmtime": image})

        def answer(job: Job, report: ProbeReport) -> JobResult:
            if job.image != NEW:
                return JobResult(report, oom_killed=False)
            return crash(job, report) if crashes else JobResult(stretched(report, slower), oom_killed=False)

        self.fake = FakeEngine(self.old, misbehaves={JIT: answer})
        super().__init__(self.old, self.fake)

    def recorded(self, manifest: Manifest, cases: Iterable[Case], progress: object) -> Materials:
        """Of either version."""
        return self.new if manifest.runtimes["wasmtime"].image_id == NEW else self.old


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))


def campaigns(versions: TwoVersions, slower: float, *, crashed: bool = False) -> tuple[Path, Path]:
    """Before and after, as the journals say: the later Wasmtime took `slower` times as long, or crashed."""
    made = []
    for day, (materials, factor) in enumerate(((versions.old, 1.0), (versions.new, slower))):
        started = START + timedelta(days=day)
        manifest = manifest_of(
            materials,
            PLAN,
            "t",
            PLAN.cases("t"),
            versions.fake,
            name=f"toy-t-{started:%Y%m%dT%H%M%SZ}",
            created_at=started.isoformat(),
        )
        directory = create(Path("results"), manifest)
        (directory / JOURNAL_NAME).unlink()
        write_journal(directory / JOURNAL_NAME, trials(manifest, factor, crashed=crashed and day == 1))
        made.append(directory)
    return made[0], made[1]


def trials(manifest: Manifest, slower: float, *, crashed: bool) -> Iterable[Trial]:
    rng = np.random.default_rng(len(manifest.runtimes["wasmtime"].image_id))
    for block in range(10):
        for place, case in enumerate(manifest.experiment.cases("t")):
            by = 1.0 if case.arm.is_native else slower
            trial = measured(case, 2 * block + place, block, rng, 0.01, by)
            if crashed and not case.arm.is_native:
                trial = msgspec.structs.replace(trial, outcome=Outcome.CRASHED, why="killed by SIGABRT")
            yield trial


def confirm(versions: TwoVersions, sides: tuple[Path, Path], *words: object) -> Ran:
    return lab("compare", *sides, "--confirm", *words, on=versions)


def test_what_fresh_blocks_show_too_is_worse_and_fails(tmp_path: Path) -> None:
    versions = TwoVersions(tmp_path, slower=1.3)
    ran = confirm(versions, campaigns(versions, 1.3), "--quantity", "single_total_ns")
    assert ran.code == 1, ran.err
    assert "confirmed by 10 fresh blocks" in ran.out
    assert f"- {JIT}: overall time 1.3" in ran.out
    assert versions.fake.ran == {JIT: 20}, "both sides, what seemed worse only"


def test_what_fresh_blocks_do_not_show_is_listed_and_does_not_fail(tmp_path: Path) -> None:
    versions = TwoVersions(tmp_path, slower=1.0)
    ran = confirm(versions, campaigns(versions, 1.3), "--quantity", "single_total_ns")
    assert ran.code == 0, ran.err
    assert (
        "Nothing was shown to be worse by more than 2 %: 1 seemed so, and 10 fresh blocks did not confirm it" in ran.out
    )
    assert f"- not confirmed: {JIT}" in ran.out


def test_a_crash_is_confirmed_by_a_crash_and_not_run_again_after_it(tmp_path: Path) -> None:
    versions = TwoVersions(tmp_path, crashes=True)
    ran = confirm(versions, campaigns(versions, 1.0, crashed=True))
    assert ran.code == 1
    assert "SIGABRT" in ran.out
    assert versions.fake.ran[JIT] == 11, "ten of the side that works, one of the one that crashes"
    repaired = TwoVersions(tmp_path / "other", crashes=False)
    ran = confirm(repaired, campaigns_at(tmp_path / "again", repaired), "--results", tmp_path / "again")
    assert ran.code == 0, ran.err
    assert "not so in fresh blocks" in ran.out


def campaigns_at(directory: Path, versions: TwoVersions) -> tuple[Path, Path]:
    directory.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        before, after = campaigns(versions, 1.0, crashed=True)
        return before.absolute(), after.absolute()


def test_nothing_is_measured_where_nothing_seems_worse(tmp_path: Path) -> None:
    versions = TwoVersions(tmp_path, slower=3.0)
    ran = confirm(versions, campaigns(versions, 1.0), "--json")
    assert ran.code == 0, ran.err
    assert not versions.fake.ran
    assert json.loads(ran.out)["confirmation"] == {"a": None, "b": None, "blocks": 0, "unconfirmed": []}


def test_overheads_are_confirmed_with_the_native_cases_that_they_are_taken_over(tmp_path: Path) -> None:
    versions = TwoVersions(tmp_path, slower=1.3)
    ran = confirm(
        versions, campaigns(versions, 1.3), "--basis", "overheads", "--quantity", "single_total_ns", "--blocks", 8
    )
    assert ran.code == 1, ran.err
    assert versions.fake.ran == {JIT: 16, NATIVE: 16}


def test_both_sides_run_by_turns_with_the_inferences_of_the_campaigns(tmp_path: Path) -> None:
    versions = TwoVersions(tmp_path, slower=1.3)
    sides = campaigns(versions, 1.3)
    assert confirm(versions, sides, "--quantity", "single_total_ns").code == 1
    images = [job.image for job in versions.fake.jobs]
    for block in range(10):
        assert len(set(images[2 * block : 2 * block + 2])) == 2
    assert len({tuple(images[2 * block : 2 * block + 2]) for block in range(10)}) == 2, "in both orders"
    counts = [job.argv[job.argv.index("--iterations") + 1] for job in versions.fake.jobs]
    known = [trial for trial in read_trials(sides[0] / JOURNAL_NAME) if trial.infer_ns]
    assert set(counts) == {str(len(known[0].infer_ns or ()))}


def test_fresh_campaigns_are_neither_the_latest_nor_resumed(tmp_path: Path) -> None:
    versions = TwoVersions(tmp_path, slower=1.3)
    sides = campaigns(versions, 1.3)
    assert confirm(versions, sides, "--quantity", "single_total_ns").code == 1
    assert Path("results/latest").resolve() == sides[1].resolve()
    fresh = sorted(path.name for path in Path("results/confirmations").iterdir() if not path.is_symlink())
    assert [name.rsplit("-", 1)[0] for name in fresh] == ["toy-confirm-a", "toy-confirm-b"]
    again = lab("compare", *(f"results/confirmations/{name}" for name in fresh), "--quantity", "single_total_ns")
    assert again.code == 1, "they can be looked at like any other campaign"


def test_campaigns_of_another_kind_of_engine_are_refused(tmp_path: Path) -> None:
    versions = TwoVersions(tmp_path)
    sides = campaigns(versions, 1.3)
    versions.fake.isolation = "container"
    what, remedy = confirm(versions, sides).error
    assert "ran on engine 'fake', not 'container'" in what
    assert "--engine fake" in remedy


def test_binaries_that_are_gone_are_named_before_anything_is_measured(tmp_path: Path) -> None:
    versions = TwoVersions(tmp_path)
    (before, _) = campaigns(versions, 1.3)
    manifest = msgspec.json.decode((before / "manifest.json").read_bytes(), type=Manifest)

    def nothing(_runtime: str, _known: RuntimeFingerprint) -> None:
        return None

    with pytest.raises(UsageError, match=r"the image of wasmtime, guest wasm/o3, model tiny that .* is not on this"):
        recorded(manifest, [Case.parse(JIT)], tmp_path / "home", nothing, silent)
