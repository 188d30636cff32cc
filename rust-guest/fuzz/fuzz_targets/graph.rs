//! The guest's way from bytes to a model: whatever the graph says, nothing is read or allocated beyond what it holds.
//!
//! An error is a refusal, and so is a panic of tract's while it builds: the guest ends with an error line. A panic of the
//! guest's own decoding and checks is a finding, as is what the address sanitizer or the limit of memory reports.

#![no_main]

// An inline module, so that the guest's files find their own submodules where they are.
#[allow(dead_code, reason = "the guest uses the rest")]
#[path = "../../infer/src"]
mod guest {
    pub mod constants;
    pub mod graph;
    pub mod ops;
}

use std::panic::{catch_unwind, set_hook};

use arbitrary::Arbitrary;
use guest::{constants, graph, ops};
use libfuzzer_sys::fuzz_target;
use prost::Message;
use tract_tensorflow::tfpb::tensorflow::attr_value::{ListValue, Value};
use tract_tensorflow::tfpb::tensorflow::tensor_shape_proto::Dim;
use tract_tensorflow::tfpb::tensorflow::{AttrValue, GraphDef, NodeDef, TensorProto, TensorShapeProto};
use tract_tensorflow::tract_hir::internal::*;

const SHAPE: [usize; 4] = [1, 2, 2, 1];

/// What the guest has operators for.
const OPERATORS: [&str; 22] = [
    "Add",
    "AvgPool",
    "BiasAdd",
    "ConcatV2",
    "Const",
    "Conv2D",
    "DepthwiseConv2dNative",
    "FusedBatchNorm",
    "Identity",
    "MaxPool",
    "Mul",
    "Pad",
    "Placeholder",
    "Relu",
    "Relu6",
    "Reshape",
    "Rsqrt",
    "Sigmoid",
    "Softmax",
    "Squeeze",
    "Sub",
    "Tile",
];

/// Either bytes, or a graph whose parts fit each other often enough to be built.
#[derive(Debug, Arbitrary)]
enum Input {
    Bytes(Vec<u8>),
    Nodes(Vec<Node>),
}

#[derive(Debug, Arbitrary)]
struct Node {
    operator: u8,
    inputs: Vec<u8>,
    has_own_name: bool,
    constant: Option<Constant>,
    lists: Vec<(Attribute, Vec<i8>)>,
    is_valid_padding: bool,
}

#[derive(Debug, Arbitrary)]
struct Constant {
    dtype: u8,
    shape: Option<Vec<Size>>,
    unknown_rank: bool,
    content: Vec<u8>,
    floats: Vec<f32>,
    doubles: Vec<f64>,
    ints: Vec<i32>,
    longs: Vec<i64>,
}

/// Sizes that fit, and sizes whose products are the trouble.
#[derive(Debug, Arbitrary)]
enum Size {
    Small(u8),
    PowerOfTwo { exponent: u8, more: i8 },
    Any(i64),
}

#[derive(Debug, Arbitrary)]
enum Attribute {
    Strides,
    Dilations,
    KernelSize,
    SqueezeDims,
}

fuzz_target!(
    init: {
        // Panics of tract's are caught below; those of the guest's end the process all the same, in libfuzzer-sys.
        set_hook(Box::new(|panic| eprintln!("{panic}")));
    },
    |input: Input| {
        let bytes = match input {
            Input::Bytes(bytes) => bytes,
            Input::Nodes(nodes) => graph_of(&nodes).encode_to_vec(),
        };
        let Ok(decoded) = graph::decode(bytes) else { return };
        check_constants(&decoded);
        let built = catch_unwind(move || graph::build(decoded, &SHAPE, &["y".to_string()]));
        if let Ok(Ok(model)) = built {
            for konst in model.nodes().iter().flat_map(|node| &node.outputs).filter_map(|o| o.fact.concretize()) {
                check_tensor(&konst);
            }
        }
    }
);

