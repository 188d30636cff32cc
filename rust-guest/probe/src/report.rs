//! The report: one JSON line, the wire format between the probe and the lab. A figure that could not be had is null.

use serde::Serialize;

use crate::cgroup::CgroupFigures;
use crate::child::{Ending, Rusage};
use crate::lines::PhaseMark;
use crate::watch::Seen;

/// Raised when a field changes its meaning or goes.
const SCHEMA: u32 = 1;

/// One run of one command line, measured. Times start when the command was launched.
#[derive(Debug, Serialize)]
pub struct ProbeReport {
    pub schema: u32,
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    pub timed_out: bool,
    pub output_limited: bool,
    pub total_ns: u64,
    pub marks: Vec<PhaseMark>,
    pub rusage: Option<Rusage>,
    /// The largest of all phases' peaks and of `ru_maxrss`, which each reset of VmHWM lowers.
    pub rss_peak_bytes: Option<u64>,
    pub cgroup: Option<CgroupFigures>,
    pub linear_memory_bytes: Option<u64>,
    pub output_sha256: Option<String>,
    pub output_base64: Option<String>,
    pub stdout_tail: String,
    pub stderr_tail: String,
    /// Why the command could not even be executed; every other figure is then meaningless.
    pub launch_error: Option<String>,
}

impl ProbeReport {
    /// The command was executed, and this is what was seen of it.
    pub fn from_watch(seen: Seen, cgroup: Option<CgroupFigures>) -> Self {
        let Ending { exit_code, signal, rusage } = seen.ending;
        let output = seen.output;
        let phase_peaks = output.marks.iter().filter_map(|mark| mark.rss_peak_bytes);
        let rss_peak_bytes = phase_peaks.chain([rusage.maxrss_bytes]).max();
        ProbeReport {
            schema: SCHEMA,
            exit_code,
            signal,
            timed_out: seen.timed_out,
            output_limited: seen.output_limited,
            total_ns: seen.total_ns,
            rss_peak_bytes,
            rusage: Some(rusage),
            cgroup,
            linear_memory_bytes: output.linear_memory_bytes,
            output_sha256: output.output_sha256,
            output_base64: None,
            stdout_tail: output.stdout_tail.text(),
            stderr_tail: output.stderr_tail.text(),
            marks: output.marks,
            launch_error: None,
        }
    }

    /// The command could not be executed.
    pub fn of_launch_error(why: String) -> Self {
        ProbeReport {
            schema: SCHEMA,
            exit_code: None,
            signal: None,
            timed_out: false,
            output_limited: false,
            total_ns: 0,
            marks: vec![],
            rusage: None,
            rss_peak_bytes: None,
            cgroup: None,
            linear_memory_bytes: None,
            output_sha256: None,
            output_base64: None,
            stdout_tail: String::new(),
            stderr_tail: String::new(),
            launch_error: Some(why),
        }
    }
}
