//! A graph's file on its way to nodes, one at a time: a large constant is read straight into its tensor, so that no
//! second copy of the weights ever exists.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use prost::Message;
use tract_tensorflow::tfpb::tensorflow::{DataType, NodeDef, TensorShapeProto};
use tract_tensorflow::tract_hir::internal::*;

use crate::constants::items_in;
use crate::graph::{Graph, Node};
use crate::read::CHUNK_BYTES;

/// Nodes below are decoded by prost from a copy of their bytes.
const LARGE_BYTES: u64 = 1 << 16;

// Fields of tensorflow's messages, as `field << 3 | wire type`.
const GRAPH_NODE: u64 = 1 << 3 | LENGTH;
const NODE_NAME: u64 = 1 << 3 | LENGTH;
const NODE_OP: u64 = 2 << 3 | LENGTH;
const NODE_ATTRIBUTE: u64 = 5 << 3 | LENGTH;
const ENTRY_KEY: u64 = 1 << 3 | LENGTH;
const ENTRY_VALUE: u64 = 2 << 3 | LENGTH;
const VALUE_TENSOR: u64 = 8 << 3 | LENGTH;
const TENSOR_TYPE: u64 = 1 << 3 | VARINT;
const TENSOR_SHAPE: u64 = 2 << 3 | LENGTH;
const TENSOR_CONTENT: u64 = 4 << 3 | LENGTH;
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const LENGTH: u64 = 2;
const FIXED_32: u64 = 5;

/// A graph's file that has been opened.
#[derive(Debug)]
pub struct Source(Reader);

impl Source {
    /// Opens the file.
    pub fn open(path: &Path) -> Result<Self, String> {
        Reader::open(path).map(Source).map_err(|why| format!("{}: {why}", path.display()))
    }

    /// Reads and decodes it, node by node.
    pub fn decode(self) -> TractResult<Graph> {
        let mut reader = self.0;
        let file_bytes = reader.length as usize;
        let nodes = nodes_in(&mut reader).map_err(|why| format_err!("the model is no whole GraphDef: {why}"))?;
        Ok(Graph { nodes, file_bytes })
    }
}

fn nodes_in(reader: &mut Reader) -> TractResult<Vec<Node>> {
    let mut nodes = vec![];
    let end = reader.length;
    while reader.position < end {
        match reader.varint()? {
            GRAPH_NODE => {
                let length = reader.length_within(end)?;
                let large = if length < LARGE_BYTES { None } else { large_constant(reader, length)? };
                nodes.push(match large {
                    Some(node) => node,
                    None => Node { proto: NodeDef::decode(&*reader.bytes(length)?)?, tensor: None },
                });
            }
            other => reader.skip(other, end)?,
        }
    }
    Ok(nodes)
}

/// The node that starts here, if it is a constant of floats stored as bytes; otherwise the reader is where it was.
fn large_constant(reader: &mut Reader, length: u64) -> TractResult<Option<Node>> {
    let begin = reader.position;
    let end = begin + length;
    let mut proto = NodeDef::default();
    let mut tensor = None;
    while reader.position < end {
        match reader.varint()? {
            NODE_NAME => proto.name = reader.text(end)?,
            NODE_OP => proto.op = reader.text(end)?,
            NODE_ATTRIBUTE => {
                let entry_end = reader.length_within(end)? + reader.position;
                if let Some(found) = tensor_of_entry(reader, entry_end)? {
                    tensor = Some(found);
                }
                let rest = entry_end - reader.position;
                reader.pass_over(rest)?;
            }
            other => reader.skip(other, end)?,
        }
    }
    if proto.op == "Const" && tensor.is_some() {
        return Ok(Some(Node { proto, tensor }));
    }
    reader.go_back_to(begin)?;
    Ok(None)
}

/// The tensor of the attribute `value`, if it is one of floats stored as bytes.
fn tensor_of_entry(reader: &mut Reader, end: u64) -> TractResult<Option<Tensor>> {
    let mut is_value = false;
    while reader.position < end {
        match reader.varint()? {
            ENTRY_KEY => is_value = reader.text(end)? == "value",
            ENTRY_VALUE if is_value => {
                let value_end = reader.length_within(end)? + reader.position;
                if reader.varint()? != VALUE_TENSOR {
                    return Ok(None);
                }
                let tensor_end = reader.length_within(value_end)? + reader.position;
                return float_tensor(reader, tensor_end);
            }
            other => reader.skip(other, end)?,
        }
    }
    Ok(None)
}

