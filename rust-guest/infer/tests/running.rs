//! What the guest prints and saves when all is well.

mod common;

use common::{constant, op, placeholder, small_graph, Desk};
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
fn a_handicap_makes_inference_slower_and_changes_no_output() {
    let desk = Desk::new("handicap").with_graph(&small_graph()).with_input(&[1.0; 4]);
    let line = "model.pb --input input.f32 --shape 1,2,2,1 --outputs y --save out.f32 --iterations 200 --handicap";
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
