"""`lab run` from an experiment to a verified report, on a fake engine: what it writes, how it resumes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from lab.campaign.materials import Materials
from lab.campaign.outlook import Outlook
from lab.core.case import Case
from lab.core.errors import EXIT_INTERRUPTED
from lab.core.guest import GuestId
from lab.core.trial import Kind, Outcome, Trial
from lab.disk.whole import write_json
from lab.store.campaigns import FINISHED_NAME, MANIFEST_NAME, read_manifest
from lab.store.journal import JOURNAL_NAME, Journal, read_trials
from tests.command import Ran, lab
from tests.damage import change_a_byte
from tests.fakes import FakeEngine, FakeLab, make_materials
from tests.imported import import_made_up

EXPERIMENT = """
name = "mine"
question = "Does it run?"

[measure]
precision = "50%"

[tiers.smoke]
budget = "10h"
min_blocks = 2
max_blocks = 2

[[matrix]]
arms = ["native@o3", "wasmtime-jit-cranelift@o3", "wasmtime-aot-cranelift@o3"]
models = ["tiny"]
"""
WORDS = ("run", "mine.toml", "--tier", "smoke")


@pytest.fixture
def materials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Materials:
    """What `lab run` finds built, in a directory with an experiment in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    (tmp_path / "mine.toml").write_text(EXPERIMENT)
    import_made_up(tmp_path / "home", ("tiny",))
    return make_materials(tmp_path / "materials", ("tiny",))


def run_on(engine: FakeEngine, *words: str) -> Ran:
    return lab(*WORDS, *words, on=FakeLab(engine.materials, engine))


def test_a_runtime_that_cannot_be_had_here_is_said_once_and_the_others_are_measured(materials: Materials) -> None:
    del materials.images["wasmtime"]
    materials.absent["wasmtime"] = "wasmtime 49.0.0 of edition current is not obtainable here"
    ran = run_on(FakeEngine(materials))
    assert ran.code == 0
    assert ran.err.count("not measured: wasmtime 49.0.0 of edition current is not obtainable here") == 1
    (directory,) = campaigns()
    outcomes = {trial.runtime: (trial.outcome, trial.why) for trial in trials_of(directory)}
    assert outcomes["native"][0] is Outcome.OK
    assert outcomes["wasmtime"] == (Outcome.UNSUPPORTED, materials.absent["wasmtime"])


def campaigns() -> list[Path]:
    return sorted(path for path in Path("results").iterdir() if not path.is_symlink())


def trials_of(directory: Path) -> list[Trial]:
    return list(read_trials(directory / JOURNAL_NAME))


def test_a_run_writes_manifest_trials_and_report_and_ends_with_a_verdict(materials: Materials) -> None:
    ran = run_on(FakeEngine(materials))
    assert ran.code == 0, ran.err
    (directory,) = campaigns()
    assert read_manifest(directory).campaign == directory.name
    assert len(trials_of(directory)) == 3 * 2 + 1, "and one precompilation"
    assert (directory / FINISHED_NAME).exists()
    assert f"report: {directory}/report/index.html" in ran.out
    assert (directory / "report" / "index.html").is_file()
    assert any(line.startswith("verify: ") and "0 differs" in line for line in ran.out.splitlines())
    *_, last = filter(None, ran.out.splitlines())
    assert last == f"report: {directory}/report/index.html", "the answer is what the terminal ends with"
    verdicts = dict(line.split(maxsplit=1)[::-1] for line in ran.out.splitlines() if line.startswith("identical "))
    for what in (f"report of {directory.name}", "output wasm/o3 tiny b1"):
        assert any(line.startswith(what) for line in verdicts), ran.out
    assert "3 cases of 'mine', tier smoke: Does it run?" in ran.err


def test_an_interrupted_run_says_so_has_a_report_and_is_resumed_by_the_same_command(materials: Materials) -> None:
    stopped = run_on(FakeEngine(materials, interrupt_at=4))
    assert stopped.code == EXIT_INTERRUPTED
    assert "the same command resumes" in stopped.err
    (directory,) = campaigns()
    measured = trials_of(directory)
    assert len(measured) == 4
    assert "unfinished" in (directory / "report" / "report.md").read_text()
    resumed = run_on(FakeEngine(materials))
    assert resumed.code == 0, resumed.err
    assert f"resuming {Path('results') / directory.name}" in resumed.err
    assert campaigns() == [directory]
    assert trials_of(directory)[:4] == measured
    assert len(trials_of(directory)) == 7


