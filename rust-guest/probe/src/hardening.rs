//! What keeps the measured program out of the probe itself.

use std::io;
use std::os::fd::RawFd;

/// Closes the probe to every process of the same user, before one is launched.
///
/// - Not dumpable: `/proc/PID/{mem,fd,io,environ}` become root's, and ptrace is refused (prctl(2), ptrace(2)). exec
///   makes the child dumpable again.
/// - Child subreaper: what the command orphans becomes the probe's child, wherever it hides (prctl(2)).
/// - Descriptors inherited from whoever started the probe end at exec: the child gets its own three alone.
pub fn harden() -> io::Result<()> {
    // SAFETY: plain system calls.
    let failed = unsafe {
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) != 0
            || libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0
    };
    if failed {
        return Err(io::Error::last_os_error());
    }
    for fd in inherited()? {
        // SAFETY: a plain system call; the descriptor of the listing itself is closed by now, which does no harm.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    Ok(())
}

/// Every open descriptor beside the standard three.
fn inherited() -> io::Result<Vec<RawFd>> {
    let entries = std::fs::read_dir("/proc/self/fd")?;
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    Ok(numbers.filter(|fd| *fd > libc::STDERR_FILENO).collect())
}
