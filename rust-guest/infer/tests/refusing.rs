//! What can't be run is refused in one line that says why, with an exit code that says whose fault it is.

mod common;

use common::{change_value, constant, op, placeholder, shape_of, small_graph, stored_constant, Desk};
use tract_tensorflow::tfpb::graph;
use tract_tensorflow::tfpb::tensorflow::{AttrValue, DataType, NodeDef, TensorProto};
use tract_tensorflow::tract_hir::prelude::*;

const LINE: &str = "model.pb --input input.f32 --shape 1,2,2,1 --outputs y";

fn whole_desk(name: &str) -> Desk {
    Desk::new(name).with_graph(&small_graph()).with_input(&[0.0; 4])
}

/// Runs it and returns exit code and the one line on standard error.
fn refusal(desk: &Desk, line: &str) -> (i32, String) {
    let out = desk.run(line);
    let text = String::from_utf8(out.stderr).unwrap();
    assert!(text.starts_with("error: ") && text.lines().count() == 1, "not one error line: {text}");
    let marks = String::from_utf8(out.stdout).unwrap();
    assert!(!marks.contains("output"), "a run that failed must have no output: {marks}");
    (out.status.code().unwrap(), text)
}

fn assert_refused(desk: &Desk, line: &str, code: i32, why: &str) {
    let (found, text) = refusal(desk, line);
    assert!(found == code && text.contains(why), "exit code {found}: {text}");
}

#[test]
fn bad_arguments_have_exit_code_2() {
    let desk = whole_desk("arguments");
    assert_refused(&desk, "model.pb", 2, "--input is missing");
    assert_refused(&desk, "model.pb --input input.f32 --shape 1,2,x --outputs y", 2, "expected positive whole numbers");
    assert_refused(&desk, &format!("{LINE} --iterations many"), 2, "expected a whole number");
}

#[test]
fn a_truncated_graph_is_refused() {
    let bytes = small_graph().write_to_bytes().unwrap();
    let desk = whole_desk("truncated").with_file("model.pb", &bytes[..bytes.len() - 9]);
    assert_refused(&desk, LINE, 3, "no whole GraphDef");
}

#[test]
fn an_empty_file_and_a_missing_one_are_refused() {
    let desk = whole_desk("empty").with_file("model.pb", b"");
    assert_refused(&desk, LINE, 3, "no nodes");
    assert_refused(&desk, &LINE.replace("model.pb", "none.pb"), 3, "none.pb: No such file");
}

#[test]
fn an_input_of_another_size_is_refused() {
    let desk = whole_desk("size").with_input(&[0.0; 5]);
    assert_refused(&desk, LINE, 3, "20 bytes where the shape [1, 2, 2, 1] takes 16");
}

#[test]
fn a_shape_that_the_graph_does_not_take_is_refused() {
    let desk = whole_desk("shape");
    assert_refused(&desk, &LINE.replace("1,2,2,1", "1,4,1,1"), 3, "the graph takes the shape [-1, 2, 2, 1]");
    assert_refused(&desk, &LINE.replace("1,2,2,1", "4"), 3, "the graph takes the shape [-1, 2, 2, 1]");
}

#[test]
fn an_output_that_is_not_in_the_graph_is_named() {
    assert_refused(&whole_desk("output"), &LINE.replace("s y", "s y,nowhere"), 3, "no node nowhere");
}

#[test]
fn an_operator_the_guest_lacks_is_named_with_its_node() {
    let graph = graph().node(placeholder("x", &[1, 2, 2, 1])).node(op("Erfinv", "y", &["x"]));
    let desk = whole_desk("operator").with_graph(&graph);
    assert_refused(&desk, LINE, 3, "y: this guest has no operator Erfinv");
}

#[test]
fn a_cycle_is_no_endless_loop() {
    let graph = graph().node(op("Identity", "a", &["y"])).node(op("Identity", "y", &["a"]));
    assert_refused(&whole_desk("cycle").with_graph(&graph), LINE, 3, "cycle");
}

#[test]
fn a_graph_without_placeholder_is_refused() {
    let graph = graph().node(constant("y", tensor1(&[1f32])));
    assert_refused(&whole_desk("constant").with_graph(&graph), LINE, 3, "expected one placeholder");
}

#[test]
fn shapes_that_do_not_go_together_are_refused() {
    let graph = graph().node(placeholder("x", &[1, 2, 2, 1])).node(constant("size", tensor1(&[3i32, 3]))).node(op(
        "Reshape",
        "y",
        &["x", "size"],
    ));
    let (code, text) = refusal(&whole_desk("reshape").with_graph(&graph), LINE);
    assert!(code == 3 && text.len() < 600, "exit code {code}: {text}");
}

/// Refuses a graph that multiplies its input with one float, after that change to the constant, and names it.
fn assert_constant_refused(name: &str, why: &str, change: impl Fn(&mut TensorProto)) {
    let mut factor = constant("factor", tensor1(&[1f32]));
    change_value(&mut factor, change);
    assert_factor_refused(name, factor, why);
}

fn assert_factor_refused(name: &str, factor: NodeDef, why: &str) {
    let graph = graph().node(placeholder("x", &[1, 2, 2, 1])).node(factor).node(op("Mul", "y", &["x", "factor"]));
    let desk = whole_desk(name).with_graph(&graph);
    assert_refused(&desk, LINE, 3, "factor");
    assert_refused(&desk, LINE, 3, why);
}

