"""Parameters counted as those who published a network count them: figures of slim's own tables."""

from __future__ import annotations

import pytest

from lab.zoo.counts import GraphStats, published_parameters


@pytest.mark.parametrize(
    ("name", "parameters", "channels", "published"),
    [
        ("mobilenet_v1_0.25_128", 470_329, 2_736, 473_065),
        ("mobilenet_v1_1.0_224", 4_233_001, 10_944, 4_243_945),
        ("mobilenet_v2_1.0_224", 3_506_153, 17_056, 3_472_041),
        ("vgg_16", 138_357_544, 0, 138_357_544),
    ],
)
def test_each_family_counts_batch_norm_by_its_own_rule(
    name: str, parameters: int, channels: int, published: int
) -> None:
    facts = GraphStats(parameters, parameters + 2 * channels, 1, 1, {})
    assert published_parameters(name, facts) == published
