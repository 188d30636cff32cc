//! The probe, run on known programs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// The program of known behaviour, built by the cargo that runs these tests, next to them.
pub fn fixture() -> &'static str {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let path = PATH.get_or_init(|| {
        let tests = std::env::current_exe().expect("tests are a file");
        let profile = tests.ancestors().nth(2).expect("target/debug/deps/test");
        let target = profile.parent().expect("target/debug");
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--locked", "--package", "fixture", "--manifest-path"]).arg(manifest);
        let built = cargo.arg("--target-dir").arg(target).status().expect("cargo runs");
        assert!(built.success(), "cargo could not build the fixture");
        target.join("debug/fixture")
    });
    path.to_str().expect("a path of plain characters")
}

/// A command for the probe itself, its report not read yet.
pub fn probe(options: &[&str], command: &[&str]) -> Command {
    let mut probe = Command::new(env!("CARGO_BIN_EXE_probe"));
    probe.args(options).arg("--").args(command).stdin(Stdio::null());
    probe
}

/// The report on that command.
pub fn report(options: &[&str], command: &[&str]) -> Value {
    let output = probe(options, command).output().expect("the probe runs");
    assert!(output.status.success(), "the probe failed: {output:?}");
    let text = String::from_utf8(output.stdout).expect("a report is text");
    assert_eq!(text.lines().count(), 1, "one line: {text}");
    serde_json::from_str(&text).expect("a report is JSON")
}

/// The report on a line of shell.
#[allow(dead_code, reason = "each test file is a crate of its own")]
pub fn report_on_shell(options: &[&str], line: &str) -> Value {
    report(options, &["sh", "-c", line])
}
