"""What intervals and verdicts of adaptive campaigns are worth: simulated under the plan that buys sets, truth known.

    python -m benchmarks.plan_coverage                  # 2000 campaigns for each kind of noise; five minutes
    python -m benchmarks.plan_coverage 100

Each campaign has 20 cases, 24 questions and a budget of its own; blocks are bought by the lab's own plan. A verdict is
false where the line that decides lies at the truth itself, which is the worst place for it: 2.5 % are then expected.
"""

from __future__ import annotations

import sys

from tests.plan_simulation import Disturbance, rates, simulate

CAMPAIGNS = 2000


def main(campaigns: int) -> None:
    """Print one line for each kind of noise."""
    print("noise        intervals  cover the truth  false verdicts  as narrow as asked  median blocks")  # noqa: T201
    for noise in Disturbance:
        found = rates(list(simulate(campaigns, noise)))
        print(  # noqa: T201
            f"{noise:12} {found.answers:9}  {found.covered:15.1%}  {found.false_yes:14.1%}  {found.settled:18.1%}"
            f"  {found.blocks:13g}",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else CAMPAIGNS)
