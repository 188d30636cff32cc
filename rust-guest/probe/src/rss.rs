//! The child's peak resident set, phase by phase (proc(5): VmHWM in /proc/PID/status, 5 into /proc/PID/clear_refs).

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;

/// VmHWM of one process, with both files held open: a reading costs one pread and one pwrite.
///
/// The guest runs on while it is read, so that a phase's peak holds the first microseconds of the next one.
#[derive(Debug)]
pub struct PeakRss {
    pid: i32,
    status: Option<File>,
    clear_refs: Option<File>,
}

impl PeakRss {
    /// Of the process `pid`; every figure is None where /proc can't be read.
    pub fn of(pid: i32) -> Self {
        PeakRss { pid, status: File::open(format!("/proc/{pid}/status")).ok(), clear_refs: None }
    }

    /// The peak in bytes since the last call. None if it has ended, or if an earlier peak can't be distinguished from a new one.
    pub fn take(&mut self) -> Option<u64> {
        let mut text = [0; 4096];
        let length = self.status.as_ref()?.read_at(&mut text, 0).ok()?;
        let peak = vm_hwm_bytes(std::str::from_utf8(&text[..length]).ok()?)?;
        if self.clear_refs().is_none_or(|file| file.write_at(b"5", 0).is_err()) {
            self.status = None;
        }
        Some(peak)
    }

    /// Opened at the first mark, not at launch: a child of a process that is not dumpable is root's until the end of
    /// its exec, which the kernel reports a moment before.
    fn clear_refs(&mut self) -> Option<&File> {
        if self.clear_refs.is_none() {
            self.clear_refs = OpenOptions::new().write(true).open(format!("/proc/{}/clear_refs", self.pid)).ok();
        }
        self.clear_refs.as_ref()
    }
}

/// A zombie's status has no such line.
fn vm_hwm_bytes(status: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kibibytes_become_bytes_and_a_zombie_has_none() {
        assert_eq!(vm_hwm_bytes("Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t    1234 kB\nVmRSS:\t 8 kB\n"), Some(1234 * 1024));
        assert_eq!(vm_hwm_bytes("Name:\tx\nState:\tZ (zombie)\n"), None);
    }

    #[test]
    fn a_peak_is_forgotten_once_it_was_taken() {
        const BYTES: usize = 64 << 20;
        let mut peak = PeakRss::of(std::process::id() as i32);
        peak.take().expect("this process has a peak");
        drop(std::hint::black_box(vec![1u8; BYTES]));
        let with = peak.take().expect("this process has a peak");
        let after = peak.take().expect("this process has a peak");
        assert!(with >= after + BYTES as u64 * 9 / 10, "{with} with the memory, {after} without");
    }
}
