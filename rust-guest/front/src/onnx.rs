//! ONNX: a protobuf whose graph names its inputs and outputs.

use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::{Factoid, InferenceModel};

/// Decodes the protobuf.
pub fn decode(file: Vec<u8>) -> TractResult<ModelProto> {
    onnx().proto_model_for_read(&mut &*file)
}

/// tract's model of the graph, with its one input's shape set to `shape`.
pub fn build(decoded: ModelProto, shape: &[usize], outputs: &[String]) -> TractResult<InferenceModel> {
    let mut model = onnx().model_for_proto_model(&decoded)?;
    if model.inputs.len() != 1 {
        return Err(TractError::msg(format!("expected a graph with one input, found {}", model.inputs.len())));
    }
    let stored = model.input_fact(0)?.datum_type.concretize().unwrap_or(f32::datum_type());
    model.set_input_fact(0, InferenceFact::dt_shape(stored, shape))?;
    model.set_output_names(outputs)?;
    Ok(model)
}
