//! The output tensors: their bytes, the bytes' hash, the file.

use std::path::Path;

use sha2::{Digest, Sha256};
use tract_tensorflow::prelude::*;

/// Every tensor's raw little-endian float32, one after the other.
pub fn little_endian(tensors: &[TValue]) -> TractResult<Vec<u8>> {
    let mut bytes = vec![];
    for tensor in tensors {
        bytes.extend(tensor.try_as_plain_ram()?.as_slice::<f32>()?.iter().flat_map(|value| value.to_le_bytes()));
    }
    Ok(bytes)
}

/// In lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes them to `path`.
pub fn save(path: &Path, bytes: &[u8]) -> Result<(), String> {
    std::fs::write(path, bytes).map_err(|why| format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_standard() {
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex(b"abc"), expected);
    }

    #[test]
    fn tensors_follow_each_other_in_little_endian() {
        let tensors = [tensor1(&[1f32]).into_tvalue(), tensor1(&[-2f32]).into_tvalue()];
        assert_eq!(little_endian(&tensors).unwrap(), [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
    }
}
