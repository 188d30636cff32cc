"""What a calibration concludes from trials whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from lab.calibrate.assess import judge_calibration
from lab.calibrate.calibration_report import headline, page, summary
from lab.calibrate.calibrator import Begun, fingerprint_of
from lab.calibrate.findings import POWER_BLOCKS, POWER_SLOWDOWNS, Calibration
from lab.calibrate.settings import SLOWED, WARM_UP, Settings
from lab.core.errors import NothingToReport
from lab.core.names import Flag
from lab.core.trial import Kind, Outcome, Trial
from lab.stats.verdicts import State
from tests.fakes import FakeEngine, make_materials

SETTINGS = Settings(model="tiny", blocks=20, aa_arms=4, iterations=5)
NOISE = 0.01

Change = Callable[[str, Trial], Trial]


@pytest.fixture
def begun(tmp_path: Path) -> Begun:
    materials = make_materials(tmp_path)
    return Begun(2, SETTINGS, fingerprint_of(SETTINGS, materials, FakeEngine(materials)))


def judged(begun: Begun, journal: list[Trial]) -> Calibration:
    return judge_calibration(begun, journal, simulations=200)


def trials(
    settings: Settings = SETTINGS, truth: float = 1.05, noise: float = NOISE, change: Change | None = None
) -> list[Trial]:
    """A journal of one warm-up and every block, with independent lognormal noise around 20 ms an inference."""
    rng = np.random.default_rng(11)
    found: list[Trial] = []
    for block in range(settings.blocks + 1):
        for label in settings.order(block) if block else [WARM_UP]:
            longer = truth if label == SLOWED else 1.0
            times = 20e6 * longer * np.exp(rng.normal(0, noise, settings.iterations))
            infer, rest = tuple(map(round, times.tolist())), round(30e6 * np.exp(rng.normal(0, noise)))
            trial = Trial.of(
                settings.case, number=len(found), block=block, kind=Kind.RUN,
                started_at=f"2025-03-01T10:{block:02}:00.000+00:00", outcome=Outcome.OK, flags=(label,),
                infer_ns=infer, total_ns=sum(infer) + rest, user_ns=sum(infer), system_ns=rest,
                rss_peak_bytes=50_000_000 + 4096 * int(rng.integers(20)),
            )  # fmt: skip
            found.append(change(label, trial) if change else trial)
    return found


def slower(trial: Trial, factor: float) -> Trial:
    infer = tuple(round(ns * factor) for ns in trial.infer_ns)
    return msgspec.structs.replace(trial, infer_ns=infer, total_ns=round((trial.total_ns or 0) * factor))


def test_equal_aa_arms_and_a_slowdown_that_is_there_are_sound(begun: Begun) -> None:
    found = judged(begun, trials())
    assert found.problems == ()
    assert headline(found).startswith("Verdicts hold")
    assert found.false_positives == 0
    assert len(found.aa_pairs) == 6 * 5
    for effect in found.slowdown:
        if effect.truth is not None:
            assert effect.found
            assert effect.covers
            assert effect.power is not None
            assert effect.power > 0.95


def test_the_warm_up_enters_no_statistic(begun: Begun) -> None:
    def cold(label: str, trial: Trial) -> Trial:
        return slower(trial, 100) if label == WARM_UP else trial

    plain, warmed = judged(begun, trials()), judged(begun, trials(change=cold))
    assert plain == warmed
    assert plain.trials == 20 * 5


def test_the_noise_floor_is_that_of_the_noise_put_in(begun: Begun) -> None:
    found = judged(begun, trials())
    floor = next(noise.floor for noise in found.noise if noise.quantity == "first_infer_ns")
    assert floor is not None
    # two trials of one inference each: √2 × noise, known from 40 pairs to about ±30 % (chi-squared, 99 in 100)
    assert floor.spread == pytest.approx(NOISE * 2**0.5, rel=0.3)
    assert floor.sentence.endswith("can't be seen here in 20 blocks")
    assert floor.sentence in " ".join(summary(found))
    assert floor.sentence in page(found)


def test_larger_slowdowns_and_more_blocks_are_found_more_often(begun: Begun) -> None:
    cells = [cell for cell in judged(begun, trials()).power if cell.quantity == "first_infer_ns"]
    found = {(cell.blocks, cell.slowdown): cell for cell in cells}
    assert len(found) == len(POWER_BLOCKS) * len(POWER_SLOWDOWNS)
    for blocks in POWER_BLOCKS:
        rates = [found[blocks, slowdown].found for slowdown in POWER_SLOWDOWNS]
        assert rates == sorted(rates)
        assert rates[-1] > 0.99
    for slowdown in POWER_SLOWDOWNS:
        assert found[6, slowdown].found <= found[40, slowdown].found
    assert all(cell.covered > 0.9 for cell in cells)
    assert "## What would be found" in page(judged(begun, trials()))


def test_a_noisier_machine_has_a_higher_floor_and_wants_more_blocks(begun: Begun) -> None:
    calm, noisy = (judged(begun, trials(noise=noise)).noise[0] for noise in (0.005, 0.05))
    assert calm.floor is not None
    assert noisy.floor is not None
    assert noisy.floor.fraction > 5 * calm.floor.fraction
    assert (noisy.blocks_for_1_percent or 0) > 10 * (calm.blocks_for_1_percent or 0) > 0


def test_simulated_false_positives_stay_below_the_band_of_five_percent(begun: Begun) -> None:
    found = judge_calibration(begun, trials())
    for noise in found.noise:
        assert noise.tests is not None
        assert noise.tests.differs <= found.band[1]
        assert noise.tests.covered >= 0.93


def test_aa_arms_that_differ_are_a_problem_with_a_name(begun: Begun) -> None:
    found = judged(begun, trials(change=lambda label, trial: slower(trial, 1.1) if label == "aa-3" else trial))
    assert found.false_positives > 0
    assert any("aa-3" in problem and "overall time" in problem for problem in found.problems)
    assert all("aa-3" in pair.pair for pair in found.aa_pairs if pair.judgement.state is State.DIFFERS)


def test_a_guest_that_ignores_its_slowdown_is_a_problem(begun: Begun) -> None:
    found = judged(begun, trials(truth=1.0))
    assert headline(found).startswith("Problems: ")
    assert any("misses the slowdown of 1.05×" in problem for problem in found.problems)
    assert any("was not found" in problem for problem in found.problems)


def test_a_slowdown_of_another_size_is_found_but_missed_by_the_interval(begun: Begun) -> None:
    found = judged(begun, trials(truth=1.10))
    effect = next(effect for effect in found.slowdown if effect.quantity == "steady_infer_ns")
    assert effect.found
    assert effect.covers is False


def test_noise_that_hides_the_slowdown_is_a_note_and_no_problem(begun: Begun) -> None:
    found = judged(begun, trials(noise=0.3))
    assert "could not be made out in 20 blocks" in headline(found)
    assert not any("was not found" in problem for problem in found.problems)
    assert any("more blocks find more" in note for note in found.notes)


def test_a_machine_that_heats_up_is_noted(begun: Begun) -> None:
    def heated(label: str, trial: Trial) -> Trial:
        return slower(trial, 1.02**trial.block)

    found = judged(begun, trials(change=heated))
    assert any("drifts by" in note for note in found.notes)
    assert found.false_positives == 0  # blocks take it out


def contended(trial: Trial) -> Trial:
    return msgspec.structs.replace(trial, flags=(*trial.flags, Flag.CPU_CONTENDED))


def test_a_busy_machine_is_noted_and_a_disturbed_trial_or_two_are_not(begun: Begun) -> None:
    def disturbed(until: int) -> Change:
        def change(label: str, trial: Trial) -> Trial:
            return contended(trial) if trial.block <= until else trial

        return change

    assert any("15 of 100 trials" in note for note in judged(begun, trials(change=disturbed(3))).notes)
    assert not any("busy" in note for note in judged(begun, trials(change=disturbed(2))).notes)


def test_a_slowdown_that_came_out_longer_on_a_busy_machine_is_no_problem(begun: Begun) -> None:
    def starved(label: str, trial: Trial) -> Trial:
        return contended(trial)

    busy, quiet = judged(begun, trials(truth=1.3, change=starved)), judged(begun, trials(truth=1.3))
    assert [effect.covers for effect in busy.slowdown if effect.truth] == [False, False]
    assert not any("misses the slowdown" in problem for problem in busy.problems)
    assert any("misses the slowdown" in problem for problem in quiet.problems)


def test_a_quantity_without_any_scatter_has_no_floor_and_no_verdict_against_it(begun: Begun) -> None:
    constant = [msgspec.structs.replace(trial, rss_peak_bytes=1 << 26) for trial in trials()]
    found = judged(begun, constant)
    memory = next(noise for noise in found.noise if noise.quantity == "rss_peak_bytes")
    assert memory.floor is None
    assert memory.tests is None
    assert found.problems == ()
    assert "no scatter at all" in page(found)


def test_trials_that_failed_are_counted_and_left_out(begun: Begun) -> None:
    def failing(label: str, trial: Trial) -> Trial:
        if label == "aa-2" and trial.block in {3, 4}:
            return msgspec.structs.replace(trial, outcome=Outcome.TIMEOUT, why="too slow", infer_ns=(), total_ns=None)
        return trial

    found = judged(begun, trials(change=failing))
    assert found.failed == 2
    pair = next(pair for pair in found.aa_pairs if pair.pair == "aa-1 over aa-2")
    assert pair.judgement.estimate.n == 18


def test_a_label_that_never_ran_well_is_an_error_that_says_why(begun: Begun) -> None:
    def failing(label: str, trial: Trial) -> Trial:
        if label == SLOWED:
            return msgspec.structs.replace(
                trial, outcome=Outcome.CRASHED, why="no such option", infer_ns=(), total_ns=None
            )
        return trial

    with pytest.raises(NothingToReport, match=r"no trial of slowed .*no such option"):
        judged(begun, trials(change=failing))


def test_two_blocks_judge_nothing_and_fail_nothing(begun: Begun) -> None:
    few = msgspec.structs.replace(SETTINGS, blocks=2)
    found = judged(msgspec.structs.replace(begun, settings=few), trials(few))
    assert {pair.judgement.state for pair in found.aa_pairs} == {State.UNDETERMINED}
    assert not any("was not found" in problem for problem in found.problems)


def test_a_calibration_is_json_and_its_page_names_what_it_rests_on(begun: Begun) -> None:
    found = judged(begun, trials())
    again = msgspec.json.decode(msgspec.json.encode(found), type=Calibration)
    assert again == found
    text = page(found)
    for part in ("wasmtime-aot-cranelift@o3 tiny b1", begun.fingerprint.guest.sha256, begun.fingerprint.host.kernel):
        assert part in text


def _quieter(gated: str) -> Change:
    """Gated arms scatter by a third of what the others do; one of them was repeated."""
    rng = np.random.default_rng(17)

    def change(label: str, trial: Trial) -> Trial:
        waited = 200_000_000 if label.startswith(gated) else None
        factor = float(np.exp(rng.normal(0, 0.01 if waited else 0.03)))
        return msgspec.structs.replace(slower(trial, factor), gate_wait_ns=waited, label=label, flags=())

    return change


def test_a_calibration_with_and_without_the_gate_sets_their_floors_side_by_side(begun: Begun) -> None:
    settings = msgspec.structs.replace(SETTINGS, gate="both")
    both = msgspec.structs.replace(begun, settings=settings)
    journal = trials(settings, noise=0.001, change=_quieter("gated"))
    first = next(trial for trial in journal if trial.label == "gated-1")
    wild = msgspec.structs.replace(slower(first, 9.0), flags=(Flag.DISTURBED,))
    at = journal.index(first)
    journal[at : at + 1] = [wild, msgspec.structs.replace(first, flags=(Flag.REPEAT,))]
    journal = [msgspec.structs.replace(trial, number=number) for number, trial in enumerate(journal)]
    found = judged(both, journal)
    effect = {item.quantity: item for item in found.gate}["first_infer_ns"]
    assert effect.gated is not None
    assert effect.ungated is not None
    assert effect.gated.fraction < 0.6 * effect.ungated.fraction
    assert effect.p_same is not None
    assert effect.p_same < 0.01
    assert found.repeats == 1
    assert found.waited_s == pytest.approx(0.2 * (20 * 4 + 1))
    assert "## The quiet gate" in page(found)
    assert any("the quiet gate waited" in line for line in summary(found))
    # without, nothing is said of it
    assert "quiet gate" not in page(judged(begun, trials()))


def test_a_calibration_of_worlds_is_judged_by_worlds(begun: Begun) -> None:
    settings = msgspec.structs.replace(SETTINGS, replicates=10)
    journal = [msgspec.structs.replace(trial, replicate=trial.block % 10) for trial in trials(settings)]
    found = judged(msgspec.structs.replace(begun, settings=settings), journal)
    assert {pair.judgement.estimate.n for pair in found.aa_pairs} == {10}
    assert {pair.judgement.unit for pair in found.aa_pairs} == {"world"}
    assert "comparisons of 10 worlds" in page(found)
