//! The guest of ONNX on tiny graphs: its outputs by name, its marks, its refusals.
#![cfg(feature = "onnx")]

use std::path::PathBuf;
use std::process::{Command, Output};

use prost::Message;
use tract_onnx::pb::tensor_shape_proto::{dimension, Dimension};
use tract_onnx::pb::type_proto::{Tensor, Value};
use tract_onnx::pb::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
};

const FLOAT: i32 = 1;

fn value(name: &str, sizes: &[i64]) -> ValueInfoProto {
    let dim = sizes.iter().map(|size| match size {
        -1 => Dimension { value: Some(dimension::Value::DimParam("batch".into())), ..Dimension::default() },
        size => Dimension { value: Some(dimension::Value::DimValue(*size)), ..Dimension::default() },
    });
    let tensor = Tensor { elem_type: FLOAT, shape: Some(TensorShapeProto { dim: dim.collect() }) };
    let r#type = Some(TypeProto { value: Some(Value::TensorType(tensor)), ..TypeProto::default() });
    ValueInfoProto { name: name.into(), r#type, ..ValueInfoProto::default() }
}

fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op.into(),
        name: format!("{op} of {output}"),
        input: inputs.iter().map(|name| name.to_string()).collect(),
        output: vec![output.into()],
        ..NodeProto::default()
    }
}

/// Doubled = 2x and rectified = max(2x, 0), for x of shape [batch, 2].
fn small_model(op: &str) -> ModelProto {
    let two = TensorProto {
        name: "two".into(),
        dims: vec![1],
        data_type: FLOAT,
        float_data: vec![2.0],
        ..TensorProto::default()
    };
    let graph = GraphProto {
        name: "small".into(),
        node: vec![node("Mul", &["x", "two"], "doubled"), node(op, &["doubled"], "rectified")],
        initializer: vec![two],
        input: vec![value("x", &[-1, 2])],
        output: vec![value("doubled", &[-1, 2]), value("rectified", &[-1, 2])],
        ..GraphProto::default()
    };
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 13 }];
    ModelProto { ir_version: 8, opset_import, graph: Some(graph), ..ModelProto::default() }
}

struct Desk(PathBuf);

impl Desk {
    fn new(name: &str, model: &[u8], input: &[f32]) -> Self {
        let desk = Desk(std::env::temp_dir().join(format!("front-{name}-{}", std::process::id())));
        std::fs::create_dir_all(&desk.0).unwrap();
        std::fs::write(desk.0.join("model.onnx"), model).unwrap();
        let bytes: Vec<u8> = input.iter().flat_map(|value| value.to_le_bytes()).collect();
        std::fs::write(desk.0.join("input.f32"), bytes).unwrap();
        desk
    }

    fn run(&self, shape: &str, outputs: &str) -> Output {
        let line = format!("model.onnx --input input.f32 --shape {shape} --outputs {outputs} --save out.f32");
        Command::new(env!("CARGO_BIN_EXE_infer")).args(line.split(' ')).current_dir(&self.0).output().unwrap()
    }

    fn saved(&self) -> Vec<f32> {
        let bytes = std::fs::read(self.0.join("out.f32")).unwrap();
        bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn outputs_come_in_the_order_asked_for_at_any_batch() {
    let desk = Desk::new("order", &small_model("Relu").encode_to_vec(), &[1.0, -3.0, 0.5, 0.0]);
    let ran = desk.run("2,2", "rectified,doubled");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(desk.saved(), [2.0, 0.0, 1.0, 0.0, 2.0, -6.0, 1.0, 0.0]);
    let marks = String::from_utf8(ran.stdout).unwrap();
    let phases: Vec<&str> = marks.lines().map(|line| line.split('"').nth(3).unwrap()).collect();
    assert_eq!(phases, ["start", "read", "decode", "build", "optimise", "infer", "output"]);
}

#[test]
fn what_does_not_fit_is_refused_in_one_line() {
    let whole = small_model("Relu").encode_to_vec();
    let unknown = small_model("Nonsense").encode_to_vec();
    let cases: [(&str, &[u8], &str, &str, &str); 3] = [
        ("name", &whole, "1,2", "nothing", "nothing"),
        ("cut", &whole[..whole.len() - 3], "1,2", "doubled", "decode"),
        ("operator", &unknown, "1,2", "rectified", "Nonsense"),
    ];
    for (name, model, shape, outputs, complaint) in cases {
        let ran = Desk::new(name, model, &[1.0, 2.0]).run(shape, outputs);
        let why = String::from_utf8(ran.stderr).unwrap();
        assert_eq!((ran.status.code(), why.lines().count()), (Some(3), 1), "{name}: {why}");
        assert!(why.starts_with("error: ") && why.contains(complaint), "{name}: {why}");
    }
}
