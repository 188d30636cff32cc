//! The guest of other formats than TensorFlow's: reads a graph and an input tensor, runs the graph, reports every phase.
//!
//! Arguments, marks, output and exit codes are those of `../infer`, whose sources say more. A feature chooses the format,
//! so that a guest holds one reader. Files of inputs and outputs hold float32 whatever the graph stores: a quantised
//! tensor is rounded to its steps on the way in, and comes out as the numbers that its steps stand for.

/// The plain guest's sources.
#[path = "../../infer/src"]
mod infer {
    pub mod args;
    pub mod marks;
    #[allow(dead_code, reason = "graphs come typed, or not, by their format")]
    pub mod model;
    pub mod output;
    pub mod read;
}
#[cfg_attr(feature = "onnx", path = "onnx.rs")]
#[cfg_attr(feature = "tflite", path = "tflite.rs")]
mod format;

use std::error::Error;
use std::process::exit;
use std::time::Instant;

use infer::args::Args;
use infer::marks::{infer_mark, output_mark, phase_mark, start_mark};
use infer::model::Plan;
use infer::{model, output, read};
use tract_tensorflow::prelude::*;

const EXIT_BAD_ARGUMENTS: i32 = 2;
const EXIT_BAD_MODEL: i32 = 3;

fn main() {
    start_mark();
    std::panic::set_hook(Box::new(|panic| fail(EXIT_BAD_MODEL, &format!("panicked: {panic}"))));
    let args = Args::parse(std::env::args().skip(1)).unwrap_or_else(|why| fail(EXIT_BAD_ARGUMENTS, &why));
    if let Err(why) = run(&args) {
        fail(EXIT_BAD_MODEL, &chain(why.as_ref()));
    }
}

/// The phases in their order; each mark is printed when its phase has ended.
fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let input = read::input(&args.input, &args.shape)?;
    let file = read::file(&args.model)?;
    phase_mark("read", begin);

    let begin = Instant::now();
    let decoded = format::decode(file)?;
    phase_mark("decode", begin);

    let begin = Instant::now();
    let built = format::build(decoded, &args.shape, &args.outputs)?;
    phase_mark("build", begin);

    let begin = Instant::now();
    let plan: Plan = built.into_optimized()?.into_runnable()?.into();
    let input = as_stored(&plan, input)?;
    phase_mark("optimise", begin);

    let mut outputs = Default::default();
    for _ in 0..args.iterations {
        let begin = Instant::now();
        outputs = model::infer(&plan, &input)?;
        model::spin_until_slower(begin, args.slowdown_permille);
        infer_mark(begin);
    }

    let begin = Instant::now();
    let bytes = output::little_endian(&as_floats(outputs)?)?;
    let sha256 = output::sha256_hex(&bytes);
    if let Some(path) = &args.save {
        output::save(path, &bytes)?;
    }
    output_mark(begin, &sha256);
    Ok(())
}

/// The input in the type, and with the shape, that the graph has it in.
fn as_stored(plan: &Plan, input: TValue) -> TractResult<TValue> {
    let inputs = plan.model().input_outlets()?.len();
    if inputs != 1 {
        return Err(TractError::msg(format!("expected a graph with one input, found {inputs}")));
    }
    let fact = plan.model().input_fact(0)?;
    let fixed = fact.shape.as_concrete();
    if fixed != Some(input.shape()) {
        return Err(TractError::msg(format!("the graph takes the shape {:?}, not {:?}", fact.shape, input.shape())));
    }
    Ok(input.cast_to_dt(fact.datum_type)?.into_owned().into_tvalue())
}

/// Tensors of any type of numbers as float32.
fn as_floats(tensors: TVec<TValue>) -> TractResult<Vec<TValue>> {
    tensors.iter().map(|tensor| Ok(tensor.cast_to::<f32>()?.into_owned().into_tvalue())).collect()
}

/// An error and its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}

/// Says why in one line of bearable length, and ends the process.
fn fail(code: i32, why: &str) -> ! {
    let words: Vec<&str> = why.split_whitespace().collect();
    let line: String = words.join(" ").chars().take(500).collect();
    eprintln!("error: {line}");
    exit(code)
}
