//! Tiny graphs, and the guest run on them.
#![allow(dead_code, reason = "each test file is a crate of its own")]

use std::path::PathBuf;
use std::process::{Command, Output};

use tract_tensorflow::tfpb::tensorflow::attr_value::Value;
use tract_tensorflow::tfpb::tensorflow::tensor_shape_proto::Dim;
use tract_tensorflow::tfpb::tensorflow::{DataType, GraphDef, NodeDef, TensorProto, TensorShapeProto};
use tract_tensorflow::tfpb::{graph, node};
use tract_tensorflow::tract_hir::prelude::*;

/// A shape; -1 is any size.
pub fn shape_of(sizes: &[i64]) -> TensorShapeProto {
    let dim = sizes.iter().map(|size| Dim { size: *size, name: String::new() }).collect();
    TensorShapeProto { dim, unknown_rank: false }
}

/// A placeholder of float32; -1 is any size.
pub fn placeholder(name: &str, shape: &[i64]) -> NodeDef {
    node().op("Placeholder").name(name).attr("dtype", DataType::DtFloat).attr("shape", shape_of(shape))
}

/// A constant.
pub fn constant(name: &str, tensor: Tensor) -> NodeDef {
    let value = TensorProto::try_from(&tensor).expect("a tensor of numbers");
    let dtype = DataType::try_from(tensor.datum_type()).expect("a type TensorFlow has");
    node().op("Const").name(name).attr("dtype", dtype).attr("value", value)
}

/// Changes what a constant stores.
pub fn change_value(constant: &mut NodeDef, change: impl Fn(&mut TensorProto)) {
    match constant.attr.get_mut("value").and_then(|value| value.value.as_mut()) {
        Some(Value::Tensor(tensor)) => change(tensor),
        other => panic!("no tensor: {other:?}"),
    }
}

/// A node without attributes.
pub fn op(op: &str, name: &str, inputs: &[&str]) -> NodeDef {
    inputs.iter().fold(node().op(op).name(name), |node, input| node.input(input))
}

/// y = relu(2x - 1) for x of shape [-1, 2, 2, 1]: a 1×1 convolution, then a bias.
pub fn small_graph() -> GraphDef {
    let conv = op("Conv2D", "conv", &["x", "weights"])
        .attr("strides", vec![1i64, 1, 1, 1])
        .attr("dilations", vec![1i64, 1, 1, 1])
        .attr("padding", "SAME")
        .attr("data_format", "NHWC");
    graph()
        .node(op("Relu", "y", &["biased:0", "^weights"]))
        .node(op("BiasAdd", "biased", &["conv", "bias"]))
        .node(conv)
        .node(constant("bias", tensor1(&[-1f32])))
        .node(constant("weights", tensor4(&[[[[2f32]]]])))
        .node(placeholder("x", &[-1, 2, 2, 1]))
}

/// A directory of its own, removed at the end.
pub struct Desk(PathBuf);

impl Desk {
    pub fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("guest-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Desk(dir)
    }

    pub fn with_graph(self, graph: &GraphDef) -> Self {
        self.with_file("model.pb", &graph.write_to_bytes().unwrap())
    }

    pub fn with_input(self, values: &[f32]) -> Self {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.with_file("input.f32", &bytes)
    }

    pub fn with_file(self, name: &str, bytes: &[u8]) -> Self {
        std::fs::write(self.0.join(name), bytes).unwrap();
        self
    }

    /// Runs the guest here.
    pub fn run(&self, line: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_infer")).args(line.split(' ')).current_dir(&self.0).output().unwrap()
    }

    /// Runs the guest here, expects it to end well, and reads the outputs it saved.
    pub fn infer(&self, shape: &str, outputs: &str) -> Vec<f32> {
        let out = self.run(&format!("model.pb --input input.f32 --shape {shape} --outputs {outputs} --save out.f32"));
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        self.saved()
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap()
    }

    pub fn saved(&self) -> Vec<f32> {
        let bytes = self.read("out.f32");
        bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A constant of floats that stores its bytes, as TensorFlow writes large ones.
pub fn stored_constant(name: &str, shape: &[i64], values: &[f32]) -> NodeDef {
    let mut stored = constant(name, tensor1(&[0f32]));
    change_value(&mut stored, |tensor| {
        tensor.float_val.clear();
        tensor.tensor_content = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        tensor.tensor_shape = Some(shape_of(shape));
    });
    stored
}
