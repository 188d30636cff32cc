//! What the command writes: the guest's marks, and the last of everything else.

use serde::{Deserialize, Serialize};

/// How much of each stream's end is kept.
const TAIL_BYTES: usize = 4096;

/// A longer line is no mark; it is passed on in pieces.
const LINE_BYTES: usize = 4096;

/// More marks than this are no measurement: they count as too much output.
const MARKS: usize = 100_000;

/// A guest's JSON line.
#[derive(Debug, Deserialize)]
struct GuestLine {
    mark: String,
    ns: Option<u64>,
    sha256: Option<String>,
    linear_memory_bytes: Option<u64>,
}

/// One JSON line of the guest, as it arrived.
#[derive(Debug, PartialEq, Serialize)]
pub struct PhaseMark {
    pub name: String,
    pub seen_ns: u64,
    pub guest_ns: Option<u64>,
    /// VmHWM since the previous mark.
    pub rss_peak_bytes: Option<u64>,
}

/// All that was written, digested as it arrives.
#[derive(Debug, Default)]
pub struct Output {
    pub marks: Vec<PhaseMark>,
    pub linear_memory_bytes: Option<u64>,
    pub output_sha256: Option<String>,
    pub stdout_tail: Tail,
    pub stderr_tail: Tail,
    line: Vec<u8>,
    /// The line's beginning was too long to keep and is in the tail already.
    is_rest: bool,
}

impl Output {
    /// Takes bytes of standard output that arrived at `seen_ns`; returns the index of the first new mark.
    pub fn take_stdout(&mut self, bytes: &[u8], seen_ns: u64) -> usize {
        let first = self.marks.len();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            let is_whole = piece.ends_with(b"\n");
            if is_whole || self.line.len() > LINE_BYTES {
                self.end_line(seen_ns);
                self.is_rest = !is_whole;
            }
        }
        first
    }

    /// Takes bytes of standard error.
    pub fn take_stderr(&mut self, bytes: &[u8]) {
        self.stderr_tail.push(bytes);
    }

    /// Whether no further mark is kept.
    pub fn is_full(&self) -> bool {
        self.marks.len() >= MARKS
    }

    /// The last line may lack its end.
    pub fn finish(&mut self, seen_ns: u64) {
        self.end_line(seen_ns);
    }

    fn end_line(&mut self, seen_ns: u64) {
        let line = std::mem::take(&mut self.line);
        let may_be_mark = !self.is_rest && line.len() <= LINE_BYTES && !self.is_full();
        match may_be_mark.then(|| parse_mark(&line)).flatten() {
            Some(guest) => {
                self.linear_memory_bytes = guest.linear_memory_bytes.or(self.linear_memory_bytes);
                self.output_sha256 = guest.sha256.or(self.output_sha256.take());
                self.marks.push(PhaseMark { name: guest.mark, seen_ns, guest_ns: guest.ns, rss_peak_bytes: None });
            }
            None => self.stdout_tail.push(&line),
        }
    }
}

/// The cheap check of the first bytes keeps noise away from the JSON parser.
fn parse_mark(line: &[u8]) -> Option<GuestLine> {
    line.starts_with(b"{\"mark\"").then(|| serde_json::from_slice(line).ok())?
}

/// The last bytes of a stream.
#[derive(Debug, Default)]
pub struct Tail(Vec<u8>);

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        if self.0.len() > 2 * TAIL_BYTES {
            self.0.drain(..self.0.len() - TAIL_BYTES);
        }
    }

    /// As text; what is no UTF-8 is replaced.
    pub fn text(&self) -> String {
        let start = self.0.len().saturating_sub(TAIL_BYTES);
        String::from_utf8_lossy(&self.0[start..]).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(output: &Output) -> Vec<&str> {
        output.marks.iter().map(|mark| mark.name.as_str()).collect()
    }

    #[test]
    fn a_mark_that_arrives_in_pieces_counts_when_its_end_arrives() {
        let mut output = Output::default();
        assert_eq!(output.take_stdout(b"{\"mark\":\"start\"}\n{\"mark\":\"re", 10), 0);
        assert_eq!(names(&output), ["start"]);
        assert_eq!(output.take_stdout(b"ad\",\"ns\":7}\n", 20), 1);
        let read = PhaseMark { name: "read".into(), seen_ns: 20, guest_ns: Some(7), rss_peak_bytes: None };
        assert_eq!(output.marks[1], read);
    }

    #[test]
    fn the_output_mark_carries_hash_and_linear_memory() {
        let mut output = Output::default();
        output.take_stdout(b"{\"mark\":\"output\",\"ns\":1,\"sha256\":\"ab\",\"linear_memory_bytes\":65536}", 1);
        output.finish(2);
        assert_eq!((output.output_sha256.as_deref(), output.linear_memory_bytes), (Some("ab"), Some(65536)));
    }

    #[test]
    fn what_is_no_mark_stays_in_the_tail_which_keeps_the_end() {
        let mut output = Output::default();
        output.take_stdout(b"hello\n{\"mark\":broken\n{\"other\":1}\n", 1);
        assert_eq!(output.stdout_tail.text(), "hello\n{\"mark\":broken\n{\"other\":1}\n");
        for i in 0..10_000 {
            output.take_stderr(format!("line {i}\n").as_bytes());
        }
        let tail = output.stderr_tail.text();
        assert!(tail.len() == TAIL_BYTES && tail.ends_with("line 9999\n"));
    }

    #[test]
    fn an_endless_line_takes_no_memory_and_is_no_mark() {
        let mut output = Output::default();
        for _ in 0..1000 {
            output.take_stdout(&[b'x'; 1000], 1);
            assert!(output.line.len() <= LINE_BYTES + 1000);
        }
        assert!(output.marks.is_empty());
    }
}
