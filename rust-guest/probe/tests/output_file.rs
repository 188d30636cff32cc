//! The file that the command left: hashed, or refused with the reason, and never waited for.

mod common;

use std::fs;
use std::time::{Duration, Instant};

use common::{fixture, report, report_on_shell, Desk};
use serde_json::Value;

/// FIPS 180-2, appendix B.1: of "abc".
const SHA256_OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn report_on_file(desk: &Desk, options: &[&str], line: &str) -> Value {
    let options = [&["--cwd", desk.path(), "--output-file", "out/file"], options].concat();
    report_on_shell(&options, &format!("mkdir out; {line}"))
}

fn assert_refused(report: &Value, why: &str) {
    let error = report["file_error"].as_str().expect("a reason");
    assert!(error.contains(why), "{error}");
    assert!(report["file_sha256"].is_null() && report["file_bytes"].is_null() && report["output_base64"].is_null());
    assert_eq!(report["exit_code"], 0, "{report}");
}

#[test]
fn an_output_file_is_hashed_by_the_probe() {
    let report = report_on_file(&Desk::new("hashed"), &[], "printf abc > out/file");
    assert_eq!((&report["file_sha256"], &report["file_bytes"]), (&SHA256_OF_ABC.into(), &3.into()));
    assert!(report["file_error"].is_null() && report["output_base64"].is_null());
}

#[test]
fn an_output_file_is_returned_if_that_is_asked_for() {
    let report = report_on_file(&Desk::new("returned"), &["--return-file"], "printf foobar > out/file");
    assert_eq!((&report["output_base64"], &report["file_bytes"]), (&"Zm9vYmFy".into(), &6.into()));
}

#[test]
fn a_large_output_file_is_hashed_whole() {
    let desk = Desk::new("whole");
    let report = report_on_file(&desk, &[], "head -c 1000001 /dev/zero > out/file");
    // sha256sum's answer to `head -c 1000001 /dev/zero`.
    assert_eq!(report["file_sha256"], "d100b2cca5c3f0968350fa1143cc2fede7542a7101e1c8d85398206ddafc364e");
    assert_eq!(report["file_bytes"], 1_000_001);
}

#[test]
fn without_an_output_file_there_is_nothing_of_it() {
    let report = report_on_shell(&[], "true");
    for field in ["file_sha256", "file_bytes", "file_error", "output_base64"] {
        assert!(report[field].is_null(), "{field}");
    }
}

#[test]
fn a_missing_output_file_is_an_error_of_the_file_alone() {
    assert_refused(&report_on_file(&Desk::new("missing"), &[], "true"), "No such file");
}

#[test]
fn a_link_is_not_followed() {
    let desk = Desk::new("link");
    fs::write(desk.file("secret"), "secret").unwrap();
    assert_refused(&report_on_file(&desk, &["--return-file"], "ln -s ../secret out/file"), "symbolic link");
}

#[test]
fn a_link_in_place_of_a_directory_is_not_followed() {
    let desk = Desk::new("link-above");
    fs::create_dir(desk.file("elsewhere")).unwrap();
    fs::write(desk.file("elsewhere/file"), "secret").unwrap();
    let report = report_on_file(&desk, &["--return-file"], "rmdir out; ln -s elsewhere out");
    assert_refused(&report, "symbolic link");
}

#[test]
fn another_directory_in_place_of_the_working_directory_is_not_followed() {
    let desk = Desk::new("moved");
    fs::create_dir_all(desk.file("work/out")).unwrap();
    let (work, options) = (desk.file("work"), ["--output-file", "out/file", "--cwd"]);
    let line = "cd ..; mv work moved; mkdir -p work/out; echo other > work/out/file; printf abc > moved/out/file";
    let report = report_on_shell(&[&options[..], &[work.to_str().unwrap()]].concat(), line);
    assert_eq!(report["file_sha256"], SHA256_OF_ABC);
}

#[test]
fn a_fifo_is_not_waited_for() {
    let begin = Instant::now();
    assert_refused(&report_on_file(&Desk::new("fifo"), &[], "mkfifo out/file"), "no regular file: a FIFO");
    assert!(begin.elapsed() < Duration::from_secs(30), "it took {:?}", begin.elapsed());
}

#[test]
fn a_directory_and_a_socket_are_no_files() {
    assert_refused(&report_on_file(&Desk::new("directory"), &[], "mkdir out/file"), "no regular file: a directory");
    let desk = Desk::new("socket");
    fs::create_dir(desk.file("out")).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(desk.file("out/file")).unwrap();
    assert_refused(&report_on_file(&desk, &[], "true"), "no regular file: a socket");
}

#[test]
fn a_file_beyond_the_limit_is_refused_and_one_at_the_limit_is_not() {
    let (desk, limit) = (Desk::new("limit"), ["--return-file", "--file-limit", "3"]);
    let report = report_on_file(&desk, &limit, "printf abcd > out/file");
    assert_refused(&report, "4 bytes where at most 3 are taken");
    let report = report_on_file(&Desk::new("at-limit"), &limit, "printf abc > out/file");
    assert_eq!(report["file_sha256"], SHA256_OF_ABC);
}

#[test]
fn a_sparse_file_is_not_read_into_memory() {
    let report = report_on_file(&Desk::new("sparse"), &["--return-file"], "truncate -s 1T out/file");
    assert_refused(&report, "1099511627776 bytes where at most 67108864 are taken");
}

#[test]
fn the_hash_is_taken_once_nothing_can_change_the_file() {
    let line = "(trap '' TERM HUP; while :; do printf x >> out/file; done) & sleep 0.1; exit 0";
    let desk = Desk::new("writer");
    let report = report_on_file(&desk, &[], line);
    let bytes = fs::metadata(desk.file("out/file")).unwrap().len();
    assert_eq!(report["file_bytes"], bytes, "{}", report["file_error"]);
}

#[test]
fn the_fixture_leaves_outputs_of_every_kind() {
    let outputs = [
        (["fifo-output"].as_slice(), "a FIFO"),
        (&["link-output"], "symbolic link"),
        (&["huge-output"], "1073741824 bytes"),
    ];
    for (behaviour, why) in outputs {
        let desk = Desk::new(behaviour[0]);
        let command = [&[fixture()], behaviour, &["--save", "file"]].concat();
        let report = report(&["--cwd", desk.path(), "--output-file", "file", "--return-file"], &command);
        assert_refused(&report, why);
        assert_eq!(report["marks"].as_array().unwrap().len(), 7, "{report}");
    }
}

#[test]
fn a_hash_that_is_not_the_files_shows() {
    let claimed_and_found = |behaviour: &[&str]| {
        let desk = Desk::new(behaviour[0]);
        let command = [&[fixture()], behaviour, &["--save", "file"]].concat();
        let report = report(&["--cwd", desk.path(), "--output-file", "file"], &command);
        assert_eq!((&report["exit_code"], &report["file_bytes"]), (&0.into(), &64.into()), "{report}");
        (report["output_sha256"].as_str().unwrap().to_owned(), report["file_sha256"].as_str().unwrap().to_owned())
    };
    let (claimed, found) = claimed_and_found(&["wrong-result"]);
    assert_eq!(claimed, found, "an honest guest");
    let (claimed, found) = claimed_and_found(&["lie-hash", SHA256_OF_ABC]);
    assert_eq!(claimed, SHA256_OF_ABC);
    assert_ne!(claimed, found);
    let (claimed, found) = claimed_and_found(&["wrong"]);
    assert_ne!(claimed, found);
}
