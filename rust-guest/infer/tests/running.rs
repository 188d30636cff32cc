//! What the guest prints and saves when all is well.

mod common;

use common::{change_value, constant, op, placeholder, shape_of, small_graph, stored_constant, Desk};
use serde_json::Value;
use tract_tensorflow::tfpb::graph;
use tract_tensorflow::tract_hir::prelude::*;

#[test]
fn a_convolution_with_bias_and_relu_is_computed() {
    let desk = Desk::new("conv").with_graph(&small_graph()).with_input(&[0.0, 0.5, 1.0, -3.0]);
    assert_eq!(desk.infer("1,2,2,1", "y"), [0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn a_batch_of_two_gives_two_results() {
    let desk = Desk::new("batch").with_graph(&small_graph()).with_input(&[1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]);
    assert_eq!(desk.infer("2,2,2,1", "y"), [1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0]);
}

#[test]
fn outputs_are_saved_in_the_order_asked_for() {
    let desk = Desk::new("order").with_graph(&small_graph()).with_input(&[0.0, 0.0, 1.0, 1.0]);
    assert_eq!(desk.infer("1,2,2,1", "y,biased"), [0.0, 0.0, 1.0, 1.0, -1.0, -1.0, 1.0, 1.0]);
    assert_eq!(desk.infer("1,2,2,1", "biased,y"), [-1.0, -1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]);
}

#[test]
fn every_phase_is_marked_once_and_every_inference() {
    let desk = Desk::new("marks").with_graph(&small_graph()).with_input(&[0.0; 4]);
    let line = "model.pb --input input.f32 --shape 1,2,2,1 --outputs y --iterations 3";
    let out = desk.run(line);
    let text = String::from_utf8(out.stdout).unwrap();
    let marks: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = marks.iter().map(|mark| mark["mark"].as_str().unwrap()).collect();
    assert_eq!(names, ["start", "read", "decode", "build", "optimise", "infer", "infer", "infer", "output"]);
    assert!(marks[1..].iter().all(|mark| mark["ns"].is_u64()), "{text}");
    let output = marks.last().unwrap();
    // sha256 of sixteen zero bytes.
    assert_eq!(output["sha256"], "374708fff7719dd5979ec875d56cd2286f6d3cf7ec317a3b25632aab28ec37bb");
    assert!(output["linear_memory_bytes"].is_null(), "a native process has none");
}

#[test]
fn a_slowdown_makes_inference_slower_and_changes_no_output() {
    let desk = Desk::new("slowdown").with_graph(&small_graph()).with_input(&[1.0; 4]);
    let line = "model.pb --input input.f32 --shape 1,2,2,1 --outputs y --save out.f32 --iterations 200 --slowdown";
    let total = |permille: u32| {
        let text = String::from_utf8(desk.run(&format!("{line} {permille}")).stdout).unwrap();
        assert_eq!(desk.saved(), [1.0; 4]);
        let marks = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut ns: Vec<u64> =
            marks.filter(|mark| mark["mark"] == "infer").map(|m| m["ns"].as_u64().unwrap()).collect();
        ns.sort_unstable();
        ns[ns.len() / 2]
    };
    // Ten times the work can't hide in noise.
    assert!(total(9000) > 3 * total(0));
}

#[test]
fn concatenation_takes_an_axis_from_the_end() {
    let graph = graph()
        .node(placeholder("x", &[1, 2, 2, 1]))
        .node(constant("zeros", Tensor::zero::<f32>(&[1, 2, 2, 1]).unwrap()))
        .node(constant("axis", tensor0(-2i32)))
        .node(op("ConcatV2", "y", &["zeros", "x", "axis"]));
    let desk = Desk::new("concat").with_graph(&graph).with_input(&[1.0, 2.0, 3.0, 4.0]);
    assert_eq!(desk.infer("1,2,2,1", "y"), [0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 3.0, 4.0]);
}

#[test]
fn padding_puts_zeros_around() {
    let graph = graph()
        .node(placeholder("x", &[1, 1, 2, 1]))
        .node(constant("pads", tensor2(&[[0i32, 0], [1, 0], [1, 1], [0, 0]])))
        .node(op("Pad", "y", &["x", "pads"]));
    let desk = Desk::new("pad").with_graph(&graph).with_input(&[1.0, 2.0]);
    assert_eq!(desk.infer("1,1,2,1", "y"), [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0]);
}

#[test]
fn squeeze_and_softmax_give_probabilities_per_row() {
    let graph = graph()
        .node(placeholder("x", &[-1, 1, 1, 2]))
        .node(op("Squeeze", "rows", &["x"]).attr("squeeze_dims", vec![1i64, 2]))
        .node(op("Softmax", "y", &["rows"]));
    let desk = Desk::new("softmax").with_graph(&graph).with_input(&[0.0, 0.0, 0.0, 1.0]);
    let y = desk.infer("2,1,1,2", "y");
    let e = std::f32::consts::E;
    let expected = [0.5, 0.5, 1.0 / (1.0 + e), e / (1.0 + e)];
    assert!(y.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-5), "{y:?}");
}

#[test]
fn a_batch_norm_written_out_is_computed() {
    let graph = graph()
        .node(placeholder("x", &[1, 1, 1, 2]))
        .node(constant("variance", tensor1(&[4f32, 16.0])))
        .node(op("Rsqrt", "inverse", &["variance"]))
        .node(op("Mul", "scaled", &["x", "inverse"]))
        .node(constant("mean", tensor1(&[1f32, 1.0])))
        .node(op("Sub", "y", &["scaled", "mean"]));
    let desk = Desk::new("norm").with_graph(&graph).with_input(&[8.0, 8.0]);
    assert_eq!(desk.infer("1,1,1,2", "y"), [3.0, 1.0]);
}

#[test]
fn a_tensor_may_be_used_more_often_than_there_are_nodes() {
    let graph = graph()
        .node(placeholder("x", &[1, 1]))
        .node(op("Relu", "relu", &["x"]))
        .node(constant("axis", tensor0(1i32)))
        .node(op("ConcatV2", "y", &["relu", "relu", "relu", "relu", "relu", "axis"]));
    let desk = Desk::new("often").with_graph(&graph).with_input(&[2.0]);
    assert_eq!(desk.infer("1,1", "y"), [2.0; 5]);
}

#[test]
fn a_constant_may_store_one_value_for_its_whole_shape() {
    let mut three = constant("three", tensor1(&[3f32]));
    change_value(&mut three, |tensor| tensor.tensor_shape = Some(shape_of(&[1, 2, 2, 1])));
    let graph = graph().node(placeholder("x", &[1, 2, 2, 1])).node(three).node(op("Mul", "y", &["x", "three"]));
    let desk = Desk::new("repeated").with_graph(&graph).with_input(&[1.0, 2.0, 3.0, 4.0]);
    assert_eq!(desk.infer("1,2,2,1", "y"), [3.0, 6.0, 9.0, 12.0]);
}

#[test]
fn a_constant_may_store_its_bytes() {
    let mut half = constant("half", tensor1(&[0f32]));
    change_value(&mut half, |tensor| {
        tensor.float_val.clear();
        tensor.tensor_content = [0.5f32, 0.25].iter().flat_map(|value| value.to_le_bytes()).collect();
        tensor.tensor_shape = Some(shape_of(&[2]));
    });
    let graph = graph().node(placeholder("x", &[1, 2])).node(half).node(op("Mul", "y", &["x", "half"]));
    let desk = Desk::new("bytes").with_graph(&graph).with_input(&[4.0, 4.0]);
    assert_eq!(desk.infer("1,2", "y"), [2.0, 1.0]);
}

/// More bytes than a node may have to be decoded from a copy.
const LARGE: usize = 40_000;

#[test]
fn a_large_constant_is_read_as_a_small_one_is() {
    let values: Vec<f32> = (0..LARGE).map(|index| index as f32).collect();
    let graph = graph()
        .node(placeholder("x", &[1, 1]))
        .node(stored_constant("large", &[1, LARGE as i64], &values))
        .node(constant("small", tensor1(&[1f32])))
        .node(op("Mul", "product", &["x", "large"]))
        .node(op("Add", "y", &["product", "small"]));
    let desk = Desk::new("large").with_graph(&graph).with_input(&[2.0]);
    let expected: Vec<f32> = values.iter().map(|value| 2.0 * value + 1.0).collect();
    assert_eq!(desk.infer("1,1", "y"), expected);
}

#[test]
fn a_large_fully_connected_layer_is_a_product_with_its_weights() {
    let (rows, columns) = (4, 1 << 19);
    let weights: Vec<f32> = (0..rows * columns).map(|index| (index % 5) as f32).collect();
    let conv = op("Conv2D", "y", &["x", "weights"])
        .attr("strides", vec![1i64, 1, 1, 1])
        .attr("dilations", vec![1i64, 1, 1, 1])
        .attr("padding", "VALID")
        .attr("data_format", "NHWC");
    let graph = graph()
        .node(placeholder("x", &[-1, 2, 2, 1]))
        .node(stored_constant("weights", &[2, 2, 1, columns as i64], &weights))
        .node(conv);
    let input = [1.0, 2.0, 3.0, 4.0, -1.0, 0.0, 0.0, 1.0];
    let desk = Desk::new("dense").with_graph(&graph).with_input(&input);
    let expected = input.chunks(rows).flat_map(|x| {
        let weights = &weights;
        (0..columns).map(move |column| (0..rows).map(|row| x[row] * weights[row * columns + column]).sum::<f32>())
    });
    assert_eq!(desk.infer("2,2,2,1", "y"), expected.collect::<Vec<f32>>());
}