fn float_tensor(reader: &mut Reader, end: u64) -> TractResult<Option<Tensor>> {
    let mut shape: Option<Vec<i64>> = None;
    let mut is_float = false;
    while reader.position < end {
        match reader.varint()? {
            TENSOR_TYPE => is_float = reader.varint()? == DataType::DtFloat as u64,
            TENSOR_SHAPE => {
                let length = reader.length_within(end)?;
                let proto = TensorShapeProto::decode(&*reader.bytes(length)?)?;
                shape = Some(proto.dim.iter().map(|dim| dim.size).collect());
            }
            TENSOR_CONTENT => {
                let length = reader.length_within(end)?;
                let Some(shape) = shape.as_ref().filter(|_| is_float) else { return Ok(None) };
                let items = items_in(shape, size_of::<f32>());
                // what does not fill its shape is for the checks of every constant to refuse, by its name
                let Some(items) = items.filter(|items| (items * size_of::<f32>()) as u64 == length) else {
                    return Ok(None);
                };
                let mut values = vec![0f32; items];
                reader.floats(&mut values)?;
                let shape: TVec<usize> = shape.iter().map(|size| *size as usize).collect();
                return Ok(Some(tract_ndarray::ArrayD::from_shape_vec(&*shape, values)?.into()));
            }
            other => reader.skip(other, end)?,
        }
    }
    Ok(None)
}

/// A file of which the position is known, so that no length can lead beyond what encloses it.
#[derive(Debug)]
struct Reader {
    file: BufReader<File>,
    position: u64,
    length: u64,
}

impl Reader {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Reader { file: BufReader::with_capacity(LARGE_BYTES as usize, file), position: 0, length })
    }

    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        for chunk in bytes.chunks_mut(CHUNK_BYTES) {
            self.file.read_exact(chunk)?;
            self.position += chunk.len() as u64;
        }
        Ok(())
    }

    fn floats(&mut self, values: &mut [f32]) -> io::Result<()> {
        // SAFETY: every bit pattern is a float, and four bytes are as aligned as their float is.
        let bytes = unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) };
        self.fill(bytes)?;
        if cfg!(target_endian = "big") {
            values.iter_mut().for_each(|value| *value = f32::from_bits(value.to_bits().swap_bytes()));
        }
        Ok(())
    }

    fn bytes(&mut self, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length as usize];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn text(&mut self, end: u64) -> TractResult<String> {
        let length = self.length_within(end)?;
        Ok(String::from_utf8(self.bytes(length)?)?)
    }

    fn varint(&mut self) -> TractResult<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let mut byte = [0];
            self.fill(&mut byte)?;
            value |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] < 0x80 {
                return Ok(value);
            }
        }
        bail!("a number at byte {} has no end", self.position)
    }

    /// A length that ends before what encloses it does.
    fn length_within(&mut self, end: u64) -> TractResult<u64> {
        let length = self.varint()?;
        let rest = end.checked_sub(self.position).context("a message ends before its last field does")?;
        ensure!(length <= rest, "{length} bytes at byte {}, where {rest} are left", self.position);
        Ok(length)
    }

    fn skip(&mut self, field: u64, end: u64) -> TractResult<()> {
        let length = match field & 7 {
            VARINT => return self.varint().map(|_| ()),
            FIXED_64 => 8,
            FIXED_32 => 4,
            LENGTH => self.length_within(end)?,
            other => bail!("a field of the unknown kind {other} at byte {}", self.position),
        };
        self.pass_over(length)
    }

    fn pass_over(&mut self, length: u64) -> TractResult<()> {
        ensure!(self.length - self.position >= length, "it ends at byte {}", self.length);
        self.file.seek_relative(length as i64)?;
        self.position += length;
        Ok(())
    }

    fn go_back_to(&mut self, position: u64) -> io::Result<()> {
        self.file.seek(io::SeekFrom::Start(position))?;
        self.position = position;
        Ok(())
    }
}
