"""Counts: what reports say of them, how they change, and the command from models to its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.errors import DataError, NothingToReport, UsageError
from lab.core.guest import GuestId
from lab.core.probe import PROBE_SCHEMA, ProbeReport
from lab.count.counting import arm_of
from lab.count.jobs import fuel_in, instructions_in
from lab.count.record import SCHEMA, CountFile, CountUnit, GuestCount, changes, read_counts, spread
from lab.engines.engine import Job, JobResult
from tests.command import Ran, lab
from tests.fakes import FakeEngine, FakeLab, crash, make_materials
from tests.imported import import_made_up

COUNTS = st.integers(min_value=1, max_value=2**60)
MARGINS = st.floats(min_value=0, max_value=1)
# What a guest or a runtime may print: no line of it is valgrind's, or the counter's of fuel.
CHATTER = st.text(st.characters(exclude_characters="=", exclude_categories=["Cs"]), max_size=200).filter(
    lambda text: "fuel" not in text
)


def report(stderr: str) -> ProbeReport:
    """A report of a run that wrote this to standard error."""
    return ProbeReport(PROBE_SCHEMA, 0, None, False, False, 10**9, (), None, None, None, stderr_tail=stderr)


def counted(process: int = 1000, inference: float = 500.0, **other: object) -> GuestCount:
    """A count of one repeat."""
    count = GuestCount(
        guest="native/o3",
        guest_sha256="a" * 64,
        model="tiny",
        graph_sha256="b" * 64,
        batch=1,
        unit=CountUnit.INSTRUCTIONS,
        counter="valgrind 3.24.0",
        further=1,
        process=(process,),
        inference=(inference,),
    )
    return msgspec.structs.replace(count, **other)


@given(count=COUNTS, pid=st.integers(1, 2**22), before=CHATTER, after=CHATTER)
def test_the_instructions_are_those_that_valgrind_prints(count: int, pid: int, before: str, after: str) -> None:
    said = f"{before}\n=={pid}== Using Valgrind-3.24.0 and LibVEX\n=={pid}== I refs:        {count:,}\n{after}"
    assert instructions_in(report(said)) == (count, "valgrind 3.24.0")
    assert instructions_in(report(said.replace("I refs", "I   refs"))) == (count, "valgrind 3.24.0")


@given(count=COUNTS, before=CHATTER, after=CHATTER)
def test_the_fuel_is_that_which_the_counter_prints(count: int, before: str, after: str) -> None:
    assert fuel_in(report(f"{before}\nfuel {count} wasmtime 50.0.1\n{after}")) == (count, "wasmtime 50.0.1")


@given(said=CHATTER)
def test_where_nothing_was_counted_nothing_is_made_up(said: str) -> None:
    assert instructions_in(report(said)) is None
    assert fuel_in(report(said)) is None


@given(before=COUNTS, now=COUNTS, margin=MARGINS)
def test_a_count_has_grown_if_it_is_larger_by_more_than_the_margin(before: int, now: int, margin: float) -> None:
    process, inference = changes([counted(before, before)], [counted(now, now)], margin)
    assert process.grew == inference.grew == (now > before * (1 + margin))
    assert process.ratio == now / before


@given(count=COUNTS, margin=MARGINS)
def test_a_count_has_not_changed_from_itself(count: int, margin: float) -> None:
    assert not any(change.grew or change.because for change in changes([counted(count)], [counted(count)], margin))


def test_a_change_names_what_else_differs() -> None:
    now = counted(guest_sha256="c" * 64, counter="valgrind 3.25.0")
    assert changes([counted()], [now], 0.01)[0].because == ("guest", "valgrind 3.24.0 → valgrind 3.25.0")


def test_what_only_one_of_two_files_has_is_not_compared() -> None:
    found = changes([counted(), counted(model="small")], [counted(), counted(batch=3)], 0.01)
    assert [change.name for change in found] == ["native/o3 tiny b1 process", "native/o3 tiny b1 inference"]
    with pytest.raises(NothingToReport, match="no guest and model"):
        changes([counted(model="small")], [counted()], 0.01)


@given(counts=st.lists(COUNTS, min_size=1, max_size=5))
def test_the_spread_is_nothing_only_where_all_are_the_same_to_the_last_digit(counts: list[int]) -> None:
    assert (spread(counts) == 0) == (len(set(counts)) == 1)


@given(counts=st.lists(st.builds(counted, COUNTS, COUNTS.map(float)), min_size=1, max_size=3))
def test_a_file_of_counts_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, counts: list[GuestCount]
) -> None:
    path = tmp_path_factory.mktemp("counts") / "before.json"
    written = CountFile(SCHEMA, "0.1.0", tuple(counts))
    path.write_bytes(msgspec.json.encode(written))
    assert read_counts(path) == written


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"not JSON", "damaged"),
        (msgspec.json.encode(CountFile(SCHEMA + 1, "9", ())), f"schema {SCHEMA + 1}"),
        (msgspec.json.encode(CountFile(SCHEMA, "0", (counted(process=0),))), "no count of native/o3 tiny b1"),
        (msgspec.json.encode(CountFile(SCHEMA, "0", (counted(inference=-1.0),))), "no count of native/o3 tiny b1"),
    ],
    ids=["no JSON", "another schema", "a count of 0", "a negative count"],
)
def test_a_file_that_is_no_count_is_refused_by_name(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "before.json").write_bytes(content)
    with pytest.raises(DataError, match=why) as caught:
        read_counts(tmp_path / "before.json")
    assert "before.json" in caught.value.message


def test_a_guest_is_counted_natively_or_under_wasmtime_and_never_prepared() -> None:
    assert arm_of(GuestId.parse("native/o0")).id == "native@o0"
    assert arm_of(GuestId.parse("wasm/o3-simd")).id == "wasmtime-aot-cranelift@o3-simd"
    with pytest.raises(UsageError, match="prepared"):
        arm_of(GuestId.parse("native/o3+tract-0.23+prepared"))


class CountingEngine(FakeEngine):
    """Prints counts as valgrind and the counter of fuel do.

    Attributes:
        grown: by how much every count is larger.
        varies: by how much each run takes more than the one before it.
    """

    grown, varies = 0, 0

    def run(self, job: Job) -> JobResult:
        """See `FakeEngine.run`."""
        result = super().run(job)
        if result.report is None or "--iterations" not in job.argv:
            return result
        iterations = int(job.argv[job.argv.index("--iterations") + 1])
        count = 1000 + 1_000_000 * iterations + self.grown + self.varies * len(self.jobs)
        said = f"fuel {count} wasmtime 50.0.1\n"
        if "/usr/bin/valgrind" in job.argv:
            said = f"==1== Using Valgrind-3.24.0\n==1== I refs: {count:,}\n"
        return JobResult(msgspec.structs.replace(result.report, stderr_tail=said), oom_killed=False)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CountingEngine:
    """An engine that counts, on a machine where a model is imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    import_made_up(tmp_path / "home", ("tiny",))
    return CountingEngine(make_materials(tmp_path / "materials", ("tiny",)))


