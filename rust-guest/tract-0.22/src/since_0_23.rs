//! What tract 0.23 names or types differently from earlier ones, made from an earlier one: `older` is that crate.

use older::tract_hir::infer::InferenceModel;
use older::tract_hir::internal::*;
use older::tract_hir::ops::array::Reshape as OlderReshape;

/// 0.23 has no type parameter for what a plan holds.
pub type TypedRunnableModel = older::prelude::TypedRunnableModel<TypedModel>;

/// 0.23 has tensors that are not plain arrays in memory; earlier ones have no others.
pub trait PlainRam {
    /// The tensor, as a plain array.
    fn try_as_plain_ram(&self) -> TractResult<&Tensor>;
}

impl PlainRam for Tensor {
    fn try_as_plain_ram(&self) -> TractResult<&Tensor> {
        Ok(self)
    }
}

/// 0.23 calls it so.
pub trait SelectOutlets {
    /// Makes these the model's outputs.
    fn select_output_outlets(&mut self, outputs: &[OutletId]) -> TractResult<()>;
}

impl SelectOutlets for InferenceModel {
    fn select_output_outlets(&mut self, outputs: &[OutletId]) -> TractResult<()> {
        self.set_output_outlets(outputs)
    }
}

/// Makes a reshaping operator.
#[derive(Debug)]
pub struct Reshape;

impl Reshape {
    /// Earlier ones always take a zero in the new shape for "as it is", which no graph of the lab's holds.
    #[allow(clippy::new_ret_no_self, reason = "called as 0.23's is, it gives the earlier one")]
    pub fn new(_allow_zero: bool) -> OlderReshape {
        OlderReshape::new()
    }
}
