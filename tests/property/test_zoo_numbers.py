"""Random integers, seeded layers, pictures, grown kernels and face boxes, for any input."""

from __future__ import annotations

import hashlib

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.zoo.entries import Preprocessing
from lab.zoo.pictures import picture
from lab.zoo.preprocess import made_input, normalised
from lab.zoo.random_integers import DRAW_BITS, centred, words
from lab.zoo.tensorflow.padding import growth
from lab.zoo.tensorflow.seeding import RECTIFIED, LayerPlan, Moments, seeded_layer
from tests.yunet_decode import faces

NORMAL = Moments(0.0, 1.0)
keys = st.integers(0, 2**64 - 1)


def splitmix(key: int, counter: int) -> int:
    """The generator in Python's integers, as its authors write it."""
    mask = 2**64 - 1
    state = (key + counter * 0x9E3779B97F4A7C15) & mask
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & mask
    return state ^ (state >> 31)


@given(keys, st.integers(0, 2**40), st.integers(1, 50))
def test_words_are_splitmix64_at_any_counter(key: int, start: int, count: int) -> None:
    assert words(key, start, count).tolist() == [splitmix(key, start + at) for at in range(count)]


@given(keys, st.integers(1, 400), st.data())
def test_a_stream_does_not_depend_on_how_it_is_cut(key: int, count: int, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, count))
    parts = np.concatenate([centred(key, 0, cut), centred(key, cut, count - cut)])
    assert (parts == centred(key, 0, count)).all()


@given(keys)
def test_centred_draws_are_odd_bounded_and_centred(key: int) -> None:
    draws = centred(key, 0, 4096)
    assert (draws % 2 == 1).all()
    assert abs(draws).max() < 1 << DRAW_BITS
    # the mean of n uniform draws in ±1 deviates by 1/√(3n); six of these is one in a thousand million
    assert abs(draws.mean()) / (1 << DRAW_BITS) < 6 / (3 * 4096) ** 0.5


@given(
    st.sampled_from([(3, 3, 8, 16), (1, 1, 64, 32), (3, 3, 64, 1)]),
    st.sampled_from([NORMAL, RECTIFIED]),
    st.text(st.characters(codec="ascii"), min_size=1),
)
@settings(max_examples=30)
def test_moving_statistics_are_what_the_layers_input_would_have_left(
    shape: tuple[int, int, int, int], receives: object, model: str
) -> None:
    assert receives in (NORMAL, RECTIFIED)
    moments = NORMAL if receives == NORMAL else RECTIFIED
    depthwise = shape[3] == 1
    plan = LayerPlan("s", "weights", shape, depthwise, False, "s/n", moments)
    layer = dict(seeded_layer(model, plan))
    weights = layer["s/weights"].astype(np.float64).reshape(-1, plan.channels_out)
    np.testing.assert_allclose(layer["s/n/moving_mean"], moments.mean * weights.sum(axis=0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer["s/n/moving_variance"], moments.variance * (weights**2).sum(axis=0), rtol=1e-4)
    assert all(np.isfinite(value).all() and value.dtype == np.float32 for value in layer.values())


def test_seeded_weights_have_the_recorded_bytes() -> None:
    plan = LayerPlan("scope", "weights", (3, 3, 4, 5), False, True, "scope/bn", RECTIFIED)
    digest = hashlib.sha256(b"".join(value.astype("<f4").tobytes() for _, value in seeded_layer("model", plan)))
    assert digest.hexdigest() == "578a83fc7fe908b846fd07a20ae88ebdc059658414f09700dc6dc48fc75eebaa"


def test_pictures_have_the_recorded_bytes() -> None:
    digest = hashlib.sha256(made_input(Preprocessing.VGG, 64, 3).astype("<f4").tobytes())
    assert digest.hexdigest() == "6cc0ed242e0380da7b6730c891a3a0303f9dd3a4927c833677a1078a195a21ad"


@given(st.integers(16, 96), st.integers(0, 10**6))
@settings(max_examples=25)
def test_a_picture_uses_the_whole_range_and_is_smooth_somewhere(side: int, number: int) -> None:
    drawn = picture(side, number)
    assert drawn.shape == (side, side, 3)
    assert drawn.min(axis=(0, 1)).tolist() == [0, 0, 0]
    assert drawn.max(axis=(0, 1)).tolist() == [255, 255, 255]
    steps = np.abs(np.diff(drawn.astype(int), axis=1))
    assert np.median(steps) < 40, "neighbours in a picture are alike, in noise they are not"


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_preprocessing_is_slims(red: int, green: int, blue: int) -> None:
    pixel = np.array([[[red, green, blue]]], np.uint8)
    np.testing.assert_allclose(
        normalised(pixel, Preprocessing.MOBILENET)[0, 0], np.array([red, green, blue]) / 127.5 - 1, atol=1e-6
    )
    np.testing.assert_allclose(
        normalised(pixel, Preprocessing.VGG)[0, 0], [red - 123.68, green - 116.78, blue - 103.94], atol=1e-4
    )
    assert normalised(pixel, Preprocessing.YUNET)[0, 0].tolist() == [blue, green, red]


@given(st.integers(4, 20), st.integers(1, 5), st.integers(1, 3), st.integers(0, 3), st.integers(0, 3), keys)
@settings(max_examples=150, deadline=None)
def test_a_grown_kernel_under_same_does_what_the_pad_did(
    size: int, kernel: int, stride: int, before: int, after: int, key: int
) -> None:
    grows = growth(size, kernel, stride, before, after)
    if grows is None:
        return
    signal, taps = centred(key, 0, size), centred(key, size, kernel)
    padded = np.pad(signal, (before, after))
    expected = [int(padded[at : at + kernel] @ taps) for at in range(0, len(padded) - kernel + 1, stride)]
    grown = np.pad(taps, grows)
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + len(grown) - size, 0)
    same = np.pad(signal, (total // 2, total - total // 2))
    assert [int(same[at * stride : at * stride + len(grown)] @ grown) for at in range(outputs)] == expected


@given(st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), min_size=1, max_size=12, unique=True))
@settings(max_examples=50)
def test_faces_far_apart_are_all_found_and_the_same_face_once(cells: list[tuple[int, int]]) -> None:
    outputs = {
        f"{head}_{stride}": np.zeros(((320 // stride) ** 2, width), np.float32)
        for head, width in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))
        for stride in (8, 16, 32)
    }
    for row, column in cells:
        outputs["cls_8"][row * 40 + column] = outputs["obj_8"][row * 40 + column] = 0.9
    # boxes of 8 pixels on a grid of 8 pixels touch, and never overlap
    assert len(faces(outputs)) == len(cells)
    outputs["bbox_8"][:, :2] = -np.array([(at % 40, at // 40) for at in range(1600)], np.float32)
    assert len(faces(outputs)) == 1, "all moved to one place"
