//! `Pad`: a tensor, then the zeros before and after each axis as a constant.
//!
//! tract folds it into a convolution that follows, as explicit padding.

use tract_tensorflow::tract_hir::internal::*;
use tract_tensorflow::tract_hir::tract_core::ops::array::{Pad as CorePad, PadMode};

#[derive(Debug, Clone)]
pub struct Pad;

impl Expansion for Pad {
    fn name(&self) -> StaticName {
        "Pad".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        s: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 2)?;
        check_output_arity(outputs, 1)?;
        s.equals(&outputs[0].datum_type, &inputs[0].datum_type)?;
        s.equals(&outputs[0].rank, &inputs[0].rank)?;
        s.given_2(&inputs[0].rank, &inputs[1].value, move |s, rank, pads| {
            for (axis, (before, after)) in pads_from(&pads, rank as usize)?.into_iter().enumerate() {
                s.equals(&outputs[0].shape[axis], inputs[0].shape[axis].bex() + (before + after).to_dim())?;
            }
            Ok(())
        })
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let rank = model.outlet_fact(inputs[0])?.rank();
        let pads = model.outlet_fact(inputs[1])?.konst.clone().context("the paddings must be a constant")?;
        let pad = CorePad::new(pads_from(&pads, rank)?, PadMode::default());
        model.wire_node(prefix, pad, &inputs[..1])
    }
}

/// A tensor of shape [rank, 2] as pairs of before and after.
fn pads_from(pads: &Tensor, rank: usize) -> TractResult<Vec<(usize, usize)>> {
    ensure!(pads.shape() == [rank, 2], "paddings of shape {:?} for a tensor of rank {rank}", pads.shape());
    let pads = pads.cast_to::<i64>()?;
    let size = |pad: i64| usize::try_from(pad).map_err(|_| format_err!("a padding of {pad}"));
    pads.try_as_plain_ram()?.as_slice::<i64>()?.chunks(2).map(|pair| Ok((size(pair[0])?, size(pair[1])?))).collect()
}
