//! Signals as something to poll: the child's end, and requests to end the probe itself (signalfd(2)).

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::{mem, ptr};

/// SIGCHLD, SIGTERM, SIGINT and SIGHUP, blocked and readable from a descriptor. A launched child gets a fresh mask.
#[derive(Debug)]
pub struct Signals(OwnedFd);

impl Signals {
    /// Blocks them from now on.
    pub fn block() -> io::Result<Self> {
        // SAFETY: plain calls on a set that lives on this stack.
        let fd = unsafe {
            let mut set: libc::sigset_t = mem::zeroed();
            libc::sigemptyset(&mut set);
            for signal in [libc::SIGCHLD, libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
                libc::sigaddset(&mut set, signal);
            }
            libc::sigprocmask(libc::SIG_BLOCK, &set, ptr::null_mut());
            libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
        };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it was just opened, and nobody else has it.
        Ok(Signals(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// To poll for input.
    pub fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// The next pending signal, if there is one.
    pub fn next(&self) -> Option<i32> {
        // SAFETY: the kernel fills whole structures of plain numbers.
        unsafe {
            let mut info: libc::signalfd_siginfo = mem::zeroed();
            let size = size_of_val(&info);
            let read = libc::read(self.fd(), ptr::from_mut(&mut info).cast(), size);
            (read == size as isize).then_some(info.ssi_signo as i32)
        }
    }
}
