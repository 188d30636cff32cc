"""Running a job although the engine may fail: it is tried twice, and a restart of the engine is waited for."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from lab.core.errors import EngineFailed, EngineMissing, LabError
from lab.core.plain_text import printable_line
from lab.engines.engine import Engine, EngineUnfit, Job, JobResult

ATTEMPTS = 2
ABSENCES = 5
FIRST_PAUSE_S = 1.0
LONGEST_ABSENCE_S = 300.0


def run_patiently(engine: Engine, job: Job, pause: Callable[[float], None] = time.sleep) -> JobResult:
    """Run a job; one that the engine cannot bring to a report is tried once more, and then has a result of its own.

    Args:
        engine: runs it.
        job: what to run.
        pause: waits for so many seconds.

    Returns:
        The engine's result; without a report if the job failed twice while the engine was healthy.

    Raises:
        EngineMissing: the engine went away and did not come back within five minutes, or went away for the fifth time.
        EngineUnfit: the engine does not keep its promises.
    """
    failures, absences = 0, 0
    while True:
        try:
            return engine.run(job)
        except EngineUnfit:
            raise
        except EngineMissing as error:
            # it says nothing of the job, which is not tried less often for it
            absences += 1
            if absences == ABSENCES:
                raise
            _wait_for(engine, error, pause)
        except EngineFailed as error:
            if not engine.ping():
                _wait_for(engine, error, pause)
            failures += 1
            if failures == ATTEMPTS:
                return JobResult(None, oom_killed=False, complaint=error.message)


def _wait_for(engine: Engine, error: LabError, pause: Callable[[float], None]) -> None:
    """Wait until the engine answers, with pauses that double; raises `error` if it does not within five minutes.

    The first pause comes before the first question: a daemon that is ending still answers some requests.
    """
    waited_s, pause_s = 0.0, FIRST_PAUSE_S
    while waited_s < LONGEST_ABSENCE_S:
        sys.stderr.write(f"waiting for the engine ({printable_line(error.message)}); next try in {pause_s:g} s\n")
        pause(pause_s)
        if engine.ping():
            return
        waited_s += pause_s
        pause_s *= 2
    raise error
