//! What can't be run is refused in one line that says why, with an exit code that says whose fault it is.

mod common;

use common::{constant, op, placeholder, small_graph, Desk};
use tract_tensorflow::tfpb::graph;
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
