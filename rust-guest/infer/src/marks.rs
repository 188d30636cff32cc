//! Phase marks: JSON lines on standard output, flushed one by one, so that the probe sees them as they happen.

use std::io::Write;
use std::time::Instant;

/// The guest's first instruction.
pub fn start_mark() {
    line(r#"{"mark":"start"}"#);
}

/// A phase that began at `begin` has just ended.
pub fn phase_mark(phase: &str, begin: Instant) {
    let ns = begin.elapsed().as_nanos();
    line(&format!(r#"{{"mark":"{phase}","ns":{ns}}}"#));
}

/// One inference has just ended.
pub fn infer_mark(begin: Instant) {
    phase_mark("infer", begin);
}

/// The output tensors are hashed and saved; nothing comes after this.
pub fn output_mark(begin: Instant, sha256: &str) {
    let ns = begin.elapsed().as_nanos();
    let memory = linear_memory_bytes().map_or("null".into(), |bytes| bytes.to_string());
    line(&format!(r#"{{"mark":"output","ns":{ns},"sha256":"{sha256}","linear_memory_bytes":{memory}}}"#));
}

/// `memory.size` of the module: it never shrinks, so it is also its peak. None natively.
#[cfg(target_arch = "wasm32")]
fn linear_memory_bytes() -> Option<u64> {
    const PAGE_BYTES: u64 = 64 * 1024;
    Some(core::arch::wasm32::memory_size(0) as u64 * PAGE_BYTES)
}

#[cfg(not(target_arch = "wasm32"))]
fn linear_memory_bytes() -> Option<u64> {
    None
}

fn line(text: &str) {
    let mut stdout = std::io::stdout().lock();
    // Whoever closed our output does not want marks: the run itself can still end well.
    let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}
