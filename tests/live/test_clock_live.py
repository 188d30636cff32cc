"""A clock that jumps under a campaign: nothing is lost or doubled, and no duration follows it."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from lab.builds.guests import GuestBuild
from lab.builds.images.labels import ImageInfo
from lab.core.guest import GuestId
from lab.core.model import Model
from lab.store.journal import JOURNAL_NAME, read_trials
from tests.command import LAB
from tests.faults import Faults
from tests.live_command import Running, native_experiment

pytestmark = [pytest.mark.live, pytest.mark.slow]

YEAR_S = 365 * 24 * 3600
BLOCKS = 6
EXPERIMENT = native_experiment(
    "jumping", "What does a campaign lose to a clock that jumps?", iterations=100, blocks=BLOCKS
)
# every call for the time of day gets the seconds of a file added; the monotonic clock is left alone, as the kernel does
JUMPING = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long offset(void) {
    long seconds = 0;
    FILE *file = fopen(getenv("JUMP_FILE"), "r");
    if (file) { if (fscanf(file, "%ld", &seconds) != 1) seconds = 0; fclose(file); }
    return seconds;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, now);
    if (!failed && clock == CLOCK_REALTIME) now->tv_sec += offset();
    return failed;
}
time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(struct timeval *out, void *zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec; out->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """What is preloaded into the lab's process."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("LEFT OUT: no C compiler here")
    source, made = tmp_path / "jump.c", tmp_path / "jump.so"
    source.write_text(JUMPING, encoding="utf-8")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(made), str(source), "-ldl"], check=True)
    return made


@pytest.mark.fault("a clock that jumps", seconds=4)
def test_a_clock_that_jumps_loses_nothing_doubles_nothing_and_moves_no_duration(
    native_image: ImageInfo,
    guests: dict[GuestId, GuestBuild],
    small_model: Model,
    library: Path,
    tmp_path: Path,
    rng: random.Random,
    faults: Faults,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jump = tmp_path / "seconds"
    experiment, results = tmp_path / "jumping.toml", tmp_path / "results"
    experiment.write_text(EXPERIMENT, encoding="utf-8")
    monkeypatch.setenv("JUMP_FILE", str(jump))
    years_seen = set[str]()
    while faults.count < faults.rounds:
        jump.write_text("0", encoding="utf-8")
        command = [*LAB, "run", str(experiment), "--tier", "smoke", "--results", str(results)]
        lab = Running(command, results, "jumping", preload=library)
        for trials in range(1, BLOCKS):
            lab.wait_for(trials)
            jump.write_text(str(rng.choice((-1, 1)) * rng.randint(60, 3 * YEAR_S)), encoding="utf-8")
            faults.injected()
        said = lab.ended()
        assert lab.process.returncode == 0, said
        assert "Traceback" not in said
        (journal,) = results.glob(f"jumping-*/{JOURNAL_NAME}")
        trials_of = list(read_trials(journal))
        assert [(trial.number, trial.block) for trial in trials_of] == [(block, block) for block in range(BLOCKS)]
        assert all(0 < (trial.total_ns or 0) < 300e9 for trial in trials_of)
        years_seen |= {trial.started_at[:4] for trial in trials_of}
        shutil.rmtree(results)
    assert len(years_seen) > 1, "the clock did jump"