#[test]
fn a_constant_whose_bytes_wrap_around_is_refused() {
    // 4 (2^62 + 1) is 4 in 64 bits: without the check, that many floats are read out of four bytes.
    assert_constant_refused("wraps", "the shape [4611686018427387905] is impossible", |tensor| {
        tensor.tensor_shape = Some(shape_of(&[(1 << 62) + 1]));
        tensor.float_val.clear();
        tensor.tensor_content = vec![0; 4];
    });
    assert_constant_refused("wraps-factors", "is impossible", |tensor| {
        tensor.tensor_shape = Some(shape_of(&[1 << 33, 1 << 33]));
    });
}

#[test]
fn a_constant_of_negative_size_is_refused() {
    assert_constant_refused("negative", "the shape [-1] is impossible", |tensor| {
        tensor.tensor_shape = Some(shape_of(&[-1]));
    });
    assert_constant_refused("negatives", "the shape [-2, -2] is impossible", |tensor| {
        tensor.tensor_shape = Some(shape_of(&[-2, -2]));
        tensor.float_val = vec![0.0; 4];
    });
}

#[test]
fn a_constant_whose_bytes_do_not_fill_its_shape_is_refused() {
    for length in [1, 4, 12, 20] {
        let why = format!("{length} bytes where the shape [2, 2] takes 16");
        assert_constant_refused("bytes", &why, |tensor| {
            tensor.tensor_shape = Some(shape_of(&[2, 2]));
            tensor.tensor_content = vec![0; length];
        });
    }
}

#[test]
fn a_constant_whose_values_do_not_fill_its_shape_is_refused() {
    for length in [0, 2, 3, 5] {
        let why = format!("{length} values where the shape [2, 2] takes 4");
        assert_constant_refused("values", &why, |tensor| {
            tensor.tensor_shape = Some(shape_of(&[2, 2]));
            tensor.float_val = vec![0.0; length];
        });
    }
}

#[test]
fn one_value_for_a_shape_that_takes_all_memory_is_refused() {
    assert_constant_refused("memory", "the constants take more than", |tensor| {
        tensor.tensor_shape = Some(shape_of(&[1 << 20, 1 << 20]));
    });
}

#[test]
fn constants_that_take_too_much_memory_together_are_refused() {
    let mut graph = graph().node(placeholder("x", &[1, 2, 2, 1]));
    let mut inputs = vec!["x".to_string()];
    for i in 0..3 {
        let mut part = constant(&format!("part{i}"), tensor1(&[1f32]));
        // 32 MiB each, in a file of some hundred bytes.
        change_value(&mut part, |tensor| tensor.tensor_shape = Some(shape_of(&[1 << 23])));
        inputs.push(format!("part{i}"));
        graph = graph.node(part);
    }
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let desk = whole_desk("together").with_graph(&graph.node(op("ConcatV2", "y", &inputs)));
    assert_refused(&desk, LINE, 3, "the constants take more than");
}

#[test]
fn a_constant_without_shape_value_or_known_type_is_refused() {
    assert_constant_refused("shapeless", "its shape is missing", |tensor| tensor.tensor_shape = None);
    assert_constant_refused("text", "no constants of type DT_STRING", |tensor| {
        tensor.dtype = DataType::DtString as i32;
    });
    assert_constant_refused("untyped", "no type has the number 999", |tensor| tensor.dtype = 999);
    assert_factor_refused("valueless", op("Const", "factor", &[]), "the constant has no value");
    let mut factor = constant("factor", tensor1(&[1f32]));
    factor.attr.insert("value".into(), AttrValue { value: None });
    assert_factor_refused("empty-attribute", factor, "the attribute value has no value");
}

#[test]
fn two_nodes_of_one_name_are_refused() {
    let graph = small_graph().node(constant("bias", tensor1(&[7f32])));
    assert_refused(&whole_desk("doubled").with_graph(&graph), LINE, 3, "two nodes of the graph are named bias");
}

#[test]
fn a_negative_padding_is_refused() {
    let graph = graph()
        .node(placeholder("x", &[1, 2, 2, 1]))
        .node(constant("pads", tensor2(&[[0i32, 0], [-1, 0], [0, 0], [0, 0]])))
        .node(op("Pad", "y", &["x", "pads"]));
    assert_refused(&whole_desk("pads").with_graph(&graph), LINE, 3, "a padding of -1");
}

#[test]
fn a_large_constant_that_does_not_fill_its_shape_is_refused_as_a_small_one_is() {
    let values = vec![0f32; 40_000];
    for (shape, why) in [(39_999, "160000 bytes where the shape [39999] takes"), (-1, "the shape [-1] is impossible")] {
        assert_factor_refused("large", stored_constant("factor", &[shape], &values), why);
    }
}

#[test]
fn a_graph_that_ends_within_a_large_constant_is_refused() {
    let graph = graph()
        .node(stored_constant("factor", &[40_000], &vec![0f32; 40_000]))
        .node(placeholder("x", &[1, 2, 2, 1]))
        .node(op("Mul", "y", &["x", "factor"]));
    let bytes = graph.write_to_bytes().unwrap();
    for end in [100, 70_000, bytes.len() - 1] {
        let desk = whole_desk("torn").with_file("model.pb", &bytes[..end]);
        assert_refused(&desk, LINE, 3, "the model is no whole GraphDef");
    }
}
