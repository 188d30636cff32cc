"""Which trials are run again: those that were disturbed, by signals that are blind to their own duration.

The rule was fixed before data were seen. A trial is disturbed if the machine was still busy when it started, or if its
hypervisor gave away more than a hundredth of the processors' time while it ran. Its length enters only as what that
hundredth is of, so that a longer trial is no likelier to be chosen. A disturbed trial that ended well is run once more,
at once; the repeat stands for it whatever it shows, and both stay in the journal. A trial that other tasks waited
beside is not taken for disturbed: its own threads may be what they waited for.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from lab.campaign.noise.gate import Waited
from lab.core.names import Flag
from lab.core.trial import Kind, Outcome, Trial

MOST_STEAL = 0.01
"""Of the processors' time during a trial, what a hypervisor may give to others."""
MOST_REPEATS = 0.2
"""Repeats for each trial so far: where more are disturbed, the machine is what it is, and blocks have to average."""


def is_disturbed(trial: Trial, before: Waited, processors: int | None = None) -> bool:
    """Whether a trial was disturbed.

    Args:
        trial: that ran.
        before: what its gate saw.
        processors: of the machine; by default of this one.
    """
    if not before.is_quiet:
        return True
    if trial.steal_ns is None or not trial.total_ns:
        return False
    return trial.steal_ns > MOST_STEAL * trial.total_ns * (processors or os.cpu_count() or 1)


def is_repeated(trial: Trial, trials: Sequence[Trial]) -> bool:
    """Whether a disturbed trial is run again.

    Args:
        trial: that was disturbed.
        trials: of the session so far, it included.
    """
    if trial.kind is not Kind.RUN or trial.outcome is not Outcome.OK:
        return False
    repeats = sum(Flag.REPEAT in other.flags for other in trials)
    return repeats < MOST_REPEATS * sum(other.kind is Kind.RUN for other in trials)
