//! TensorFlow Lite's format: a FlatBuffer of fixed shapes.

use tract_tflite::internal::TfliteProtoModel;
use tract_tflite::prelude::*;

/// Checks the FlatBuffer.
pub fn decode(file: Vec<u8>) -> TractResult<TfliteProtoModel> {
    tract_tflite::tflite().proto_model_for_read(&mut &*file)
}

/// tract's model of the graph, whose shapes are the file's and whose outputs come in the file's order.
pub fn build(decoded: TfliteProtoModel, _shape: &[usize], outputs: &[String]) -> TractResult<TypedModel> {
    let model = tract_tflite::tflite().model_for_proto_model(&decoded)?;
    let found = model.output_outlets()?.len();
    if found != outputs.len() {
        return Err(TractError::msg(format!("the graph has {found} outputs, not {}", outputs.len())));
    }
    Ok(model)
}
