//! Runs one command line, watches it, and reports what it took as one JSON line.
//!
//! ```text
//! probe [--timeout-ms N] [--output-limit BYTES] [--output-file FILE [--return-file] [--file-limit BYTES]] [--cwd DIR]
//!       -- COMMAND ARGUMENTS…
//! ```
//!
//! It exits 0 whenever it could report, whatever became of the command, and trusts nothing that it measures: see
//! README.md. It is small on purpose: a child's peak resident set starts from its parent's image.

mod args;
mod base64;
mod cgroup;
mod child;
mod hardening;
mod lines;
mod output_file;
mod pressure;
mod processes;
mod report;
mod rss;
mod signals;
mod watch;

use std::io::Write;
use std::process::exit;
use std::time::Instant;

use args::Args;
use cgroup::Cgroup;
use child::Child;
use output_file::Directory;
use pressure::Pressure;
use report::ProbeReport;
use signals::Signals;

const EXIT_NOT_REPORTED: i32 = 1;
const EXIT_BAD_ARGUMENTS: i32 = 2;

fn main() {
    let hardened = hardening::harden();
    let args = Args::parse(std::env::args_os().skip(1)).unwrap_or_else(|why| fail(EXIT_BAD_ARGUMENTS, &why));
    let nonce = args::nonce().unwrap_or_else(|why| fail(EXIT_BAD_ARGUMENTS, &why));
    let report = match hardened {
        Ok(()) => measure(&args).unwrap_or_else(ProbeReport::of_launch_error),
        Err(why) => ProbeReport::of_launch_error(format!("the probe can't be hardened: {why}")),
    };
    let mut line = serde_json::to_vec(&report.with_nonce(nonce)).expect("a report holds nothing that JSON can't");
    line.push(b'\n');
    if let Err(why) = std::io::stdout().write_all(&line) {
        fail(EXIT_NOT_REPORTED, &format!("the report can't be written: {why}"));
    }
}

/// Launches and watches the command, then reads what it left, once all of its processes are gone.
fn measure(args: &Args) -> Result<ProbeReport, String> {
    let signals = Signals::block().map_err(|why| format!("no signalfd: {why}"))?;
    let directory = Directory::open(args.cwd.as_deref()).map_err(|why| format!("the working directory: {why}"))?;
    let mut cgroup = Cgroup::own();
    let before = Pressure::now();
    let begin = Instant::now();
    let child =
        Child::launch(&args.command, args.cwd.as_deref()).map_err(|why| format!("{}: {why}", args.command[0]))?;
    let seen = watch::watch(child, begin, args, &signals, cgroup.as_mut());
    let pressure = Pressure::now().since(&before);
    let report = ProbeReport::from_watch(seen, cgroup.map(Cgroup::figures), pressure);
    Ok(match &args.output_file {
        Some(path) => report.with_file(directory.read(path, args.file_limit_bytes, args.return_file)),
        None => report,
    })
}

fn fail(code: i32, why: &str) -> ! {
    eprintln!("error: {why}");
    exit(code)
}
