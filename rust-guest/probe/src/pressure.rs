//! How contended the machine was meanwhile: pressure stall information (kernel: Documentation/accounting/psi.rst) and
//! the time that a hypervisor took away (proc(5): /proc/stat). Both are the whole machine's.

use std::fs;

use serde::Serialize;

/// Counters since boot, or their growth over a run; None where the kernel does not offer one.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize)]
pub struct Pressure {
    pub psi_cpu_us: Option<u64>,
    pub psi_io_us: Option<u64>,
    pub psi_memory_us: Option<u64>,
    pub steal_ns: Option<u64>,
}

impl Pressure {
    /// The counters as they are now.
    pub fn now() -> Self {
        let some_us = |resource: &str| some_us(&fs::read_to_string(format!("/proc/pressure/{resource}")).ok()?);
        Pressure {
            psi_cpu_us: some_us("cpu"),
            psi_io_us: some_us("io"),
            psi_memory_us: some_us("memory"),
            steal_ns: fs::read_to_string("/proc/stat").ok().and_then(|stat| steal_ns(&stat, ticks_per_second())),
        }
    }

    /// How far they have grown since `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        let grown = |now: Option<u64>, before: Option<u64>| now?.checked_sub(before?);
        Pressure {
            psi_cpu_us: grown(self.psi_cpu_us, earlier.psi_cpu_us),
            psi_io_us: grown(self.psi_io_us, earlier.psi_io_us),
            psi_memory_us: grown(self.psi_memory_us, earlier.psi_memory_us),
            steal_ns: grown(self.steal_ns, earlier.steal_ns),
        }
    }
}

/// Microseconds in which at least one task waited for the resource.
fn some_us(pressure: &str) -> Option<u64> {
    let some = pressure.lines().find_map(|line| line.strip_prefix("some "))?;
    some.split_whitespace().find_map(|field| field.strip_prefix("total="))?.parse().ok()
}

/// The eighth figure of the first line, in clock ticks, summed over all processors.
fn steal_ns(stat: &str, ticks_per_second: u64) -> Option<u64> {
    let ticks: u64 = stat.strip_prefix("cpu ")?.split_whitespace().nth(7)?.parse().ok()?;
    ticks.checked_mul(1_000_000_000u64.checked_div(ticks_per_second)?)
}

fn ticks_per_second() -> u64 {
    // SAFETY: a plain call.
    unsafe { libc::sysconf(libc::_SC_CLK_TCK) }.try_into().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_some_task_waited_is_read() {
        let text =
            "some avg10=0.00 avg60=0.10 avg300=1.00 total=1234\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9\n";
        assert_eq!(some_us(text), Some(1234));
        assert_eq!(some_us(""), None);
    }

    #[test]
    fn stolen_ticks_become_nanoseconds() {
        assert_eq!(steal_ns("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n", 100), Some(80_000_000));
        assert_eq!(steal_ns("cpu  1 2 3 4\n", 100), None);
    }

    #[test]
    fn growth_needs_both_ends() {
        let before = Pressure { psi_cpu_us: Some(5), psi_io_us: Some(5), psi_memory_us: None, steal_ns: Some(7) };
        let after = Pressure { psi_cpu_us: Some(9), psi_io_us: None, psi_memory_us: Some(1), steal_ns: Some(7) };
        let expected = Pressure { psi_cpu_us: Some(4), steal_ns: Some(0), ..Pressure::default() };
        assert_eq!(after.since(&before), expected);
    }
}
