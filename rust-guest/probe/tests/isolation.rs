//! Nothing that the probe measures can read it, write to it, end it, or speak in its name.

mod common;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use common::{contained, fixture, probe, report_of, wait_for_text, Desk};
use serde_json::Value;

const NONCE: &str = "c0ffee-0123456789";

/// The report on a command that runs as in a container, with a nonce in the probe's environment.
fn report_in_container(options: &[&str], command: &[&str]) -> Option<Value> {
    let mut probe = contained(options, command)?;
    probe.env("LAB_PROBE_NONCE", NONCE);
    Some(report_of(probe))
}

fn attempts(report: &Value) -> Vec<&str> {
    let said = report["stdout_tail"].as_str().unwrap();
    said.lines().filter(|line| line.starts_with("attempt ")).collect()
}

/// Every attempt of that behaviour was refused, and the trial went on to its end.
fn assert_all_refused(behaviour: &str, count: usize) {
    let Some(report) = report_in_container(&[], &[fixture(), behaviour]) else { return };
    let attempts = attempts(&report);
    assert_eq!(attempts.len(), count, "{report}");
    assert!(attempts.iter().all(|attempt| attempt.contains(": refused (")), "{attempts:#?}");
    assert_eq!((&report["exit_code"], &report["nonce"]), (&0.into(), &NONCE.into()));
}

#[test]
fn the_probe_can_not_be_traced_or_read() {
    assert_all_refused("ptrace-init", 7);
}

#[test]
fn the_probe_can_not_be_written_to_nor_its_report_forged() {
    assert_all_refused("write-mem-init", 4);
}

#[test]
fn no_inner_process_can_end_the_probe() {
    let Some(report) = report_in_container(&[], &[fixture(), "term-init"]) else { return };
    assert_eq!(attempts(&report).len(), 6, "{report}");
    assert_eq!((&report["exit_code"], &report["nonce"]), (&0.into(), &NONCE.into()));
}

#[test]
fn an_outer_process_can_end_the_probe() {
    let desk = Desk::new("outer");
    let line = format!("echo started > {}/started; exec sleep 600", desk.path());
    let Some(mut probe) = contained(&[], &["sh", "-c", &line]) else { return };
    let mut running = probe.stdout(Stdio::piped()).spawn().unwrap();
    wait_for_text(&desk.file("started"));
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", running.id())).unwrap();
    assert!(Command::new("kill").args(["-s", "TERM", children.trim()]).status().unwrap().success());
    let ended = running.wait().unwrap();
    assert_eq!((ended.code(), ended.signal()), (Some(143), None));
}

#[test]
fn the_nonce_is_in_the_report_and_nowhere_that_the_command_can_read() {
    // Its own environment; the probe's command line and environment; every descriptor that it has.
    let line = "env; tr '\\0' '\\n' < /proc/1/cmdline; cat /proc/1/environ; ls -l /proc/self/fd /proc/1/fd";
    let Some(report) = report_in_container(&[], &["sh", "-c", line]) else { return };
    assert_eq!(report["nonce"], NONCE);
    let (said, complained) = (report["stdout_tail"].as_str().unwrap(), report["stderr_tail"].as_str().unwrap());
    assert!(said.contains("/proc/1/environ") && !said.contains(NONCE), "{said}");
    assert!(complained.contains("/proc/1/environ: Permission denied"), "{complained}");
    assert!(complained.contains("/proc/1/fd"), "{complained}");
}

#[test]
fn the_nonce_is_in_the_report_of_a_command_that_can_not_be_started() {
    let mut probe = probe(&[], &["/nowhere/runtime"]);
    let report = report_of({
        probe.env("LAB_PROBE_NONCE", NONCE);
        probe
    });
    assert_eq!(report["nonce"], NONCE);
    assert!(report["launch_error"].is_string());
}

#[test]
fn without_a_nonce_there_is_none() {
    assert!(report_of(probe(&[], &["true"]))["nonce"].is_null());
}

#[test]
fn the_command_inherits_three_descriptors_and_no_more() {
    let line = format!("exec 7< /dev/null; exec {} -- ls /proc/self/fd", env!("CARGO_BIN_EXE_probe"));
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]);
    // The fourth is the listing's own.
    assert_eq!(report_of(shell)["stdout_tail"], "0\n1\n2\n3\n");
}

#[test]
fn a_hardened_probe_still_measures_memory_phase_by_phase() {
    const BYTES: u64 = 64 << 20;
    let command = [fixture(), "alloc", &BYTES.to_string(), "--iterations", "2"];
    let Some(report) = report_in_container(&[], &command) else { return };
    let peaks: Vec<(String, Option<u64>)> = report["marks"].as_array().unwrap().iter().map(peak).collect();
    let before = peaks.iter().find(|(name, _)| name == "optimise").and_then(|(_, peak)| *peak);
    let during = peaks.iter().find(|(name, _)| name == "infer").and_then(|(_, peak)| *peak);
    assert!(before.is_some_and(|peak| peak < BYTES / 4) && during.is_some_and(|peak| peak >= BYTES), "{peaks:?}");
    assert!(report["rss_peak_bytes"].as_u64().is_some_and(|peak| peak >= BYTES));
}

fn peak(mark: &Value) -> (String, Option<u64>) {
    (mark["name"].as_str().unwrap().to_owned(), mark["rss_peak_bytes"].as_u64())
}

#[test]
fn memory_is_measured_each_time_the_probe_runs() {
    // What of the child is root's changes hands at its exec: that race must not cost a figure.
    for _ in 0..20 {
        let Some(report) = report_in_container(&[], &[fixture(), "sleep", "5"]) else { return };
        let first: Vec<_> = report["marks"].as_array().unwrap().iter().take(1).map(peak).collect();
        assert!(matches!(first[..], [(_, Some(1..))]), "{report}");
    }
}

#[test]
fn a_harmful_behaviour_does_nothing_outside_of_a_sandbox() {
    for behaviour in ["term-init", "ptrace-init", "write-mem-init", "read-host", "oom", "forks"] {
        let report = report_of(probe(&["--timeout-ms", "20000"], &[fixture(), behaviour]));
        assert_eq!(report["exit_code"], 2, "{behaviour}: {report}");
        assert!(report["stderr_tail"].as_str().unwrap().contains("this does harm"));
    }
}

#[test]
fn what_an_ordinary_user_may_not_do_is_refused() {
    let desk = Desk::new("host");
    fs::write(desk.file("model.pb"), "read-host\n").unwrap();
    fs::set_permissions(desk.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    fs::set_permissions(desk.file("model.pb"), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let model = desk.file("model.pb");
    let Some(report) = report_in_container(&[], &[fixture(), model.to_str().unwrap()]) else { return };
    let attempts = attempts(&report);
    assert_eq!(attempts.len(), 12, "{report}");
    for name in ["read-environment", "raw-socket", "mount", "become-root", "make-device"] {
        let found = attempts.iter().find(|attempt| attempt.starts_with(&format!("attempt {name}: ")));
        assert!(found.is_some_and(|attempt| attempt.contains("refused")), "{attempts:#?}");
    }
}

#[test]
fn who_takes_the_probes_limits_away_can_silence_it_but_not_speak_in_its_name() {
    let Some(mut probe) = contained(&[], &[fixture(), "limit-init"]) else { return };
    let output = probe.env("LAB_PROBE_NONCE", NONCE).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.lines().all(|line| line.contains(NONCE)), "{said}");
    assert_eq!(output.status.success(), !said.is_empty(), "{output:?}");
}
