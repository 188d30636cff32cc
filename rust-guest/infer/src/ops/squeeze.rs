//! `Squeeze`: drops axes of size one.

use tract_tensorflow::model::ParsingContext;
use tract_tensorflow::tfpb::tensorflow::NodeDef;
use tract_tensorflow::tract_hir::internal::*;
use tract_tensorflow::tract_hir::ops::array::Squeeze;

/// Without `squeeze_dims`, every axis of size one goes.
pub fn squeeze(_: &ParsingContext, node: &NodeDef) -> TractResult<Box<dyn InferenceOp>> {
    let mut axes: Vec<isize> = node.get_attr_opt_list_int("squeeze_dims")?.unwrap_or_default();
    axes.sort_unstable();
    Ok(expand(Squeeze::new((!axes.is_empty()).then_some(axes))))
}
