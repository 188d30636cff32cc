//! Limits reach every process that the command started, and the probe's own memory stays bounded.

mod common;

use std::fs;
use std::time::{Duration, Instant};

use common::{contained, dies_soon, fixture, probe, report, report_of, report_on_shell, Desk};
use serde_json::Value;

/// The processes that the fixture says it started.
fn escaped(report: &Value) -> Vec<&str> {
    let lines = report["stdout_tail"].as_str().unwrap().lines();
    lines.filter_map(|line| line.strip_prefix("escaped ")).collect()
}

/// Within a second of a timeout of one; the probe's own start and end get more, for a machine that is busy.
fn assert_ended_in_time(report: &Value, begin: Instant) {
    assert!(report["total_ns"].as_u64().unwrap() < 2_000_000_000, "{report}");
    assert!(begin.elapsed() < Duration::from_secs(5), "it took {:?}", begin.elapsed());
}

#[test]
fn who_leaves_the_group_or_the_session_is_dead_after_the_timeout() {
    let begin = Instant::now();
    let report = report(&["--timeout-ms", "1000"], &[fixture(), "escape-group"]);
    assert_ended_in_time(&report, begin);
    assert_eq!((report["timed_out"].as_bool(), report["signal"].as_i64()), (Some(true), Some(9)));
    let escaped = escaped(&report);
    assert_eq!(escaped.len(), 3, "{report}");
    assert!(escaped.into_iter().all(dies_soon), "{report}");
}

#[test]
fn who_leaves_the_group_or_the_session_is_dead_after_the_timeout_in_a_container() {
    let Some(probe) = contained(&["--timeout-ms", "1000"], &[fixture(), "escape-group"]) else { return };
    let begin = Instant::now();
    let report = report_of(probe);
    assert_ended_in_time(&report, begin);
    assert_eq!((report["timed_out"].as_bool(), report["signal"].as_i64()), (Some(true), Some(9)));
    assert_eq!(escaped(&report).len(), 3, "{report}");
}

#[test]
fn who_leaves_the_session_is_dead_when_the_command_has_ended() {
    let report = report_on_shell(&[], "setsid sh -c 'echo $$; exec sleep 600' & sleep 0.2");
    let session = report["stdout_tail"].as_str().unwrap().trim();
    assert!(!session.is_empty() && dies_soon(session), "process {session} is left");
}

#[test]
fn many_processes_are_dead_after_the_timeout() {
    let begin = Instant::now();
    let report = report(&["--timeout-ms", "1000"], &[fixture(), "forks", "200"]);
    assert_ended_in_time(&report, begin);
    assert_eq!(report["timed_out"], true);
    assert_eq!(report["stdout_tail"], "forked 200\n");
}

#[test]
fn a_program_deaf_to_requests_is_dead_after_the_timeout() {
    let report = report(&["--timeout-ms", "300"], &[fixture(), "hang"]);
    assert_eq!((report["timed_out"].as_bool(), report["signal"].as_i64()), (Some(true), Some(9)));
}

#[test]
fn orphans_are_reaped_while_the_command_runs() {
    // Each inner shell leaves a process behind that ends at once.
    let line = "for i in 1 2 3 4 5 6 7 8; do sh -c 'sleep 0.05 &'; done; sleep 0.5; \
                grep -l '^State:.Z' /proc/[0-9]*/status | wc -l";
    let Some(probe) = contained(&[], &["sh", "-c", line]) else { return };
    assert_eq!(report_of(probe)["stdout_tail"], "0\n");
}

#[test]
fn too_many_marks_are_too_much_output() {
    let line = r#"yes '{"mark":"infer","ns":1}' | head -n 150000"#;
    let report = report_on_shell(&["--output-limit", "1000000000"], line);
    assert_eq!(report["output_limited"], true);
    assert_eq!(report["marks"].as_array().unwrap().len(), 100_000);
}

#[test]
fn a_flood_takes_no_memory_of_the_probe() {
    let desk = Desk::new("flood");
    let out = fs::File::create(desk.file("report")).unwrap();
    // Endless lines, endless marks and endless noise.
    let line = r#"(yes '{"mark":"infer","ns":1,"sha256":"x"}' | head -n 300000); tr '\0' x < /dev/zero | head -c 50000000;
                  yes | head -c 50000000 >&2"#;
    let mut running = probe(&["--output-limit", "1000000000"], &["sh", "-c", line]).stdout(out).spawn().unwrap();
    let status = format!("/proc/{}/status", running.id());
    let mut peak_kib = 0;
    while running.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak_kib = peak.unwrap_or(peak_kib);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!((1..64 * 1024).contains(&peak_kib), "{peak_kib} KiB");
}

#[test]
fn garbage_makes_a_report_like_any_other() {
    let report = report(&[], &[fixture(), "garbage"]);
    assert_eq!((&report["exit_code"], &report["marks"]), (&0.into(), &Value::Array(vec![])));
    assert!(report["stdout_tail"].as_str().unwrap().contains('\u{fffd}'));
}

#[test]
fn marks_that_can_not_be_are_passed_on_as_they_are() {
    let marks = |kind: &str| {
        let report = report(&[], &[fixture(), "lie-phases", kind]);
        report["marks"].as_array().unwrap().iter().map(|m| (m["name"].to_string(), m["guest_ns"].as_u64())).collect()
    };
    let names = |kind: &str| {
        let marks: Vec<(String, Option<u64>)> = marks(kind);
        marks.into_iter().map(|(name, _)| name.replace('"', "")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names("missing"), "start read decode build optimise output");
    assert_eq!(names("reordered"), "start infer optimise build decode read output");
    assert_eq!(names("repeated"), "start read decode build optimise infer infer output");
    assert_eq!(marks("overflow")[5].1, Some(u64::MAX));
    assert_eq!(marks("longer")[5].1, Some(3_600_000_000_000));
}
