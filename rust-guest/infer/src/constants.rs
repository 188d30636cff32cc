//! What a graph's constants claim to be, checked before tract allocates and copies by it: tract multiplies the
//! sizes of a shape without regard to overflow, and casts a negative size to a huge one.

use tract_tensorflow::tfpb::tensorflow::attr_value::Value;
use tract_tensorflow::tfpb::tensorflow::{DataType, NodeDef, TensorProto};
use tract_tensorflow::tract_hir::internal::*;
use tract_tensorflow::tract_hir::ops::konst::Const;

/// A constant may store one value for a whole shape, so that it takes more memory than it takes of the file: all
/// together this much more. Real networks store their weights value by value.
const REPEATED_BYTES: usize = 64 << 20;

/// Keeps count of the memory that a graph's constants take.
#[derive(Debug)]
pub struct Constants {
    limit_bytes: usize,
    bytes: usize,
}

impl Constants {
    /// Of a graph that is so long in its file.
    pub fn in_graph_of(bytes: usize) -> Self {
        Constants { limit_bytes: bytes.saturating_add(REPEATED_BYTES), bytes: 0 }
    }

    /// Refuses a `Const` whose content does not fill its shape; other nodes pass.
    pub fn check(&mut self, node: &NodeDef) -> TractResult<()> {
        if node.op != "Const" {
            return Ok(());
        }
        let Some(Value::Tensor(tensor)) = node.attr.get("value").and_then(|value| value.value.as_ref()) else {
            bail!("{}: the constant has no value", node.name);
        };
        let bytes = checked_bytes(tensor).with_context(|| format!("the constant {}", node.name))?;
        self.count(&node.name, bytes)
    }

    /// The operator of a constant that has been read into its tensor.
    pub fn take(&mut self, name: &str, tensor: Tensor) -> TractResult<Box<dyn InferenceOp>> {
        self.count(name, tensor.len() * tensor.datum_type().size_of())?;
        Ok(Box::new(Const::new(tensor.into_arc_tensor())?))
    }

    fn count(&mut self, name: &str, bytes: usize) -> TractResult<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        let limit = self.limit_bytes;
        ensure!(self.bytes <= limit, "{name}: with it, the constants take more than {limit} bytes of memory");
        Ok(())
    }
}

/// The tensor's size in memory, if it has the values for it.
fn checked_bytes(tensor: &TensorProto) -> TractResult<usize> {
    #[allow(deprecated, reason = "the protobuf library of earlier tracts has nothing newer")]
    let data_type = DataType::from_i32(tensor.dtype);
    let (item_bytes, values) = match data_type {
        Some(DataType::DtFloat) => (4, tensor.float_val.len()),
        Some(DataType::DtDouble) => (8, tensor.double_val.len()),
        Some(DataType::DtInt32) => (4, tensor.int_val.len()),
        Some(DataType::DtInt64) => (8, tensor.int64_val.len()),
        Some(other) => bail!("this guest has no constants of type {}", other.as_str_name()),
        None => bail!("no type has the number {}", tensor.dtype),
    };
    let shape = tensor.tensor_shape.as_ref().filter(|shape| !shape.unknown_rank);
    let shape: Vec<i64> = shape.context("its shape is missing")?.dim.iter().map(|dim| dim.size).collect();
    let items = items_in(&shape, item_bytes).with_context(|| format!("the shape {shape:?} is impossible"))?;
    let content = tensor.tensor_content.len();
    if content > 0 {
        ensure!(
            content == items * item_bytes,
            "{content} bytes where the shape {shape:?} takes {}",
            items * item_bytes
        );
    } else {
        ensure!(values == items || values == 1, "{values} values where the shape {shape:?} takes {items}");
    }
    Ok(items * item_bytes)
}

/// The product of the sizes. None if one is negative, or if the bytes, or those of any of its axes, can't be addressed.
pub fn items_in(shape: &[i64], item_bytes: usize) -> Option<usize> {
    let sizes: Option<Vec<usize>> = shape.iter().map(|size| usize::try_from(*size).ok()).collect();
    let sizes = sizes?;
    // tract multiplies the sizes of inner axes alone too: a zero elsewhere does not undo an overflow there.
    let widest = sizes.iter().filter(|size| **size > 0).try_fold(item_bytes, |bytes, size| bytes.checked_mul(*size))?;
    (widest <= isize::MAX as usize).then(|| sizes.iter().product())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_has_as_many_items_as_can_be_addressed() {
        assert_eq!(items_in(&[], 4), Some(1));
        assert_eq!(items_in(&[2, 3], 4), Some(6));
        assert_eq!(items_in(&[2, 0], 4), Some(0));
        assert_eq!(items_in(&[-1], 4), None);
        assert_eq!(items_in(&[(1 << 62) + 1], 4), None, "its bytes wrap around to 4");
        assert_eq!(items_in(&[1 << 32, 1 << 32], 1), None);
        assert_eq!(items_in(&[0, 1 << 32, 1 << 32], 1), None);
        assert_eq!(items_in(&[isize::MAX as i64], 1), Some(isize::MAX as usize));
        assert_eq!(items_in(&[isize::MAX as i64], 2), None);
    }
}
