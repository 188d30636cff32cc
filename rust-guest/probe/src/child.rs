//! The measured process: launched in a process group of its own, reaped with its figures.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Serialize;

use crate::args::NONCE_VARIABLE;
use crate::processes;

/// A launched process, not yet reaped.
#[derive(Debug)]
pub struct Child {
    pub pid: i32,
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
}

/// How it ended, and what it took (wait4(2)).
#[derive(Debug)]
pub struct Ending {
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    pub rusage: Rusage,
}

/// wait4's figures.
#[derive(Debug, Serialize)]
pub struct Rusage {
    pub maxrss_bytes: u64,
    pub user_ns: u64,
    pub system_ns: u64,
    pub minor_faults: u64,
    pub major_faults: u64,
    pub voluntary_switches: u64,
    pub involuntary_switches: u64,
}

impl Child {
    /// Executes the command with nothing on standard input; returns after exec.
    pub fn launch(command: &[String], cwd: Option<&Path>) -> io::Result<Self> {
        let mut launcher = Command::new(&command[0]);
        launcher.args(&command[1..]).process_group(0).env_remove(NONCE_VARIABLE);
        launcher.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(cwd) = cwd {
            launcher.current_dir(cwd);
        }
        // SAFETY: prctl is a plain system call; nothing is allocated between fork and exec.
        unsafe { launcher.pre_exec(die_with_the_probe) };
        let mut child = launcher.spawn()?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(io::Error::other("no pipes"));
        };
        let child = Child { pid: child.id() as i32, stdout: stdout.into(), stderr: stderr.into() };
        set_nonblocking(child.stdout.as_raw_fd())?;
        set_nonblocking(child.stderr.as_raw_fd())?;
        Ok(child)
    }

    /// How it ended, if it has. Orphans that ended meanwhile are reaped too: as zombies they would count against the
    /// container's limit of processes.
    pub fn try_reap(&self) -> Option<Ending> {
        loop {
            let reaped = processes::reap().ok()??;
            if reaped.pid == self.pid {
                let status = reaped.status;
                let exit_code = libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
                let signal = libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status));
                return Some(Ending { exit_code, signal, rusage: reaped.rusage.into() });
            }
        }
    }
}

/// A probe that is killed leaves nothing running.
fn die_with_the_probe() -> io::Result<()> {
    // SAFETY: a plain system call.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    Ok(())
}

fn set_nonblocking(fd: RawFd) -> io::Result<()> {
    // SAFETY: plain system calls on a descriptor that is ours.
    let set = unsafe { libc::fcntl(fd, libc::F_SETFL, libc::fcntl(fd, libc::F_GETFL) | libc::O_NONBLOCK) };
    if set < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

impl From<libc::rusage> for Rusage {
    fn from(raw: libc::rusage) -> Self {
        let ns = |time: libc::timeval| time.tv_sec as u64 * 1_000_000_000 + time.tv_usec as u64 * 1_000;
        Rusage {
            // Linux counts it in kibibytes (getrusage(2)).
            maxrss_bytes: raw.ru_maxrss as u64 * 1024,
            user_ns: ns(raw.ru_utime),
            system_ns: ns(raw.ru_stime),
            minor_faults: raw.ru_minflt as u64,
            major_faults: raw.ru_majflt as u64,
            voluntary_switches: raw.ru_nvcsw as u64,
            involuntary_switches: raw.ru_nivcsw as u64,
        }
    }
}
