"""Which output tensors are right.

WebAssembly is deterministic: one guest, model and input has one output, down to the bit, under every runtime. The first
output seen is compared with that of TensorFlow, or of the format's own runtime, within a tolerance; once it passed, its
sha256 is golden and every later trial must match it exactly. Native output bits depend on the processor, so a native
golden is valid for one processor only.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from lab.core.errors import DataError
from lab.core.model import Model, ModelInput, OutputTensor
from lab.core.names import Target
from lab.disk.checked import has_check, read_checked, write_checked

# Of each output tensor's range in the reference. tract and TensorFlow differ by summation order only (about 3e-6).
TOLERANCE = 1e-3
# A tensor of a smaller range is compared as if it had this one: float32 holds a sigmoid to about 1e-7, whatever it is.
LEAST_RANGE = 1e-3


class Golden(msgspec.Struct, frozen=True):
    """An output that passed.

    Attributes:
        sha256: of all output tensors' bytes.
        worst_error: largest deviation from TensorFlow, as a fraction of that tensor's range.
    """

    sha256: str
    worst_error: float


class Goldens:
    """Golden outputs kept by content under a directory.

    Args:
        directory: where they are kept.
        processor: identity of this processor's instruction set.
    """

    def __init__(self, directory: Path, processor: str) -> None:
        self._directory = directory
        self._processor = processor

    def known(self, target: str, guest_sha256: str, model: Model, batch: int) -> Golden | None:
        """The golden output of a guest on a model's input, if one has passed.

        Raises:
            DataError: its file is damaged.
        """
        path = self._path(target, guest_sha256, model, batch)
        try:
            return read_checked(path, Golden)
        except FileNotFoundError:
            return None
        except ValueError as error:
            remedy = "delete it: the next output is then compared with TensorFlow's again"
            raise DataError(f"{path} is damaged: {error}", remedy) from error

    def confirm(self, target: str, guest_sha256: str, model: Model, batch: int, golden: Golden) -> None:
        """Give the file of a golden that an output has just matched its check, if an earlier lab left it without."""
        path = self._path(target, guest_sha256, model, batch)
        if not has_check(path):
            write_checked(path, golden)

    def admit(self, target: str, guest_sha256: str, model: Model, batch: int, output: bytes) -> Golden | str:
        """Compare a first output with the reference; the golden it became, or why it is wrong."""
        verdict = compare(output, model, batch)
        if isinstance(verdict, str):
            return verdict
        golden = Golden(hashlib.sha256(output).hexdigest(), verdict)
        path = self._path(target, guest_sha256, model, batch)
        write_checked(path, golden)
        return golden

    def _path(self, target: str, guest_sha256: str, model: Model, batch: int) -> Path:
        parts = [target, guest_sha256, model.graph_sha256, model.input_for(batch).input_sha256]
        if target != Target.WASM:
            parts.append(self._processor)
        key = hashlib.sha256(" ".join(parts).encode()).hexdigest()
        return self._directory / f"{key}.json"


def decode_output(text: str) -> bytes | None:
    """The output tensors' bytes as the probe ships them; None if they are garbled."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None


def compare(output: bytes, model: Model, batch: int) -> float | str:
    """Compare output tensors with the reference.

    Args:
        output: raw little-endian float32 of every output tensor, in the model's order.
        model: with its reference.
        batch: which of the model's inputs.

    Returns:
        The worst deviation as a fraction of that tensor's range; or, if it exceeds `TOLERANCE`, a
        sentence.
    """
    given = model.input_for(batch)
    reference = np.fromfile(given.reference_path, dtype="<f4")
    if len(output) != reference.nbytes:
        return f"output holds {len(output)} bytes where {model.reference} gives {reference.nbytes}"
    found = np.frombuffer(output, dtype="<f4")
    worst = 0.0
    for tensor, mine, theirs in _tensors(model, given, found, reference):
        if not np.isfinite(mine).all():
            return f"output {tensor.node} holds values that are not finite"
        spread = float(theirs.max() - theirs.min())
        deviation = float(np.abs(mine - theirs).max())
        error = deviation / (max(spread, LEAST_RANGE) if spread else 1.0)
        if error > TOLERANCE:
            beyond = f"{error:.2g} of its range, more than {TOLERANCE:g}"
            return f"output {tensor.node} deviates from {model.reference} by {beyond}"
        worst = max(worst, error)
    return worst


def _tensors(
    model: Model, given: ModelInput, found: NDArray[np.float32], reference: NDArray[np.float32]
) -> list[tuple[OutputTensor, NDArray[np.float32], NDArray[np.float32]]]:
    split, offset = [], 0
    for tensor in model.outputs:
        count = int(np.prod(tensor.shape)) * given.batch
        split.append((tensor, found[offset : offset + count], reference[offset : offset + count]))
        offset += count
    return split
