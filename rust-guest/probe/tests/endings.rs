//! However a command ends, the report says so, and nothing of it is left.

mod common;

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{dies_soon, fixture, is_alive, probe, report, report_on_shell, wait_for_text};

#[test]
fn an_exit_code_is_reported_and_there_is_no_signal() {
    let report = report_on_shell(&[], "exit 7");
    assert_eq!((report["exit_code"].as_i64(), report["signal"].as_i64()), (Some(7), None));
    assert_eq!(report["schema"], 2);
    assert_eq!((&report["timed_out"], &report["output_limited"]), (&false.into(), &false.into()));
}

#[test]
fn a_crash_is_reported_as_its_signal() {
    let report = report(&[], &[fixture(), "abort"]);
    assert_eq!((report["exit_code"].as_i64(), report["signal"].as_i64()), (None, Some(6)));
}

#[test]
fn a_command_that_is_not_there_is_a_launch_error() {
    let report = report(&[], &["/nowhere/runtime"]);
    let why = report["launch_error"].as_str().expect("a launch error");
    assert!(why.contains("/nowhere/runtime") && why.contains("No such file"), "{why}");
    assert!(report["exit_code"].is_null() && report["rusage"].is_null());
}

#[test]
fn a_timeout_kills_the_whole_process_group() {
    let begin = Instant::now();
    let report = report_on_shell(&["--timeout-ms", "300"], "sleep 600 & echo $!; sleep 600");
    assert_eq!((report["timed_out"].as_bool(), report["signal"].as_i64()), (Some(true), Some(9)));
    assert!(begin.elapsed() < Duration::from_secs(60), "it took {:?}", begin.elapsed());
    assert!(report["total_ns"].as_u64().unwrap() >= 300_000_000);
    let background = report["stdout_tail"].as_str().unwrap().trim();
    assert!(dies_soon(background), "process {background} is left");
}

#[test]
fn a_command_within_its_time_did_not_time_out() {
    let report = report(&["--timeout-ms", "60000"], &[fixture(), "sleep", "1"]);
    assert_eq!((report["timed_out"].as_bool(), report["exit_code"].as_i64()), (Some(false), Some(0)));
}

#[test]
fn children_that_linger_are_killed_and_not_waited_for() {
    let begin = Instant::now();
    let report = report_on_shell(&[], "sleep 600 & echo $!");
    assert_eq!(report["exit_code"], 0);
    assert!(begin.elapsed() < Duration::from_secs(60), "it took {:?}", begin.elapsed());
    let background = report["stdout_tail"].as_str().unwrap().trim();
    assert!(dies_soon(background), "process {background} is left");
}

#[test]
fn endless_output_is_cut_short_and_its_end_is_kept() {
    let report = report(&["--output-limit", "100000"], &[fixture(), "flood"]);
    assert_eq!((report["output_limited"].as_bool(), report["signal"].as_i64()), (Some(true), Some(9)));
    let tail = report["stdout_tail"].as_str().unwrap();
    assert!(tail.len() <= 4096 && tail.contains("noise\nnoise\n"), "{} bytes", tail.len());
}

#[test]
fn errors_are_kept_apart_from_output() {
    let report = report_on_shell(&[], "echo fine; echo 'error: no' >&2; exit 3");
    assert_eq!((&report["stdout_tail"], &report["stderr_tail"]), (&"fine\n".into(), &"error: no\n".into()));
}

#[test]
fn a_probe_that_is_killed_takes_the_command_with_it() {
    for signal in ["TERM", "KILL"] {
        let pid_file = std::env::temp_dir().join(format!("probe-killed-{signal}-{}", std::process::id()));
        let line = format!("echo $$ > {}; exec sleep 600", pid_file.display());
        let mut running = probe(&[], &["sh", "-c", &line]).stdout(Stdio::piped()).spawn().unwrap();
        let pid = wait_for_text(&pid_file);
        assert!(is_alive(&pid));
        let killed = Command::new("kill").args(["-s", signal, &running.id().to_string()]).status().unwrap();
        assert!(killed.success() && !running.wait().unwrap().success());
        let mut said = String::new();
        running.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "", "an unfinished run must not look like a report");
        assert!(dies_soon(&pid), "SIG{signal} left process {pid}");
        std::fs::remove_file(pid_file).unwrap();
    }
}

#[test]
fn bad_arguments_are_an_error_with_a_code_of_their_own() {
    let output = Command::new(env!("CARGO_BIN_EXE_probe")).arg("--nonsense").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: "));
}
