//! Signals as something to poll: the child's end, and requests to end the probe itself (signalfd(2)).

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::{mem, ptr};

use crate::processes::is_init;

/// SIGCHLD, SIGTERM, SIGINT and SIGHUP, blocked and readable from a descriptor. A launched child gets a fresh mask.
#[derive(Debug)]
pub struct Signals(OwnedFd);

/// One signal, and who sent it.
#[derive(Debug)]
struct Signal {
    number: i32,
    /// How it was sent (sigaction(2): `si_code`).
    code: i32,
    /// As this pid namespace knows the sender; 0 for one that is outside of it.
    sender: u32,
}

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

    /// Takes all pending signals; returns the first that asks the probe to end and may do so.
    pub fn request_to_end(&self) -> Option<i32> {
        let asks = |signal: &Signal| signal.number != libc::SIGCHLD && (!is_init() || signal.is_from_outside());
        let mut request = None;
        while let Some(signal) = self.next() {
            request = request.or(Some(signal).filter(asks).map(|signal| signal.number));
        }
        request
    }

    /// The next pending signal, if there is one.
    fn next(&self) -> Option<Signal> {
        // SAFETY: the kernel fills whole structures of plain numbers.
        unsafe {
            let mut info: libc::signalfd_siginfo = mem::zeroed();
            let size = size_of_val(&info);
            let read = libc::read(self.fd(), ptr::from_mut(&mut info).cast(), size);
            let signal = Signal { number: info.ssi_signo as i32, code: info.ssi_code, sender: info.ssi_pid };
            (read == size as isize).then_some(signal)
        }
    }
}

impl Signal {
    /// Whether it comes from an ancestor pid namespace or from the kernel. Only these two codes can't be claimed by a
    /// sender: sigqueue(3) lets a process name any sender, and F_SETSIG (fcntl(2)) names none.
    fn is_from_outside(&self) -> bool {
        (self.code == libc::SI_USER && self.sender == 0) || self.code == libc::SI_KERNEL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of <asm-generic/siginfo.h>; libc lacks it.
    const POLL_IN: i32 = 1;

    #[test]
    fn only_what_no_inner_process_can_claim_is_from_outside() {
        let is_outside = |code, sender| Signal { number: libc::SIGTERM, code, sender }.is_from_outside();
        assert!(is_outside(libc::SI_USER, 0) && is_outside(libc::SI_KERNEL, 0));
        assert!(!is_outside(libc::SI_USER, 7));
        assert!(!is_outside(libc::SI_QUEUE, 0), "sigqueue names any sender");
        assert!(!is_outside(POLL_IN, 0), "F_SETSIG names none");
    }
}