def test_an_unfinished_run_is_left_alone_with_new(materials: Materials) -> None:
    run_on(FakeEngine(materials, interrupt_at=4))
    (first,) = campaigns()
    first = first.rename(first.with_name("mine-smoke-20250101T000000Z"))  # two within a second would have one name
    run_on(FakeEngine(materials), "--new")
    assert len(campaigns()) == 2
    assert len(trials_of(first)) == 4


def test_a_run_that_ended_goes_on_with_a_larger_budget_and_keeps_what_it_has(materials: Materials) -> None:
    run_on(FakeEngine(materials), "--budget", "1s")
    (directory,) = campaigns()
    short = trials_of(directory)
    assert Outcome.OVER_BUDGET in {trial.outcome for trial in short}
    longer = run_on(FakeEngine(materials))
    assert longer.code == 0, longer.err
    assert f"resuming {Path('results') / directory.name}" in longer.err
    assert campaigns() == [directory]
    assert trials_of(directory)[: len(short)] == short
    ran = [trial for trial in trials_of(directory) if trial.kind is Kind.RUN]
    assert len({trial.case for trial in ran if trial.outcome is Outcome.OK}) == 3
    assert (directory / FINISHED_NAME).exists()


def test_options_change_the_plan_that_is_written_down(materials: Materials) -> None:
    run_on(FakeEngine(materials), "--blocks", "1", "--budget", "2h", "--precision", "3%")
    (directory,) = campaigns()
    plan = read_manifest(directory).experiment
    assert (plan.tiers["smoke"].budget, plan.tiers["smoke"].max_blocks, plan.measure.precision) == ("2h", 1, "3%")
    assert {trial.block for trial in trials_of(directory)} == {0}


def test_a_run_whose_bytes_differ_is_a_negative_answer_that_names_them(materials: Materials) -> None:
    change_a_byte(materials.guests[GuestId.parse("wasm/o3")].path)
    ran = run_on(FakeEngine(materials))
    assert ran.code == 1
    assert ran.err.splitlines()[-1].startswith("first difference: guest wasm/o3: its record has ")


def test_a_campaign_that_cannot_be_resumed_is_named_with_what_has_changed(materials: Materials) -> None:
    run_on(FakeEngine(materials, interrupt_at=2))
    (first,) = campaigns()
    first = first.rename(first.with_name("mine-smoke-20250101T000000Z"))
    manifest = msgspec.structs.replace(read_manifest(first), campaign=first.name)
    write_json(first / MANIFEST_NAME, manifest)
    image = materials.images["wasmtime"]
    materials.images["wasmtime"] = msgspec.structs.replace(image, version="99.0.0")
    ran = run_on(FakeEngine(materials))
    version = f"wasmtime version ({image.version}, now 99.0.0)"
    assert f"begins a new campaign: {Path('results') / first.name} cannot go on, since these have" in ran.err
    assert version in ran.err


@pytest.mark.parametrize("fault", ["in use", "damaged"])
def test_an_ended_campaign_whose_journal_cannot_be_written_stays_ended(materials: Materials, fault: str) -> None:
    run_on(FakeEngine(materials), "--budget", "1s")
    (directory,) = campaigns()
    ended = (directory / FINISHED_NAME).read_bytes()
    path = directory / JOURNAL_NAME
    if fault == "in use":
        with Journal(path):
            ran = run_on(FakeEngine(materials))
    else:
        change_a_byte(path, 20)
        ran = run_on(FakeEngine(materials))
    assert ran.code in {2, 10}, ran.err
    assert (directory / FINISHED_NAME).read_bytes() == ended


def test_with_a_gate_every_trial_waits_first_and_the_manifest_says_so(materials: Materials, tmp_path: Path) -> None:
    assert run_on(FakeEngine(materials), "--gate", "on").code == 0
    (campaign,) = tmp_path.glob("results/mine-*Z")
    assert read_manifest(campaign).experiment.measure.gate == "on"
    runs = [trial for trial in read_trials(campaign / JOURNAL_NAME) if trial.kind is Kind.RUN]
    assert runs
    assert all(trial.gate_wait_ns for trial in runs)
    # without it the campaign is another one, and nothing waits
    assert run_on(FakeEngine(materials), "--gate", "off").code == 0
    (other,) = set(tmp_path.glob("results/mine-*Z")) - {campaign}
    assert not any(trial.gate_wait_ns for trial in read_trials(other / JOURNAL_NAME))


def test_sequential_bounds_and_replicates_exclude_each_other(materials: Materials) -> None:
    ran = run_on(FakeEngine(materials), "--stop", "sequential", "--replicates", "6")
    assert ran.code != 0
    assert "replicates make the world the unit" in ran.err


