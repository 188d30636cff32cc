"""The freezing function: a session's graph and variables → one GraphDef, the same bytes every time.

TensorFlow 2 kept neither the v1 converter's determinism nor operators that tract takes; the paper (Section III-C) wrote
its own, too. Variables become constants under their own names, everything the outputs don't need falls away, batch-norm
becomes its first version, and attributes that a TensorFlow release may add are left out.
"""

from __future__ import annotations

from typing import Any

from lab.zoo.tensorflow.canonical import canonicalise
from lab.zoo.tensorflow.graphdef import Graph, constant, nodes_of, ordered

_VARIABLES = ("Variable", "VariableV2")


def freeze(session: Any, outputs: tuple[str, ...]) -> Graph:
    """The frozen graph of what `outputs` (node names) depend on, with the session's values."""
    needed = ordered(nodes_of(session.graph.as_graph_def()), outputs)
    frozen: Graph = {}
    for name, node in needed.items():
        # One variable at a time: VGG's 550 MB are held once in the session and once in the nodes.
        frozen[name] = constant(name, session.run(f"{name}:0")) if node.op in _VARIABLES else node
    return canonicalise(frozen, outputs)
