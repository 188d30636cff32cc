"""TensorFlow's v1 API inside TensorFlow 2, on one thread. Only modules that run as processes import this."""

from __future__ import annotations

from typing import Any

import tensorflow.compat.v1 as tf
from tensorflow.core.framework import graph_pb2, node_def_pb2

tf.disable_eager_execution()

Tensor = Any
"""A tensor in a graph; TensorFlow ships no types."""


def session(graph: Any) -> Any:
    """A single-threaded session that runs the graph as it is written: no rewriting, no second copy of the weights."""
    config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.graph_options.optimizer_options.opt_level = tf.OptimizerOptions.L0
    return tf.Session(graph=graph, config=config)


__all__ = ["Tensor", "graph_pb2", "node_def_pb2", "session", "tf"]
