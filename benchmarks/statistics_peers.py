"""False alarms and power of other tools' rules beside the lab's, on the same simulated runs.

    python -m benchmarks.statistics_peers                 # 2000 campaigns a cell; seconds
    python -m benchmarks.statistics_peers 200

Prints Markdown. A false alarm is a difference that is called where both commands are the same program; found is a
command that is 2 % slower and is called slower.
"""

from __future__ import annotations

import sys

import numpy as np

from benchmarks.statistics.cells import CAMPAIGNS, DIFFERENCE
from benchmarks.statistics.noises import NOISES, Noise
from benchmarks.statistics.peers import PEERS, Peer
from benchmarks.statistics_menu import markdown

RUNS = (10, 20)


def rates(peer: Peer, noise: Noise, runs: int, campaigns: int) -> tuple[float, float]:
    """Of campaigns: false alarms, and differences that were found."""
    rng = np.random.default_rng([7, runs])
    arms = noise.draw(rng, (campaigns, 2 * runs))
    a, b = arms.a[:, :runs], arms.b[:, runs:] if peer.in_turn else arms.b[:, :runs]
    same = peer.rule(np.exp(a), np.exp(b))
    slower = peer.rule(np.exp(a), np.exp(b + np.log1p(DIFFERENCE)))
    return float(np.mean(same.slower | same.faster)), float(np.mean(slower.slower))


def main(campaigns: int) -> None:
    """Print false alarms / found, in %, for each noise under which both commands scatter alike."""
    heads = ["Noise", *(f"{peer.name}, {runs} runs" for peer in PEERS for runs in RUNS)]
    rows = []
    for noise in NOISES:
        if noise.even:
            cells = [rates(peer, noise, runs, campaigns) for peer in PEERS for runs in RUNS]
            rows.append([noise.name, *(f"{100 * false:.1f} / {100 * found:.0f}" for false, found in cells)])
    print(markdown(heads, rows))  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else CAMPAIGNS)
