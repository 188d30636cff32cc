//! Runs one command line, watches it, and reports what it took as one JSON line.
//!
//! ```text
//! probe [--timeout-ms N] [--output-limit BYTES] [--ship FILE] [--cwd DIR] -- COMMAND ARGUMENTS…
//! ```
//!
//! It exits 0 whenever it could report, whatever became of the command. It is small on purpose: a child's peak
//! resident set starts from its parent's image.

mod args;
mod base64;
mod cgroup;
mod child;
mod lines;
mod report;
mod rss;
mod signals;
mod watch;

use std::fs;
use std::path::Path;
use std::process::exit;
use std::time::Instant;

use args::Args;
use cgroup::Cgroup;
use report::ProbeReport;

const EXIT_BAD_ARGUMENTS: i32 = 2;

fn main() {
    let args = Args::parse(std::env::args().skip(1)).unwrap_or_else(|why| {
        eprintln!("error: {why}");
        exit(EXIT_BAD_ARGUMENTS)
    });
    let report = measure(&args);
    let line = serde_json::to_string(&report).expect("a report holds nothing that JSON can't");
    println!("{line}");
}

fn measure(args: &Args) -> ProbeReport {
    let signals = match signals::Signals::block() {
        Ok(signals) => signals,
        Err(why) => return ProbeReport::of_launch_error(format!("no signalfd: {why}")),
    };
    let mut cgroup = Cgroup::own();
    let begin = Instant::now();
    let child = match child::Child::launch(&args.command, args.cwd.as_deref()) {
        Ok(child) => child,
        Err(why) => return ProbeReport::of_launch_error(format!("{}: {why}", args.command[0])),
    };
    let seen = watch::watch(child, begin, args, &signals, cgroup.as_mut());
    let mut report = ProbeReport::from_watch(seen, cgroup.map(|cgroup| cgroup.figures()));
    report.output_base64 = args.ship.as_deref().and_then(|file| ship(file, args.cwd.as_deref()));
    report
}

/// The file's bytes, if the command left one; a relative path starts where the command ran.
fn ship(file: &Path, cwd: Option<&Path>) -> Option<String> {
    let path = cwd.map_or_else(|| file.to_path_buf(), |cwd| cwd.join(file));
    fs::read(path).ok().map(|bytes| base64::encode(&bytes))
}
