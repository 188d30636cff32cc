"""Formats of graphs are known by content, and what no guest reads is refused with the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.core.errors import ModelError
from lab.core.names import GraphFormat
from lab.zoo.formats import format_of


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b"\x0a\x40\x0a\x05input", GraphFormat.PB),
        (b"\x08\x06\x12\x07pytorch", GraphFormat.ONNX),
        (b"\x1c\x00\x00\x00TFL3", GraphFormat.TFLITE),
    ],
)
def test_a_file_is_of_the_format_that_its_first_bytes_have_whatever_its_name(
    tmp_path: Path, start: bytes, expected: GraphFormat
) -> None:
    for name in ("net.pb", "net.ONNX", "net"):
        path = tmp_path / name
        path.write_bytes(start + bytes(600))
        assert format_of(path) is expected


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"\x89HDF\r\n\x1a\n", "Keras weights in HDF5"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x1f\x8b\x08", "as NNEF's are"),
        (b'node {\n  name: "x"', "a GraphDef as text"),
        (b"\x08\x01\x12\x9a", "a SavedModel"),
        (b"", "no graph that the lab reads"),
        (b"\x08", "no graph that the lab reads"),
        (b"\xff\xd8\xff\xe0", "no graph that the lab reads"),
    ],
)
def test_other_files_are_called_what_they_are_and_the_way_out_is_named(tmp_path: Path, start: bytes, what: str) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(start)
    with pytest.raises(ModelError, match=what) as refused:
        format_of(path)
    assert "net.onnx" in refused.value.message
    assert any(way in refused.value.remedy for way in (".onnx", ".tflite", "binary"))


def test_directories_and_missing_files_are_called_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is a directory"):
        format_of(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01")
    with pytest.raises(ModelError, match="a directory with a SavedModel"):
        format_of(tmp_path)
    with pytest.raises(ModelError, match="there is no file"):
        format_of(tmp_path / "gone.onnx")
