"""From weights to a frozen graph: checkpoints, written from seeded weights or restored from slim's, and the freezing.

TensorFlow 2 kept neither the v1 converter's determinism nor operators that tract takes; the paper (Section III-C) wrote
its own, too. Variables become constants under their own names, everything the outputs don't need falls away, batch-norm
becomes its first version, and attributes that a TensorFlow release may add are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lab.core.errors import ModelError
from lab.zoo.tensorflow.canonical import canonicalise
from lab.zoo.tensorflow.graphdef import Graph, constant, nodes_of, ordered
from lab.zoo.tensorflow.networks import Network
from lab.zoo.tensorflow.seeding import Floats, seeded_layer
from lab.zoo.tensorflow.tf_v1 import session, tf

AVERAGE = "/ExponentialMovingAverage"
"""Suffix of a variable's moving average, which slim evaluates with where a checkpoint has it."""
_VARIABLES = ("Variable", "VariableV2")


def seeded_weights(model: str, network: Network) -> Iterable[tuple[str, Floats]]:
    """Every variable with its seeded value, layer by layer."""
    for plan in network.plans:
        yield from seeded_layer(model, plan)


def write(network: Network, weights: Iterable[tuple[str, Floats]], prefix: Path) -> Path:
    """Writes a checkpoint of these values under `prefix`, and returns it.

    Raises:
        ModelError: a variable is missing, or has another shape.
    """
    wanted = {variable.op.name: variable for variable in network.variables}
    with network.graph.as_default(), session(network.graph) as running:
        for name, value in weights:
            variable = wanted.pop(name, None)
            if variable is None or tuple(variable.shape.as_list()) != value.shape:
                raise ModelError(
                    f"no variable '{name}' of shape {value.shape} in the graph", "use this network's weights"
                )
            running.run(variable.initializer, {variable.initial_value: value})
        if wanted:
            raise ModelError(f"no value for '{next(iter(wanted))}'", "use this network's whole set of weights")
        tf.train.Saver(network.variables, write_version=tf.train.SaverDef.V2).save(
            running, str(prefix), write_meta_graph=False, write_state=False
        )
    return prefix


def restore(network: Network, running: Any, prefix: Path) -> None:
    """Restores every variable from the checkpoint, its moving average where there is one.

    Raises:
        ModelError: the checkpoint cannot be read, lacks a variable, or holds another network.
    """
    try:
        saved = tf.train.load_checkpoint(str(prefix)).get_variable_to_shape_map()
    except (ValueError, tf.errors.OpError) as why:
        raise ModelError(
            f"{prefix.name} is no readable checkpoint: {why}", "delete the download and try again"
        ) from why
    sources = {}
    for variable in network.variables:
        name = variable.op.name
        source = name + AVERAGE if name + AVERAGE in saved else name
        if saved.get(source) != variable.shape.as_list():
            raise ModelError(
                f"checkpoint {prefix.name} has no '{name}' of shape {variable.shape.as_list()}",
                "use the checkpoint of this very network; its variables must bear slim's names",
            )
        sources[source] = variable
    with network.graph.as_default():
        tf.train.Saver(sources).restore(running, str(prefix))


def freeze(session: Any, outputs: tuple[str, ...]) -> Graph:
    """The frozen graph of what `outputs` (node names) depend on, with the session's values."""
    needed = ordered(nodes_of(session.graph.as_graph_def()), outputs)
    frozen: Graph = {}
    for name, node in needed.items():
        # One variable at a time: VGG's 550 MB are held once in the session and once in the nodes.
        frozen[name] = constant(name, session.run(f"{name}:0")) if node.op in _VARIABLES else node
    return canonicalise(frozen, outputs)
