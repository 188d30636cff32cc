//! A heap that was kept in one process gives another one a plan to infer with.

#[path = "../../infer/tests/common/mod.rs"]
mod common;

use common::{op, placeholder, small_graph, Desk};
use serde_json::Value;
use tract_tensorflow::tfpb::graph;

const KEEP: &str = "keep model.pb 1,2,2,1 y model.heap";
const RUN: &str = "model.heap --input input.f32 --shape 1,2,2,1 --outputs y --save out.f32";

fn kept(name: &str) -> Desk {
    let desk = Desk::new(name).with_graph(&small_graph()).with_input(&[0.0, 0.5, 1.0, -3.0]);
    let out = desk.run(KEEP);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    desk
}

fn refusal(desk: &Desk, line: &str) -> (Option<i32>, String) {
    let out = desk.run(line);
    (out.status.code(), String::from_utf8(out.stderr).unwrap())
}

#[test]
fn another_process_infers_without_loading() {
    let desk = kept("kept");
    let out = desk.run(&format!("{RUN} --iterations 3"));
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    let marks: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = marks.iter().map(|mark| mark["mark"].as_str().unwrap()).collect();
    assert_eq!(names, ["start", "read", "infer", "infer", "infer", "output"]);
    assert_eq!(desk.saved(), [0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn a_run_leaves_the_heap_as_it_was() {
    let desk = kept("unchanged");
    for _ in 0..2 {
        assert!(desk.run(RUN).status.success());
        assert_eq!(desk.saved(), [0.0, 0.0, 1.0, 0.0]);
    }
}

#[test]
fn what_is_no_heap_is_refused() {
    let desk = kept("no-heap").with_file("model.heap", b"a protobuf, say, which is longer than a header of a heap");
    assert_eq!(refusal(&desk, RUN), (Some(3), "error: model.heap: it is no kept heap\n".into()));
}

#[test]
fn a_heap_that_is_cut_short_is_refused() {
    let desk = kept("short");
    let whole = desk.read("model.heap");
    let desk = desk.with_file("model.heap", &whole[..whole.len() - 1]);
    assert_eq!(refusal(&desk, RUN), (Some(3), "error: model.heap: it is not whole\n".into()));
}

#[test]
fn a_heap_of_another_program_is_refused() {
    let desk = kept("another");
    let mut heap = desk.read("model.heap");
    heap[8] ^= 1;
    let desk = desk.with_file("model.heap", &heap);
    assert_eq!(refusal(&desk, RUN), (Some(3), "error: model.heap: it was kept by another program\n".into()));
}

#[test]
fn a_graph_that_the_plain_guest_refuses_is_not_kept() {
    let graph = graph().node(op("Dance", "y", &["x"])).node(placeholder("x", &[-1, 2, 2, 1]));
    let desk = Desk::new("refused").with_graph(&graph);
    let (code, why) = refusal(&desk, KEEP);
    assert_eq!(code, Some(3));
    assert!(why.contains("no operator Dance"), "{why}");
}

#[test]
fn keeping_takes_four_arguments() {
    let (code, why) = refusal(&Desk::new("arguments"), "keep model.pb 1,2,2,1");
    assert_eq!(code, Some(2));
    assert!(why.starts_with("error: usage: prepared keep MODEL SHAPE OUTPUTS HEAP"), "{why}");
}