class SlowlyBuiltLab(FakeLab):
    """A lab in which one runtime takes long to build: its cases join after the others were measured once."""

    def __init__(self, engine: FakeEngine, late: str, *, interrupts_building: bool = False) -> None:
        super().__init__(engine.materials, engine)
        self._all, self._late, self._interrupts = engine.materials, late, interrupts_building
        self.gathered: list[set[str]] = []

    def outlook(self, cases: Iterable[Case], experiment: object) -> Outlook:
        return Outlook(tuple(case for case in cases if case.arm.runtime != self._late), 120.0, 900.0)

    def gather(self, cases: Iterable[Case], experiment: object, progress: object) -> Materials:
        runtimes = {case.arm.runtime for case in cases}
        self.gathered.append(runtimes)
        if self._interrupts and self._late in runtimes:
            raise KeyboardInterrupt
        guests = {GuestId.of(case.arm) for case in cases}
        return msgspec.structs.replace(
            self._all,
            images={name: image for name, image in self._all.images.items() if name in runtimes},
            guests={name: guest for name, guest in self._all.guests.items() if name in guests},
        )


def with_a_quick_runtime() -> None:
    Path("mine.toml").write_text(EXPERIMENT.replace('["native@o3", ', '["native@o3", "wamr-interpreter-fast@o3", '))


def test_what_is_built_soon_is_measured_once_and_the_others_join_the_same_campaign(materials: Materials) -> None:
    with_a_quick_runtime()
    engine = FakeEngine(materials)
    slow = SlowlyBuiltLab(engine, "wasmtime")
    ran = lab(*WORDS, on=slow)
    assert ran.code == 0, ran.err
    assert slow.gathered == [{"native", "wamr"}, {"native", "wamr", "wasmtime"}]
    (directory,) = campaigns()
    trials = trials_of(directory)
    assert [(trial.runtime, trial.block) for trial in trials[:2]] in (
        [("native", 0), ("wamr", 0)],
        [("wamr", 0), ("native", 0)],
    )
    assert "wasmtime" in {trial.runtime for trial in trials[2:]}
    per_case = Counter((trial.case, trial.block) for trial in trials if trial.kind is Kind.RUN)
    assert set(per_case.values()) == {1}, "nothing is measured twice in a block"
    assert len(per_case) == 4 * 2
    assert set(read_manifest(directory).runtimes) == {"native", "wamr", "wasmtime"}
    assert (directory / FINISHED_NAME).exists()
    said = [ran.err.index(text) for text in ("first figure expected", "first figure after", "report after")]
    assert said == sorted(said)
    assert "0 differs" in ran.out


def test_a_campaign_that_was_interrupted_while_the_others_were_built_goes_on(materials: Materials) -> None:
    with_a_quick_runtime()
    stopped = lab(*WORDS, on=SlowlyBuiltLab(FakeEngine(materials), "wasmtime", interrupts_building=True))
    assert stopped.code == EXIT_INTERRUPTED
    (directory,) = campaigns()
    early = trials_of(directory)
    assert {trial.runtime for trial in early} == {"native", "wamr"}
    assert set(read_manifest(directory).runtimes) == {"native", "wamr"}
    assert (directory / "report" / "index.html").is_file(), "there is a first figure"
    resumed = run_on(FakeEngine(materials))
    assert resumed.code == 0, resumed.err
    assert campaigns() == [directory]
    assert trials_of(directory)[: len(early)] == early
    assert "wasmtime" in read_manifest(directory).runtimes, "it has joined"


def test_a_campaign_does_not_grow_by_what_has_changed_meanwhile(materials: Materials) -> None:
    with_a_quick_runtime()
    lab(*WORDS, on=SlowlyBuiltLab(FakeEngine(materials), "wasmtime", interrupts_building=True))
    (first,) = campaigns()
    first = first.rename(first.with_name("mine-smoke-20250101T000000Z"))
    write_json(first / MANIFEST_NAME, msgspec.structs.replace(read_manifest(first), campaign=first.name))
    materials.images["wamr"] = msgspec.structs.replace(materials.images["wamr"], binary_sha256="0" * 64)
    ran = run_on(FakeEngine(materials))
    assert "wamr binary" in ran.err
    assert len(campaigns()) == 2


def test_a_memory_limit_is_that_of_every_trial_and_another_one_is_another_campaign(materials: Materials) -> None:
    engine = FakeEngine(materials)
    for limit in ("256MiB", "128MiB"):
        assert run_on(engine, "--memory", limit).code == 0
    limits = {read_manifest(path).experiment.measure.memory for path in campaigns()}
    assert limits == {"256MiB", "128MiB"}
    assert {job.memory_bytes for job in engine.jobs} == {256 << 20, 128 << 20}
    what, _ = run_on(engine, "--memory", "1MiB").error
    assert "memory = '1MiB'" in what
