"""Heat, slowing down and energy as kernels and a board's firmware show them; what is not shown is None."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from lab.campaign.trial_runner import TrialRunner
from lab.core.case import Case
from lab.core.names import Flag
from lab.core.trial import Trial
from lab.engines.heat import Heat, heating, read_heat
from tests.fakes import FakeEngine, make_materials
from tests.stage import experiment

THERMAL, CPU, RAPL = "class/thermal", "devices/system/cpu", "class/powercap"
FIRMWARE = "devices/platform/soc/soc:firmware/get_throttled"


def sys_with(directory: Path, **files: str) -> Path:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    return directory


def test_a_machine_without_sensors_says_nothing(tmp_path: Path) -> None:
    assert read_heat(tmp_path) == Heat()
    assert heating(Heat(), Heat()) == (None, None, ())


def test_the_hottest_sensor_counts_and_one_that_does_not_answer_is_left_out(tmp_path: Path) -> None:
    zones = {f"{THERMAL}/thermal_zone0/temp": "48312", f"{THERMAL}/thermal_zone1/temp": "61000"}
    found = read_heat(sys_with(tmp_path, **zones, **{f"{THERMAL}/thermal_zone2/temp": ""}))
    assert found.temperature_mc == 61_000
    assert found.energy_uj == {}
    assert heating(Heat(), found).temperature_mc == 61_000


def test_a_counter_of_slowdowns_that_grew_flags_the_trial(tmp_path: Path) -> None:
    files = {
        f"{CPU}/cpu0/thermal_throttle/core_throttle_count": "3",
        f"{CPU}/cpu1/thermal_throttle/package_throttle_count": "4",
    }
    before = read_heat(sys_with(tmp_path, **files))
    assert before.slowdowns == 7
    assert heating(before, before).flags == ()
    sys_with(tmp_path, **{f"{CPU}/cpu0/thermal_throttle/core_throttle_count": "4"})
    assert heating(before, read_heat(tmp_path)).flags == (Flag.HOT,)


@pytest.mark.parametrize(
    ("kind", "state", "is_slowed"),
    [("cpufreq-cpu0", "0", False), ("cpufreq-cpu0", "2", True), ("Processor", "1", True), ("pwm-fan", "4", None)],
)
def test_a_cooling_device_of_the_processor_slows_it_and_a_fan_does_not(
    tmp_path: Path, kind: str, state: str, is_slowed: bool | None
) -> None:
    device = f"{THERMAL}/cooling_device0"
    assert (
        read_heat(sys_with(tmp_path, **{f"{device}/type": kind, f"{device}/cur_state": state})).is_slowed is is_slowed
    )


@pytest.mark.parametrize(
    ("bits", "is_slowed"), [("0", False), ("50000", False), ("1", True), ("2", True), ("4", True), ("80008", True)]
)
def test_the_firmware_of_a_raspberry_pi_says_what_slows_it_now_and_since_boot(
    tmp_path: Path, bits: str, is_slowed: bool
) -> None:
    found = read_heat(sys_with(tmp_path, **{FIRMWARE: bits}))
    assert found.is_slowed is is_slowed
    assert heating(Heat(), found).flags == ((Flag.HOT,) if is_slowed else ())


def packages(*energies: int) -> dict[str, str]:
    files: dict[str, str] = {}
    for number, energy in enumerate(energies):
        zone = f"{RAPL}/intel-rapl:{number}"
        files |= {f"{zone}/name": f"package-{number}", f"{zone}/energy_uj": str(energy)}
        files |= {f"{zone}/max_energy_range_uj": "1000", f"{zone}:0/name": "core", f"{zone}:0/energy_uj": "77"}
    return files


def test_energy_is_that_of_all_packages_and_of_no_part_twice(tmp_path: Path) -> None:
    before = read_heat(sys_with(tmp_path, **packages(100, 200)))
    after = read_heat(sys_with(tmp_path, **packages(150, 260)))
    assert heating(before, after).energy_uj == 110
    # the second counter began again from 0
    wrapped = read_heat(sys_with(tmp_path, **packages(150, 10)))
    assert heating(before, wrapped).energy_uj == 50 + 1000 - 200 + 10
    unknown = msgspec.structs.replace(wrapped, energy_wraps_uj={})
    assert heating(before, unknown).energy_uj is None
    assert heating(Heat(), after).energy_uj is None


def measured(tmp_path: Path, *readings: Heat) -> Trial:
    materials, left = make_materials(tmp_path), [*readings]
    what = experiment()
    runner = TrialRunner(
        "toy", materials, FakeEngine(materials), what.measure.limits, tmp_path, heat=lambda: left.pop(0)
    )
    return runner.run(Case.parse("native@o3 tiny b1"), block=0, iterations=3)


def test_a_trial_carries_what_the_machine_did_meanwhile(tmp_path: Path) -> None:
    cool, hot = Heat(40_000, 1, False, {"p": 5}), Heat(85_000, 2, False, {"p": 25})
    trial = measured(tmp_path, cool, hot)
    assert (trial.temperature_mc, trial.energy_uj) == (85_000, 20)
    assert Flag.HOT in trial.flags
    assert b"85000" in msgspec.json.encode(trial)


def test_a_trial_on_a_machine_without_sensors_carries_none_of_it(tmp_path: Path) -> None:
    trial = measured(tmp_path, Heat(), Heat())
    assert (trial.temperature_mc, trial.energy_uj) == (None, None)
    assert Flag.HOT not in trial.flags
    assert b"temperature" not in msgspec.json.encode(trial)
