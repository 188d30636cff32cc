"""The guest of other frameworks: loads a graph, infers, and prints the marks of `rust-guest/infer`.

    guest.py MODEL --input FILE --shape N,H,W,C --outputs NODE[,NODE…]
             [--iterations N] [--save FILE] [--handicap PERMILLE]

MODEL's suffix chooses the framework: `.tflite` LiteRT with XNNPACK, `.onnx` ONNX Runtime, `.pb` TensorFlow. Each runs
on one thread. Start-up is Python's and the import of the framework, which stands for what a program is linked with. A
phase that a framework does not have apart is as short as nothing takes; docs/runtimes.md has the table.

Exit codes: 0, 2 (bad arguments), 3 (model, shape or input that does not fit).
"""

import argparse
import hashlib
import json
import sys
import time
from pathlib import Path

import numpy as np


def mark(name, begin=None, **more):
    """Print that a phase has ended, which began at `begin`."""
    length = {} if begin is None else {"ns": time.monotonic_ns() - begin}
    print(json.dumps({"mark": name, **length, **more}, separators=(",", ":")), flush=True)


class LiteRt:
    """The FlatBuffer is used where it lies; allocating hands the graph to XNNPACK, which packs the weights."""

    def __init__(self):
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter

    def decode(self, content):
        self.net = self.interpreter(model_content=content, num_threads=1)

    def build(self, shape, outputs):
        self.place = self.net.get_input_details()[0]["index"]
        self.net.resize_tensor_input(self.place, shape, strict=False)
        found = {detail["name"]: detail["index"] for detail in self.net.get_output_details()}
        self.results = [found[name] for name in outputs]

    def optimise(self):
        self.net.allocate_tensors()

    def infer(self, tensor):
        self.net.set_tensor(self.place, tensor)
        self.net.invoke()
        return [self.net.get_tensor(place) for place in self.results]


class OnnxRuntime:
    """One call decodes, builds and optimises: all of it counts as optimising."""

    def __init__(self):
        import onnxruntime

        self.library = onnxruntime

    def decode(self, content):
        self.content = content

    def build(self, shape, outputs):
        self.outputs = outputs

    def optimise(self):
        options = self.library.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.net = self.library.InferenceSession(self.content, options, providers=["CPUExecutionProvider"])
        self.place = self.net.get_inputs()[0].name
        # a graph that was converted from TensorFlow's names tensors, others what they like
        known = {output.name for output in self.net.get_outputs()}
        self.results = [name if name in known else f"{name}:0" for name in self.outputs]
        del self.content

    def infer(self, tensor):
        return self.net.run(self.results, {self.place: tensor})


class TensorFlow:
    """Its optimiser, Grappler, runs within the first inference: there is no way to run it before."""

    def __init__(self):
        import tensorflow.compat.v1 as library
        from tensorflow.core.framework import graph_pb2

        self.library, self.graphs = library, graph_pb2

    def decode(self, content):
        self.message = self.graphs.GraphDef.FromString(content)

    def build(self, shape, outputs):
        self.place = next(f"{node.name}:0" for node in self.message.node if node.op == "Placeholder")
        self.results = [f"{name}:0" for name in outputs]
        self.graph = self.library.Graph()
        with self.graph.as_default():
            self.library.import_graph_def(self.message, name="")
        del self.message

    def optimise(self):
        one_thread = self.library.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        self.net = self.library.Session(graph=self.graph, config=one_thread)

    def infer(self, tensor):
        return self.net.run(self.results, {self.place: tensor})


FRAMEWORKS = {".tflite": LiteRt, ".onnx": OnnxRuntime, ".pb": TensorFlow}


def read_arguments():
    """The command line; argparse ends the process with 2 where it is wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--shape", type=lambda text: tuple(int(size) for size in text.split(",")), required=True)
    parser.add_argument("--outputs", type=lambda text: text.split(","), required=True)
    parser.add_argument("--iterations", type=int, default=1)
    parser.add_argument("--save", type=Path)
    parser.add_argument("--handicap", type=int, default=0)
    args = parser.parse_args()
    if args.model.suffix not in FRAMEWORKS:
        parser.error(f"no framework reads {args.model.name}: expected one of {', '.join(FRAMEWORKS)}")
    if args.iterations < 1 or args.handicap < 0 or min(args.shape) < 1:
        parser.error("--iterations and the sizes of --shape must be at least 1, --handicap at least 0")
    return args


def spin(begin, permille):
    """Make an inference that began at `begin` so many thousandths longer."""
    end = begin + (time.monotonic_ns() - begin) * (1000 + permille) // 1000
    while time.monotonic_ns() < end:
        pass


def run(framework, args):
    """The phases in their order; each mark is printed when its phase has ended."""
    begin = time.monotonic_ns()
    content = args.model.read_bytes()
    tensor = np.fromfile(args.input, "<f4").reshape(args.shape)
    mark("read", begin)

    begin = time.monotonic_ns()
    framework.decode(content)
    mark("decode", begin)

    begin = time.monotonic_ns()
    framework.build(args.shape, args.outputs)
    mark("build", begin)

    begin = time.monotonic_ns()
    framework.optimise()
    mark("optimise", begin)

    for _ in range(args.iterations):
        begin = time.monotonic_ns()
        results = framework.infer(tensor)
        if args.handicap:
            spin(begin, args.handicap)
        mark("infer", begin)

    begin = time.monotonic_ns()
    output = b"".join(np.ascontiguousarray(result, dtype="<f4").tobytes() for result in results)
    if args.save is not None:
        args.save.write_bytes(output)
    mark("output", begin, sha256=hashlib.sha256(output).hexdigest())


def main():
    """Run; an error ends the process with one line."""
    args = read_arguments()
    framework = FRAMEWORKS[args.model.suffix]()
    mark("start")
    try:
        run(framework, args)
    except Exception as error:  # whatever a framework raises: one line says it
        print(f"error: {type(error).__name__}: {' '.join(str(error).split())[:500]}", file=sys.stderr)
        sys.exit(3)


if __name__ == "__main__":
    main()
