"""Frozen graphs in the formats of other frameworks, in a process of their own: ``python -m MODULE JOB…``.

TensorFlow's own converter gives the same bytes twice; tf2onnx orders and numbers nodes as its sets happen to be, so
that the same network may have other bytes. Neither quantises: the weights stay float32.
"""

from __future__ import annotations

from pathlib import Path

from lab.core.errors import ModelError
from lab.core.names import GraphFormat
from lab.disk.whole import write_whole
from lab.zoo.tensorflow import graphdef
from lab.zoo.tensorflow.tf_v1 import tf
from lab.zoo.worker import ConvertJob, run_worker

_OPSET = 17


def convert(job: ConvertJob) -> None:
    """Writes one graph in one format.

    Raises:
        ModelError: the converter refuses the graph.
    """
    make = _tflite if job.format is GraphFormat.TFLITE else _onnx
    try:
        content = make(job)
    except Exception as why:  # the converters raise errors of every kind
        last = next((line for line in reversed(str(why).splitlines()) if line.strip()), type(why).__name__)
        raise ModelError(
            f"{job.name} cannot be converted to {job.format}: {last.strip()[:300]}",
            "leave this model out of the arms of frameworks that read this format",
        ) from why
    write_whole(Path(job.result), content)


def _tflite(job: ConvertJob) -> bytes:
    shapes = {job.input_node: list(job.shape)}
    converter = tf.lite.TFLiteConverter.from_frozen_graph(job.graph, [job.input_node], list(job.outputs), shapes)
    content: bytes = converter.convert()
    return content


def _onnx(job: ConvertJob) -> bytes:
    import tf2onnx  # noqa: PLC0415 - a second of imports that the other format does without

    graph = graphdef.to_message(graphdef.read(Path(job.graph)))
    outputs = [f"{name}:0" for name in job.outputs]
    found, _ = tf2onnx.convert.from_graph_def(
        graph, input_names=[f"{job.input_node}:0"], output_names=outputs, opset=_OPSET
    )
    content: bytes = found.SerializeToString(deterministic=True)
    return content


if __name__ == "__main__":
    run_worker(ConvertJob, convert)
