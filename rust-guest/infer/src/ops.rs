//! The operators this guest knows.
//!
//! tract registers every TensorFlow operator it can build; each one that is named here stays in the module, and every
//! runtime compiles the whole module at every start. So: what the networks need, and what graphs of the same family do.

mod concat;
#[cfg(feature = "lean")]
mod dense;
mod pad;
mod squeeze;

use tract_tensorflow::model::TfOpRegister;
use tract_tensorflow::ops::nn::{dw_conv2d, fused_batch_norm, pools};
use tract_tensorflow::tract_hir::internal::*;
use tract_tensorflow::tract_hir::ops::activations::Clip;
use tract_tensorflow::tract_hir::ops::array::{Reshape, Tile};
use tract_tensorflow::tract_hir::ops::identity::Identity;
use tract_tensorflow::tract_hir::ops::konst::Const;
use tract_tensorflow::tract_hir::ops::math;
use tract_tensorflow::tract_hir::ops::nn::{sigmoid, LayerSoftmax};
use tract_tensorflow::tract_hir::ops::source::Source;

/// TensorFlow's name of each operator, and what builds it.
pub fn register() -> TfOpRegister {
    let mut ops = TfOpRegister::default();
    ops.insert("Add", |_, _| Ok(math::Add.into_hir()));
    ops.insert("AddV2", |_, _| Ok(math::Add.into_hir()));
    ops.insert("AvgPool", pools::avgpool);
    ops.insert("BiasAdd", |_, _| Ok(math::Add.into_hir()));
    ops.insert("ConcatV2", |_, _| Ok(expand(concat::ConcatV2)));
    ops.insert("Const", |_, node| Ok(Box::new(Const::new(node.get_attr_tensor("value")?.into_arc_tensor())?)));
    #[cfg(feature = "lean")]
    ops.insert("Conv2D", dense::conv2d);
    #[cfg(not(feature = "lean"))]
    ops.insert("Conv2D", tract_tensorflow::ops::nn::conv2d::conv2d);
    ops.insert("DepthwiseConv2dNative", dw_conv2d::depthwise_conv2d);
    ops.insert("FusedBatchNorm", fused_batch_norm::fused_batch_norm);
    ops.insert("Identity", |_, _| Ok(Box::new(Identity)));
    ops.insert("MaxPool", pools::maxpool);
    ops.insert("Mul", |_, _| Ok(math::Mul.into_hir()));
    ops.insert("Pad", |_, _| Ok(expand(pad::Pad)));
    ops.insert("Placeholder", |_, _| Ok(Box::new(Source::new())));
    ops.insert("Relu", |_, _| Ok(expand(Clip::new(Some(0.0), None))));
    ops.insert("Relu6", |_, _| Ok(expand(Clip::new(Some(0.0), Some(6.0)))));
    ops.insert("Reshape", |_, _| Ok(expand(Reshape::new(false))));
    ops.insert("Rsqrt", |_, _| Ok(math::rsqrt().into_hir()));
    ops.insert("Sigmoid", |_, _| Ok(sigmoid().into_hir()));
    ops.insert("Softmax", |_, _| Ok(expand(LayerSoftmax::new(-1, false))));
    ops.insert("Squeeze", squeeze::squeeze);
    ops.insert("Sub", |_, _| Ok(math::Sub.into_hir()));
    ops.insert("Tile", |_, _| Ok(expand(Tile)));
    ops
}
