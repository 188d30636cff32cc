//! Every process that the command started, wherever it went: killed and reaped.

use std::collections::HashMap;
use std::time::{Duration, Instant};
use std::{fs, io, mem, ptr};

/// How long the end of a run waits for killed processes to be gone: one that the kernel holds on to is left to it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether the probe is the first process of a pid namespace, as in a container.
pub fn is_init() -> bool {
    std::process::id() == 1
}

/// Kills whatever runs below the probe, in whichever group or session; `child` must not be reaped yet.
///
/// As first process of a pid namespace, one system call reaches all, and none can fork meanwhile (kill(2)). Elsewhere
/// the probe is a subreaper, so that all are its descendants: each call takes those that it finds.
pub fn kill_all(child: Option<i32>) {
    if is_init() {
        kill(-1);
        return;
    }
    if let Some(child) = child {
        // The group at once, before it can fork on.
        kill(-child);
    }
    for pid in descendants(std::process::id() as i32, &parents()) {
        kill(pid);
    }
}

/// Kills and reaps until nothing is left, so that no file changes afterwards.
pub fn end_all() {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match reap() {
            Ok(Some(_)) => continue,
            // ECHILD: all descendants were the probe's children in the end, and there is none.
            Err(_) => return,
            Ok(None) if Instant::now() > deadline => return,
            Ok(None) => kill_all(None),
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A process that ended, with its status and what it took (wait4(2)).
pub struct Reaped {
    pub pid: i32,
    pub status: i32,
    pub rusage: libc::rusage,
}

/// Reaps one process that has ended, the command or an orphan; None while all of them run, an error without any.
pub fn reap() -> io::Result<Option<Reaped>> {
    // SAFETY: the kernel fills both structures, which hold plain numbers.
    unsafe {
        let mut status = 0;
        let mut rusage: libc::rusage = mem::zeroed();
        match libc::wait4(-1, ptr::from_mut(&mut status), libc::WNOHANG | libc::__WALL, &mut rusage) {
            -1 => Err(io::Error::last_os_error()),
            0 => Ok(None),
            pid => Ok(Some(Reaped { pid, status, rusage })),
        }
    }
}

fn kill(pid: i32) {
    // SAFETY: a plain system call; one that is gone already is no harm.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}

/// The parent of every process there is.
fn parents() -> HashMap<i32, i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: i32| Some((pid, parent_in(&fs::read(format!("/proc/{pid}/stat")).ok()?)?))).collect()
}

/// The fourth field of /proc/PID/stat; the second one, the name, may hold anything (proc(5)).
fn parent_in(stat: &[u8]) -> Option<i32> {
    let after_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
    let fields = std::str::from_utf8(&stat[after_name..]).ok()?;
    fields.split_whitespace().nth(1)?.parse().ok()
}

/// All whose chain of parents leads to `root`.
fn descendants(root: i32, parents: &HashMap<i32, i32>) -> Vec<i32> {
    // A chain read while processes come and go may close on itself: no chain is longer than there are processes.
    let leads_to_root = |pid: &i32| {
        let mut chain = std::iter::successors(parents.get(pid), |parent| parents.get(parent));
        chain.by_ref().take(parents.len()).any(|parent| *parent == root)
    };
    parents.keys().copied().filter(leads_to_root).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_brackets_does_not_hide_the_parent() {
        assert_eq!(parent_in(b"77 (a) R 1 (b) S 42 77 77 0"), Some(42));
        assert_eq!(parent_in(b"77 (\xff) S 42 77"), Some(42));
        assert_eq!(parent_in(b""), None);
    }

    #[test]
    fn descendants_are_found_at_any_depth_and_a_loop_ends() {
        let parents = HashMap::from([(2, 1), (3, 2), (4, 3), (5, 1), (6, 7), (7, 6)]);
        let mut found = descendants(2, &parents);
        found.sort_unstable();
        assert_eq!(found, [3, 4]);
    }
}
