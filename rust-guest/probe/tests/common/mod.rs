//! The probe, run on known programs: as it is, or as in a container.
#![allow(dead_code, reason = "each test file is a crate of its own")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

/// The program of known behaviour, built by the cargo that runs these tests, where anybody may execute it: a checkout may
/// lie in a directory that only its owner can enter, and in a container the program runs as nobody.
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
        let place = std::env::temp_dir().join(format!("probe-fixture-{}", std::process::id()));
        fs::create_dir_all(&place).expect("a directory for the fixture");
        fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it is ours");
        fs::copy(target.join("debug/fixture"), place.join("fixture")).expect("the fixture was built");
        // SAFETY: the function lives as long as the program, and takes no lock that a test may hold.
        assert_eq!(unsafe { libc::atexit(remove_fixture) }, 0);
        place.join("fixture")
    });
    path.to_str().expect("a path of plain characters")
}

extern "C" fn remove_fixture() {
    let _ = fs::remove_dir_all(std::env::temp_dir().join(format!("probe-fixture-{}", std::process::id())));
}

/// A command for the probe itself, its report not read yet.
pub fn probe(options: &[&str], command: &[&str]) -> Command {
    let mut probe = Command::new(env!("CARGO_BIN_EXE_probe"));
    probe.args(options).arg("--").args(command).stdin(Stdio::null());
    probe
}

/// The same as in a container: the probe is process 1 of a pid namespace with its own /proc, no root, without any
/// capability. None, said loudly, where the kernel or a sandbox around these tests refuses that.
pub fn contained(options: &[&str], command: &[&str]) -> Option<Command> {
    static IS_POSSIBLE: OnceLock<bool> = OnceLock::new();
    let is_possible = IS_POSSIBLE.get_or_init(|| {
        let tried = in_namespaces().args(["--", fixture(), "exit", "0"]).output();
        let is_possible = tried.as_ref().is_ok_and(|output| output.status.success());
        if !is_possible {
            eprintln!("SKIPPED: no namespaces here, so nothing was tested of a probe that is process 1: {tried:?}");
        }
        is_possible
    });
    is_possible.then(|| {
        let mut probe = in_namespaces();
        probe.args(options).arg("--").args(command);
        probe
    })
}

/// Root becomes nobody, as in a container; anybody else stays who they are, in a user namespace that lets them make
/// the other namespaces.
fn in_namespaces() -> Command {
    let mut unshare = Command::new("unshare");
    unshare.args(["--pid", "--fork", "--kill-child", "--mount-proc"]).stdin(Stdio::null());
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if is_root {
        unshare.args(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]);
        unshare.args(["--bounding-set=-all", "--no-new-privs"]);
    } else {
        unshare.args(["--user", "--map-user=65534", "--map-group=65534"]);
    }
    unshare.arg(env!("CARGO_BIN_EXE_probe"));
    unshare
}

/// The one report that the probe printed.
pub fn report_of(mut probe: Command) -> Value {
    let output = probe.output().expect("the probe runs");
    assert!(output.status.success(), "the probe failed: {output:?}");
    let text = String::from_utf8(output.stdout).expect("a report is text");
    assert_eq!(text.lines().count(), 1, "one line: {text}");
    serde_json::from_str(&text).expect("a report is JSON")
}

/// The report on that command.
pub fn report(options: &[&str], command: &[&str]) -> Value {
    report_of(probe(options, command))
}

/// The report on a line of shell.
pub fn report_on_shell(options: &[&str], line: &str) -> Value {
    report(options, &["sh", "-c", line])
}

/// Whether it is there and no zombie.
pub fn is_alive(pid: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !status.is_empty() && !status.contains(") Z ")
}

/// A killed process may take a moment to go.
pub fn dies_soon(pid: &str) -> bool {
    let deadline = Instant::now() + Duration::from_secs(5);
    while is_alive(pid) && Instant::now() < deadline {
        sleep(Duration::from_millis(10));
    }
    !is_alive(pid)
}

/// Waits for a file's one line.
pub fn wait_for_text(path: &Path) -> String {
    for _ in 0..1000 {
        match fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().into(),
            _ => sleep(Duration::from_millis(10)),
        }
    }
    panic!("nothing in {}", path.display());
}

/// A directory of its own, for anybody to write to, removed at the end.
pub struct Desk(PathBuf);

impl Desk {
    pub fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("probe-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        Desk(dir)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().expect("a path of plain characters")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
