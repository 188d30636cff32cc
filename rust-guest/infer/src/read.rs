//! Files, read the way every runtime can serve.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use tract_tensorflow::prelude::*;

/// Larger reads fail with ENOMEM in some WASI implementations, which copy the whole request.
pub const CHUNK_BYTES: usize = 1 << 20;

/// The whole file, in a buffer of its full length from the start, so that nothing is copied while it grows.
pub fn file(path: &Path) -> Result<Vec<u8>, String> {
    read_in_chunks(path).map_err(|why| format!("{}: {why}", path.display()))
}

fn read_in_chunks(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut bytes = vec![0; file.metadata()?.len() as usize];
    for chunk in bytes.chunks_mut(CHUNK_BYTES) {
        file.read_exact(chunk)?;
    }
    Ok(bytes)
}

/// The input tensor: raw little-endian float32 of exactly that shape.
pub fn input(path: &Path, shape: &[usize]) -> Result<TValue, String> {
    let bytes = file(path)?;
    let expected = shape.iter().try_fold(size_of::<f32>(), |bytes, size| bytes.checked_mul(*size));
    let expected = expected.ok_or_else(|| format!("the shape {shape:?} is too large"))?;
    if bytes.len() != expected {
        let found = bytes.len();
        return Err(format!("{}: {found} bytes where the shape {shape:?} takes {expected}", path.display()));
    }
    let floats: Vec<f32> =
        bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect();
    let tensor = Tensor::from_shape(shape, &floats).map_err(|why| why.to_string())?;
    Ok(tensor.into_tvalue())
}
