//! The report: one JSON line, the wire format between the probe and the lab. A figure that could not be had is null.
//! README.md says what each field means.

use serde::Serialize;

use crate::cgroup::CgroupFigures;
use crate::child::{Ending, Rusage};
use crate::lines::PhaseMark;
use crate::output_file::Contents;
use crate::pressure::Pressure;
use crate::watch::Seen;

/// Raised when a field changes its meaning or goes.
const SCHEMA: u32 = 2;

/// One run of one command line, measured. Times start when the command was launched.
#[derive(Debug, Default, Serialize)]
pub struct ProbeReport {
    pub schema: u32,
    pub nonce: Option<String>,
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
    #[serde(flatten)]
    pub pressure: Pressure,
    pub linear_memory_bytes: Option<u64>,
    /// As the guest says; `file_sha256` is what the probe found.
    pub output_sha256: Option<String>,
    pub output_base64: Option<String>,
    pub file_sha256: Option<String>,
    pub file_bytes: Option<u64>,
    pub file_error: Option<String>,
    pub stdout_tail: String,
    pub stderr_tail: String,
    /// Why the command could not even be executed; every other figure is then meaningless.
    pub launch_error: Option<String>,
}

impl ProbeReport {
    /// The command was executed, and this is what was seen of it.
    pub fn from_watch(seen: Seen, cgroup: Option<CgroupFigures>, pressure: Pressure) -> Self {
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
            pressure,
            linear_memory_bytes: output.linear_memory_bytes,
            output_sha256: output.output_sha256,
            stdout_tail: output.stdout_tail.text(),
            stderr_tail: output.stderr_tail.text(),
            marks: output.marks,
            ..ProbeReport::default()
        }
    }

    /// The command could not be executed.
    pub fn of_launch_error(why: String) -> Self {
        ProbeReport { schema: SCHEMA, launch_error: Some(why), ..ProbeReport::default() }
    }

    /// Adds what became of the output file.
    pub fn with_file(self, file: Result<Contents, String>) -> Self {
        match file {
            Ok(Contents { sha256, bytes, base64 }) => {
                ProbeReport { file_sha256: Some(sha256), file_bytes: Some(bytes), output_base64: base64, ..self }
            }
            Err(why) => ProbeReport { file_error: Some(why), ..self },
        }
    }

    /// Adds what proves it to be the probe's.
    pub fn with_nonce(self, nonce: Option<String>) -> Self {
        ProbeReport { nonce, ..self }
    }
}
