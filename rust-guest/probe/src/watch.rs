//! From launch to end: reads what the command writes, takes its peaks, keeps to its limits.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::process::exit;
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::cgroup::Cgroup;
use crate::child::{Child, Ending};
use crate::lines::Output;
use crate::processes;
use crate::rss::PeakRss;
use crate::signals::Signals;

/// Larger than any guest's line; small enough to cost nothing.
const BUFFER_BYTES: usize = 8 * 1024;

/// How often the cgroup's memory parts are sampled while nothing happens: it takes some 50 µs, so 0.02 % of the time.
const SAMPLE_EVERY: Duration = Duration::from_millis(250);

/// All that was seen of one run.
#[derive(Debug)]
pub struct Seen {
    pub ending: Ending,
    pub total_ns: u64,
    pub timed_out: bool,
    pub output_limited: bool,
    pub output: Output,
}

/// Watches `child`, launched at `begin`, until it has ended and all that it started is gone.
pub fn watch(child: Child, begin: Instant, args: &Args, signals: &Signals, cgroup: Option<&mut Cgroup>) -> Seen {
    let rss = PeakRss::of(child.pid);
    let limit = args.output_limit_bytes;
    let mut watch = Watch {
        child,
        begin,
        rss,
        cgroup,
        output: Output::default(),
        budget: limit,
        output_limited: false,
        end_ns: u64::MAX,
    };
    let (ending, timed_out, total_ns) = watch.until_the_end(args.timeout, signals);
    processes::end_all();
    watch.drain();
    watch.output.finish(total_ns);
    Seen { ending, total_ns, timed_out, output_limited: watch.output_limited, output: watch.output }
}

struct Watch<'a> {
    child: Child,
    begin: Instant,
    rss: PeakRss,
    cgroup: Option<&'a mut Cgroup>,
    output: Output,
    /// Bytes that may still be written.
    budget: u64,
    output_limited: bool,
    /// No later than this was anything written.
    end_ns: u64,
}

#[derive(Clone, Copy)]
enum Stream {
    Stdout,
    Stderr,
}

impl Watch<'_> {
    fn until_the_end(&mut self, timeout: Option<Duration>, signals: &Signals) -> (Ending, bool, u64) {
        let mut timed_out = false;
        let mut open = [self.child.stdout.as_raw_fd(), self.child.stderr.as_raw_fd()];
        loop {
            timed_out |= timeout.is_some_and(|timeout| self.begin.elapsed() >= timeout);
            if timed_out || self.output_limited {
                // Each time: something may have been forked while the others were killed.
                self.kill_all();
            }
            let left = timeout.filter(|_| !timed_out).map(|timeout| timeout.saturating_sub(self.begin.elapsed()));
            let wait = left.map_or(SAMPLE_EVERY, |left| left.min(SAMPLE_EVERY));
            let [signal, stdout, stderr] = poll([signals.fd(), open[0], open[1]], wait);
            let now = self.elapsed_ns();
            // What is read beside the news of the end was written before it.
            self.end_ns = if signal { now } else { u64::MAX };
            if ![signal, stdout, stderr].contains(&true) {
                self.sample_cgroup();
            }
            // Marks first: they were written before the end that a signal reports.
            if stdout && !self.read(Stream::Stdout) {
                open[0] = -1;
            }
            if stderr && !self.read(Stream::Stderr) {
                open[1] = -1;
            }
            if signal {
                self.obey(signals);
                if let Some(ending) = self.child.try_reap() {
                    return (ending, timed_out, now);
                }
            }
        }
    }

    /// Asked to end, the probe leaves nothing behind, and reports nothing.
    fn obey(&self, signals: &Signals) {
        if let Some(signal) = signals.request_to_end() {
            self.kill_all();
            processes::end_all();
            exit(128 + signal);
        }
    }

    fn kill_all(&self) {
        processes::kill_all(Some(self.child.pid));
    }

    /// What was written before the end is in the pipes still; whoever outlived the killing may write on for ever.
    fn drain(&mut self) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            while self.read(stream) && !self.output_limited && poll([self.fd(stream)], Duration::ZERO)[0] {}
        }
    }

    fn fd(&self, stream: Stream) -> RawFd {
        match stream {
            Stream::Stdout => self.child.stdout.as_raw_fd(),
            Stream::Stderr => self.child.stderr.as_raw_fd(),
        }
    }

    /// Reads once; false if nothing will come any more.
    fn read(&mut self, stream: Stream) -> bool {
        let mut buffer = [0; BUFFER_BYTES];
        let length = match read(self.fd(stream), &mut buffer) {
            Ok(length) => length,
            Err(why) => return why.kind() == io::ErrorKind::WouldBlock || why.kind() == io::ErrorKind::Interrupted,
        };
        let seen_ns = self.elapsed_ns().min(self.end_ns);
        let bytes = &buffer[..length];
        match stream {
            Stream::Stdout => self.take_marks(bytes, seen_ns),
            Stream::Stderr => self.output.take_stderr(bytes),
        }
        self.spend(length as u64);
        length > 0
    }

    fn take_marks(&mut self, bytes: &[u8], seen_ns: u64) {
        let first = self.output.take_stdout(bytes, seen_ns);
        let Some(last) = self.output.marks.len().checked_sub(1).filter(|last| *last >= first) else { return };
        // Marks that arrived together share one peak: it belongs to the last of them as much as to the first.
        let peak = self.rss.take();
        for mark in &mut self.output.marks[first..] {
            mark.rss_peak_bytes = peak;
        }
        // Reading a cgroup takes longer than a short inference can spare: once per phase is enough.
        let is_new_phase = last == 0 || self.output.marks[last].name != self.output.marks[last - 1].name;
        if is_new_phase {
            self.sample_cgroup();
        }
    }

    fn sample_cgroup(&mut self) {
        if let Some(cgroup) = self.cgroup.as_deref_mut() {
            cgroup.sample();
        }
    }

    fn spend(&mut self, bytes: u64) {
        self.output_limited |= bytes > self.budget || self.output.is_full();
        self.budget = self.budget.saturating_sub(bytes);
    }

    fn elapsed_ns(&self) -> u64 {
        self.begin.elapsed().as_nanos() as u64
    }
}

/// Which of these are readable or at their end, after at most `timeout`. A negative descriptor never is.
fn poll<const N: usize>(fds: [RawFd; N], timeout: Duration) -> [bool; N] {
    let mut polled = fds.map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
    // A whole millisecond more, so that a rest of less than one does not become a busy loop.
    let limit = if timeout.is_zero() { 0 } else { timeout.as_millis() as i32 + 1 };
    // SAFETY: the array outlives the call, and its length is given.
    unsafe { libc::poll(polled.as_mut_ptr(), N as libc::nfds_t, limit) };
    polled.map(|poll| poll.revents != 0)
}

fn read(fd: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the buffer is as long as we say.
    let length = unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) };
    usize::try_from(length).map_err(|_| io::Error::last_os_error())
}