def count(engine: FakeEngine, *words: object) -> Ran:
    return lab("count", "tiny", *words, on=FakeLab(engine.materials, engine))


def test_a_count_is_of_a_process_and_of_each_further_inference(engine: CountingEngine) -> None:
    ran = count(engine, "--json", "--further", 4)
    native, wasm = json.loads(ran.out)["counts"]
    assert (native["unit"], native["counter"]) == ("instructions", "valgrind 3.24.0")
    assert (wasm["unit"], wasm["counter"]) == ("fuel", "wasmtime 50.0.1")
    assert native["process"] == wasm["process"] == [1_001_000] * 2
    assert native["inference"] == wasm["inference"] == [1_000_000] * 2


def test_guests_run_under_what_counts_with_a_fixed_clock_within_the_walls_of_trials(engine: CountingEngine) -> None:
    count(engine)
    native = [job for job in engine.jobs if job.case.startswith("native")]
    compiled, *wasm = [job for job in engine.jobs if not job.case.startswith("native")]
    assert {job.image for job in engine.jobs} == {"lab-count"}
    assert all("inject=clock_gettime" in " ".join(job.argv) for job in native)
    assert all(job.argv.index("/usr/bin/valgrind") < job.argv.index("/work/guest") for job in native)
    assert compiled.argv[-3:] == ("compile", "guest.wasm", "out/guest.cwasm")
    assert all(job.argv[2:5] == ("run", "guest.cwasm", "model.pb") for job in wasm)
    assert (len(native), len(wasm)) == (4, 4)
    assert not any(mount.writable for job in engine.jobs for mount in job.mounts)


def test_repeats_that_agree_are_called_the_same_and_others_have_their_spread(engine: CountingEngine) -> None:
    assert count(engine).out.count("2, the same") == 2
    engine.varies = 1000
    assert "2, within 0." in count(engine).out


def test_a_count_that_grew_past_the_margin_is_a_negative_answer(engine: CountingEngine, tmp_path: Path) -> None:
    before = tmp_path / "before.json"
    before.write_text(count(engine, "--json").out)
    same = count(engine, "--against", before)
    assert (same.code, same.out.count("the same")) == (0, 2 + 4)
    engine.grown = 5_000
    assert count(engine, "--against", before).code == 0
    grown = count(engine, "--against", before, "--margin", "0.1%")
    assert grown.code == 1
    assert "native/o3 tiny b1 process: 1,001,000 → 1,006,000, +0.500 %, larger" in grown.out
    machine = count(engine, "--against", before, "--margin", "0.1%", "--json")
    assert (machine.code, len(json.loads(machine.out)["counts"])) == (1, 2)


def test_a_run_that_fails_is_not_counted(engine: CountingEngine) -> None:
    failing = CountingEngine(engine.materials, misbehaves={"native@o3 tiny b1": crash})
    ran = count(failing)
    assert ran.code == NothingToReport.exit_code
    assert ran.error[0].startswith("native@o3 tiny b1 cannot be counted: ")


def test_names_are_checked_before_anything_is_built_or_read(engine: CountingEngine, tmp_path: Path) -> None:
    assert count(engine, "--guest", "native/o4").code == UsageError.exit_code
    assert count(engine, "--against", tmp_path / "none.json").code == DataError.exit_code
    assert lab("count", "tinny", on=FakeLab(engine.materials, engine)).code != 0
    assert engine.jobs == []