/// The checks on their own never panic, whatever tract would make of the constant.
fn check_constants(graph: &GraphDef) {
    let mut constants = constants::Constants::in_graph_of(graph.encoded_len());
    for node in &graph.node {
        let _ = constants.check(node);
    }
}

/// A tensor holds the bytes that its shape takes, and all of them can be read.
fn check_tensor(tensor: &Tensor) {
    let items = tensor.shape().iter().try_fold(1usize, |items, size| items.checked_mul(*size)).expect("no overflow");
    assert_eq!(tensor.len(), items);
    let bytes = tensor.as_bytes();
    assert_eq!(bytes.len(), items * tensor.datum_type().size_of());
    std::hint::black_box(bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)));
}

/// The first node is the placeholder x, the last one y; each takes what comes before it.
fn graph_of(nodes: &[Node]) -> GraphDef {
    let x = NodeDef {
        name: "x".into(),
        op: "Placeholder".into(),
        attr: [("dtype".to_string(), attribute(Value::Type(1)))].into(),
        ..NodeDef::default()
    };
    let mut graph = GraphDef { node: vec![x], ..GraphDef::default() };
    for (index, node) in nodes.iter().enumerate() {
        let built = node_of(node, index, index + 1 == nodes.len(), &graph.node);
        graph.node.push(built);
    }
    graph
}

fn node_of(node: &Node, index: usize, is_last: bool, before: &[NodeDef]) -> NodeDef {
    let op = OPERATORS[usize::from(node.operator) % OPERATORS.len()];
    let mut attr: HashMap<String, AttrValue> = [
        ("dtype".to_string(), attribute(Value::Type(1))),
        ("T".to_string(), attribute(Value::Type(1))),
        ("data_format".to_string(), attribute(Value::S(b"NHWC".to_vec()))),
        ("padding".to_string(), attribute(Value::S(if node.is_valid_padding { "VALID" } else { "SAME" }.into()))),
    ]
    .into();
    if let Some(constant) = &node.constant {
        attr.insert("value".into(), attribute(Value::Tensor(tensor_of(constant))));
    }
    for (name, values) in &node.lists {
        let name = match name {
            Attribute::Strides => "strides",
            Attribute::Dilations => "dilations",
            Attribute::KernelSize => "ksize",
            Attribute::SqueezeDims => "squeeze_dims",
        };
        let i = values.iter().map(|value| i64::from(*value)).collect();
        attr.insert(name.into(), attribute(Value::List(ListValue { i, ..ListValue::default() })));
    }
    let name = match (is_last, node.has_own_name) {
        (true, _) => "y".to_string(),
        (false, true) => format!("n{index}"),
        (false, false) => "n0".to_string(),
    };
    let input = node.inputs.iter().map(|input| before[usize::from(*input) % before.len()].name.clone()).collect();
    NodeDef { name, op: op.into(), input, attr, ..NodeDef::default() }
}

fn attribute(value: Value) -> AttrValue {
    AttrValue { value: Some(value) }
}

fn tensor_of(constant: &Constant) -> TensorProto {
    let size_of = |size: &Size| match size {
        Size::Small(size) => i64::from(size % 5),
        Size::PowerOfTwo { exponent, more } => 1i64.wrapping_shl((*exponent).into()).wrapping_add(i64::from(*more)),
        Size::Any(size) => *size,
    };
    let shape = constant.shape.as_ref().map(|sizes| TensorShapeProto {
        dim: sizes.iter().map(|size| Dim { size: size_of(size), name: String::new() }).collect(),
        unknown_rank: constant.unknown_rank,
    });
    TensorProto {
        dtype: i32::from(constant.dtype % 12),
        tensor_shape: shape,
        tensor_content: constant.content.clone(),
        float_val: constant.floats.clone(),
        double_val: constant.doubles.clone(),
        int_val: constant.ints.clone(),
        int64_val: constant.longs.clone(),
        ..TensorProto::default()
    }
}
