//! The probe's parser of what a command writes: its marks do not depend on how the bytes arrive, and it stays small.

#![no_main]

#[allow(dead_code, reason = "the probe uses the rest")]
#[path = "../../probe/src/lines.rs"]
mod lines;

use libfuzzer_sys::fuzz_target;
use lines::Output;

/// As many bytes as a tail may have, if each of them is replaced by the three of U+FFFD.
const TAIL_TEXT_BYTES: usize = 3 * 4096;

/// A longer line is no mark.
const LINE_BYTES: usize = 4096;

fuzz_target!(|input: (Vec<u8>, Vec<u16>)| {
    let (mut written, lengths) = input;
    // Marks and long lines, which chance alone hardly finds.
    written = written.iter().flat_map(|byte| expanded(*byte)).collect();
    let mut whole = Output::default();
    whole.take_stdout(&written, 1);
    whole.finish(1);

    let mut pieces = Output::default();
    let mut rest = written.as_slice();
    for length in lengths.iter().cycle().take(written.len()) {
        let (piece, after) = rest.split_at(rest.len().min(1 + usize::from(*length)));
        pieces.take_stdout(piece, 1);
        rest = after;
    }
    pieces.take_stdout(rest, 1);
    pieces.finish(1);

    assert_eq!(whole.marks, pieces.marks, "marks depend on how they arrive");
    assert_eq!(whole.output_sha256, pieces.output_sha256);
    assert_eq!(whole.linear_memory_bytes, pieces.linear_memory_bytes);
    let candidates = written.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{\"mark\""));
    assert!(whole.marks.len() <= candidates.filter(|line| line.len() <= LINE_BYTES).count(), "a mark out of nothing");
    for output in [&whole, &pieces] {
        assert!(output.stdout_tail.text().len() <= TAIL_TEXT_BYTES);
        assert!(serde_json::to_string(&output.marks).is_ok());
    }
});

fn expanded(byte: u8) -> Vec<u8> {
    match byte {
        0x80 => b"{\"mark\":\"infer\",\"ns\":".to_vec(),
        0x81 => b"{\"mark\":\"output\",\"ns\":1,\"sha256\":\"ab\",\"linear_memory_bytes\":65536}\n".to_vec(),
        0x82 => b"18446744073709551615}\n".to_vec(),
        0x83 => b"{\"mark\":\"start\"}\n".to_vec(),
        0x84 => vec![b' '; 4096],
        0x85 => vec![b'['; 300],
        other => vec![other],
    }
}
