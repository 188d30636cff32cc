//! `ConcatV2`: tensors, then the axis as a constant.

use tract_tensorflow::tract_hir::internal::*;
use tract_tensorflow::tract_hir::ops::array::TypedConcat;

#[derive(Debug, Clone)]
pub struct ConcatV2;

impl Expansion for ConcatV2 {
    fn name(&self) -> StaticName {
        "ConcatV2".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        s: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_output_arity(outputs, 1)?;
        let Some((axis, tensors)) = inputs.split_last() else { bail!("ConcatV2 without inputs") };
        let Some(first) = tensors.first() else { bail!("ConcatV2 of nothing") };
        s.equals(&outputs[0].datum_type, &first.datum_type)?;
        s.equals(&outputs[0].rank, &first.rank)?;
        for tensor in tensors {
            s.equals(&tensor.datum_type, &first.datum_type)?;
            s.equals(&tensor.rank, &first.rank)?;
        }
        s.given_2(&axis.value, &first.rank, move |s, axis, rank| {
            let axis = axis_from(&axis, rank as usize)?;
            for other in (0..rank as usize).filter(|other| *other != axis) {
                for tensor in tensors {
                    s.equals(&tensor.shape[other], &outputs[0].shape[other])?;
                }
            }
            let sum =
                tensors.iter().fold(-1 * outputs[0].shape[axis].bex(), |sum, tensor| sum + tensor.shape[axis].bex());
            s.equals_zero(sum)
        })
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let Some((axis, tensors)) = inputs.split_last() else { bail!("ConcatV2 without inputs") };
        let rank = model.outlet_fact(tensors[0])?.rank();
        let axis = model.outlet_fact(*axis)?.konst.clone().context("the axis must be a constant")?;
        model.wire_node(prefix, TypedConcat::new(axis_from(&axis, rank)?), tensors)
    }
}

/// A negative axis counts from the end.
fn axis_from(axis: &Tensor, rank: usize) -> TractResult<usize> {
    let axis = axis.cast_to_scalar::<i64>()?;
    let from_start = if axis < 0 { axis + rank as i64 } else { axis };
    ensure!((0..rank as i64).contains(&from_start), "axis {axis} of a tensor of rank {rank}");
    Ok(from_start as usize)
}
