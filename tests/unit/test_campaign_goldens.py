from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import numpy as np
import pytest

from lab.campaign.goldens import TOLERANCE, Golden, Goldens, compare, decode_output
from lab.core.errors import DataError
from lab.core.model import Model, OutputTensor
from tests.fakes import make_models


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return make_models(tmp_path / "models")["tiny"]


@pytest.fixture
def goldens(tmp_path: Path) -> Goldens:
    return Goldens(tmp_path / "goldens", "this cpu")


def output_of(model: Model, batch: int = 1, shift: float = 0.0) -> bytes:
    """The reference with its first number moved by that fraction of its range, which is 8."""
    values = np.fromfile(model.input_for(batch).reference_path, dtype="<f4")
    values[0] += 8 * shift
    return values.tobytes()


def test_nothing_is_known_of_a_guest_that_has_not_run(goldens: Goldens, model: Model) -> None:
    assert goldens.known("wasm", "guest", model, 1) is None


def test_an_output_within_the_tolerance_is_golden_from_then_on(goldens: Goldens, model: Model) -> None:
    output = output_of(model, shift=TOLERANCE / 2)
    golden = goldens.admit("wasm", "guest", model, 1, output)
    assert isinstance(golden, Golden)
    assert golden.sha256 == hashlib.sha256(output).hexdigest()
    assert golden.worst_error == pytest.approx(TOLERANCE / 2, rel=1e-3)
    assert goldens.known("wasm", "guest", model, 1) == golden


def test_an_output_outside_the_tolerance_is_never_golden(goldens: Goldens, model: Model) -> None:
    verdict = goldens.admit("wasm", "guest", model, 1, output_of(model, shift=TOLERANCE * 2))
    assert isinstance(verdict, str)
    assert "logits deviates from TensorFlow by 0.002 of its range, more than 0.001" in verdict
    assert goldens.known("wasm", "guest", model, 1) is None


def test_an_output_of_tiny_range_is_compared_by_what_float32_can_hold(model: Model) -> None:
    # probabilities of a detector that sees plain sky: all of them near zero
    path = model.input_for(1).reference_path
    tiny = (np.fromfile(path, dtype="<f4") * 1e-6).astype("<f4")
    path.write_bytes(tiny.tobytes())
    assert isinstance(compare((tiny + np.float32(1e-7)).tobytes(), model, 1), float)
    assert isinstance(compare((tiny + np.float32(1e-5)).tobytes(), model, 1), str)


def test_a_golden_is_of_one_guest_one_graph_and_one_input(goldens: Goldens, model: Model) -> None:
    goldens.admit("wasm", "guest", model, 1, output_of(model))
    other_graph = msgspec.structs.replace(model, graph_sha256="another")
    assert goldens.known("wasm", "another guest", model, 1) is None
    assert goldens.known("wasm", "guest", model, 3) is None
    assert goldens.known("wasm", "guest", other_graph, 1) is None


def test_native_goldens_are_of_one_processor_and_wasm_goldens_of_all(
    goldens: Goldens, model: Model, tmp_path: Path
) -> None:
    elsewhere = Goldens(tmp_path / "goldens", "another cpu")
    for target in ("native", "wasm"):
        goldens.admit(target, "guest", model, 1, output_of(model))
    assert elsewhere.known("native", "guest", model, 1) is None
    assert elsewhere.known("wasm", "guest", model, 1) is not None


@pytest.mark.parametrize("content", [b"{", b'{"sha256": "\xff"}', b"[" * 100_000])
def test_a_damaged_golden_is_named_with_its_remedy(
    goldens: Goldens, model: Model, tmp_path: Path, content: bytes
) -> None:
    goldens.admit("wasm", "guest", model, 1, output_of(model))
    path = next((tmp_path / "goldens").iterdir())
    path.write_bytes(content)
    with pytest.raises(DataError, match="is damaged") as caught:
        goldens.known("wasm", "guest", model, 1)
    assert str(path) in caught.value.message
    assert "delete it" in caught.value.remedy


def test_each_output_tensor_is_compared_within_its_own_range(model: Model) -> None:
    reference = np.array([0, 1000, 0, 1], dtype="<f4")
    reference.tofile(model.input_for(1).reference_path)
    two = msgspec.structs.replace(model, outputs=(OutputTensor("wide", (1, 2)), OutputTensor("narrow", (1, 2))))
    off_by_a_tenth = reference + np.array([0.1, 0, 0, 0], dtype="<f4")
    assert compare(off_by_a_tenth.tobytes(), two, 1) == pytest.approx(1e-4)
    verdict = compare((reference + np.array([0, 0, 0.1, 0], dtype="<f4")).tobytes(), two, 1)
    assert isinstance(verdict, str)
    assert "narrow" in verdict


def test_an_output_of_another_length_is_wrong(model: Model) -> None:
    assert compare(output_of(model)[:-4], model, 1) == "output holds 12 bytes where TensorFlow gives 16"
    assert compare(b"", model, 1) == "output holds 0 bytes where TensorFlow gives 16"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_output_that_is_not_finite_is_wrong(model: Model, value: float) -> None:
    values = np.frombuffer(output_of(model), dtype="<f4").copy()
    values[2] = value
    assert compare(values.tobytes(), model, 1) == "output logits holds values that are not finite"


def test_a_batch_is_compared_image_by_image(model: Model) -> None:
    assert compare(output_of(model, batch=3), model, 3) == 0.0
    assert isinstance(compare(output_of(model, batch=3, shift=0.1), model, 3), str)


def test_shipped_bytes_come_back_and_garbled_ones_do_not() -> None:
    assert decode_output("AAEC") == b"\x00\x01\x02"
    assert decode_output("AAE") is None
    assert decode_output("A A E C") is None
