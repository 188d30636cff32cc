//! Figures of programs whose figures are known.

mod common;

use common::{fixture, report, report_on_shell};
use serde_json::Value;

const MEBIBYTE: u64 = 1 << 20;

fn marks(report: &Value) -> &Vec<Value> {
    report["marks"].as_array().expect("marks are a list")
}

fn mark<'a>(report: &'a Value, name: &str) -> &'a Value {
    marks(report).iter().find(|mark| mark["name"] == name).unwrap_or_else(|| panic!("no mark {name}"))
}

fn ns(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no whole number: {value}"))
}

#[test]
fn known_memory_is_found_within_three_percent() {
    let bytes = 256 * MEBIBYTE;
    let report = report(&[], &[fixture(), "alloc", &bytes.to_string()]);
    let peak = ns(&report["rss_peak_bytes"]);
    // The program itself takes some 2 MiB: they are inside of the three percent.
    assert!(peak >= bytes && peak - bytes <= bytes * 3 / 100, "{peak} for {bytes}");
}

#[test]
fn memory_belongs_to_the_phase_that_took_it() {
    let bytes = 256 * MEBIBYTE;
    // A second iteration keeps it alive while the mark of the first is read.
    let report = report(&[], &[fixture(), "alloc", &bytes.to_string(), "--iterations", "2"]);
    let before = ns(&mark(&report, "start")["rss_peak_bytes"]);
    let during = ns(&mark(&report, "infer")["rss_peak_bytes"]);
    assert!(before < 16 * MEBIBYTE, "{before} before it");
    assert!(during >= bytes, "{during} while it had it");
    // It may be gone before its last mark is read: then that figure is absent.
    let after = mark(&report, "output")["rss_peak_bytes"].as_u64();
    assert!(after.is_none_or(|after| after < 16 * MEBIBYTE), "{after:?} after it");
}

#[test]
fn the_peak_of_a_child_of_the_command_counts() {
    let bytes = 64 * MEBIBYTE;
    let report = report_on_shell(&[], &format!("{} alloc {bytes}; true", fixture()));
    assert!(ns(&report["rss_peak_bytes"]) >= bytes);
}

#[test]
fn known_time_is_found() {
    let report = report(&[], &[fixture(), "spin", "300"]);
    let total = ns(&report["total_ns"]);
    // Other work on the machine can make it longer, never shorter.
    assert!((300_000_000..3_000_000_000).contains(&total), "{total} for 300 ms");
    let cpu = ns(&report["rusage"]["user_ns"]) + ns(&report["rusage"]["system_ns"]);
    assert!(cpu > 50_000_000 && cpu <= total + 20_000_000, "{cpu} of processor time in {total}");
}

#[test]
fn waiting_takes_time_and_no_processor() {
    let report = report(&[], &[fixture(), "sleep", "300"]);
    assert!(ns(&report["total_ns"]) >= 300_000_000);
    assert!(ns(&report["rusage"]["user_ns"]) < 100_000_000);
    assert!(ns(&report["rusage"]["voluntary_switches"]) >= 1);
}

#[test]
fn marks_arrive_in_order_and_within_the_run() {
    let report = report(&[], &[fixture(), "sleep", "50", "--iterations", "3"]);
    let names: Vec<&str> = marks(&report).iter().map(|mark| mark["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["start", "read", "decode", "build", "optimise", "infer", "infer", "infer", "output"]);
    let mut seen: Vec<u64> = marks(&report).iter().map(|mark| ns(&mark["seen_ns"])).collect();
    seen.push(ns(&report["total_ns"]));
    assert!(seen.is_sorted(), "{seen:?}");
    assert!(mark(&report, "start")["guest_ns"].is_null());
}

#[test]
fn a_mark_is_seen_when_it_is_written() {
    let report = report(&[], &[fixture(), "sleep", "200"]);
    let waited = ns(&mark(&report, "infer")["seen_ns"]) - ns(&mark(&report, "optimise")["seen_ns"]);
    let guest = ns(&mark(&report, "infer")["guest_ns"]);
    assert!(guest >= 200_000_000);
    assert!(waited.abs_diff(guest) < 100_000_000, "{waited} by the probe, {guest} by the guest");
}

#[test]
fn what_the_guest_says_of_its_output_is_passed_on() {
    let said = r#"{"mark":"output","ns":5,"sha256":"abc","linear_memory_bytes":131072}"#;
    let report = report(&[], &["echo", said]);
    assert_eq!((&report["output_sha256"], &report["linear_memory_bytes"]), (&"abc".into(), &131072.into()));
    assert_eq!(report["stdout_tail"], "");
}

#[test]
fn a_fixture_in_place_of_a_guest_takes_its_behaviour_from_its_model() {
    let file = std::env::temp_dir().join(format!("probe-model-{}", std::process::id()));
    std::fs::write(&file, "exit 5\n").unwrap();
    let report = report(&[], &[fixture(), file.to_str().unwrap(), "--shape", "1,2"]);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(report["exit_code"], 5);
}

#[test]
fn cgroup_figures_name_their_version_where_there_is_a_cgroup() {
    let report = report(&[], &["true"]);
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert_eq!(report["cgroup"].is_null(), !mounts.contains(" - cgroup"), "{}", report["cgroup"]);
    if let Some(version) = report["cgroup"]["version"].as_u64() {
        assert!(version == 1 || version == 2);
    }
}

#[test]
fn pressure_is_reported_where_the_kernel_offers_it() {
    let report = report(&[], &[fixture(), "spin", "50"]);
    for resource in ["cpu", "io", "memory"] {
        let is_offered = std::fs::read_to_string(format!("/proc/pressure/{resource}")).is_ok();
        let waited_us = report[format!("psi_{resource}_us")].as_u64();
        assert_eq!(waited_us.is_some(), is_offered, "{resource}");
        // A resource can't be waited for longer than the run took, and the reading of it.
        assert!(waited_us.is_none_or(|us| us * 1000 < ns(&report["total_ns"]) + 1_000_000_000), "{resource}");
    }
    assert!(report["steal_ns"].is_u64());
}
