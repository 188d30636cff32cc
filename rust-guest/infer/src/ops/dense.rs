//! A convolution whose kernel covers its whole input is a product with a matrix: its weights are used as the graph
//! stores them, where tract would transpose and pack them first. VGG's first such layer has 411 MB of them.

use tract_tensorflow::model::ParsingContext;
use tract_tensorflow::ops::nn::{data_format, padding, strides};
use tract_tensorflow::tfpb::tensorflow::NodeDef;
use tract_tensorflow::tract_hir::internal::*;
use tract_tensorflow::tract_hir::ops::cnn::{Conv, PaddingSpec};
use tract_tensorflow::tract_hir::ops::nn::DataFormat;

/// Below, packing takes milliseconds, and packed weights are multiplied faster.
const LARGE_WEIGHTS: usize = 1 << 21;

/// A two-dimensional convolution.
pub fn conv2d(_: &ParsingContext, node: &NodeDef) -> TractResult<Box<dyn InferenceOp>> {
    let padding = padding(node)?;
    let nhwc = data_format(node)? == DataFormat::NHWC;
    let may_cover = nhwc && padding == PaddingSpec::Valid;
    let conv = Conv::default().hwio().padding(padding).strides(strides(node)?[1..3].into());
    Ok(expand(ConvOrDense { conv: if nhwc { conv.nhwc() } else { conv }, may_cover }))
}

/// A convolution, or a product if the shapes turn out so.
#[derive(Debug, Clone)]
struct ConvOrDense {
    conv: Conv,
    may_cover: bool,
}

impl Expansion for ConvOrDense {
    fn name(&self) -> StaticName {
        "ConvOrDense".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        self.conv.rules(solver, inputs, outputs)
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let (input, weights) = (model.outlet_fact(inputs[0])?, model.outlet_fact(inputs[1])?);
        if self.may_cover && is_large_and_covers(input, weights) {
            return model.wire_node(prefix, Dense, inputs);
        }
        self.conv.wire(prefix, model, inputs)
    }
}

/// Of an input N,H,W,C and constant weights H,W,C,O.
fn is_large_and_covers(input: &TypedFact, weights: &TypedFact) -> bool {
    let (Some(input_shape), Some(weights_shape)) = (input.shape.as_concrete(), weights.shape.as_concrete()) else {
        return false;
    };
    let floats = input.datum_type == f32::datum_type() && weights.datum_type == f32::datum_type();
    floats
        && weights.konst.is_some()
        && input_shape.len() == 4
        && weights_shape.len() == 4
        && input_shape[1..] == weights_shape[..3]
        && weights_shape.iter().product::<usize>() >= LARGE_WEIGHTS
}

/// The product of a batch of inputs, each taken as one row, with weights of as many rows.
#[derive(Debug, Clone, Hash, PartialEq, Eq)]
struct Dense;

impl Op for Dense {
    fn name(&self) -> StaticName {
        "Dense".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Dense {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let (input, weights) = args_2!(inputs);
        let columns = weights.shape()[3];
        let mut output = Tensor::zero::<f32>(&[input.shape()[0], 1, 1, columns])?;
        let (input, weights) = (input.try_as_plain_ram()?, weights.try_as_plain_ram()?);
        let mut sums = output.try_as_plain_ram_mut()?;
        dense::multiply(input.as_slice::<f32>()?, weights.as_slice::<f32>()?, columns, sums.as_slice_mut::<f32>()?);
        Ok(tvec!(output.into_tvalue()))
    }
}

impl TypedOp for Dense {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let (batch, columns) = (inputs[0].shape[0].clone(), inputs[1].shape[3].clone());
        Ok(tvec!(f32::fact([batch, 1.to_dim(), 1.to_dim(), columns])))
    }

    fn cost(&self, inputs: &[&TypedFact]) -> TractResult<TVec<(Cost, TDim)>> {
        Ok(tvec!((Cost::FMA(f32::datum_type()), inputs[0].shape[0].clone() * inputs[1].shape.volume())))
    }

    as_op!();
}
