//! The guest: reads a frozen TensorFlow graph and an input tensor, runs the graph, reports every phase.
//!
//! One source for native and for `wasm32-wasip1`. Standard output carries one JSON line per phase, printed when the
//! phase has *ended*; standard error carries at most one line, `error: …`. Exit codes: 0, 2 (bad arguments),
//! 3 (model, shape or input that does not fit).

mod args;
mod constants;
mod graph;
mod marks;
mod model;
mod ops;
mod output;
mod read;
#[cfg(all(feature = "lean", target_family = "wasm"))]
mod snapshot;
#[cfg_attr(feature = "lean", path = "stream.rs")]
mod source;

use std::error::Error;
use std::path::Path;
use std::process::exit;
use std::time::Instant;

use args::Args;
use marks::{infer_mark, output_mark, phase_mark, start_mark};
use model::Plan;
use source::Source;

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
    let plan = match kept_plan() {
        Some(plan) => {
            phase_mark("read", begin);
            plan
        }
        None => load(&args.model, &args.shape, &args.outputs, begin, phase_mark)?,
    };

    let mut outputs = Default::default();
    for _ in 0..args.iterations {
        let begin = Instant::now();
        outputs = model::infer(&plan, &input)?;
        model::spin_until_slower(begin, args.slowdown_permille);
        infer_mark(begin);
    }

    let begin = Instant::now();
    let bytes = output::little_endian(&outputs)?;
    let sha256 = output::sha256_hex(&bytes);
    if let Some(path) = &args.save {
        output::save(path, &bytes)?;
    }
    output_mark(begin, &sha256);
    Ok(())
}

/// From a graph's file to a plan; `mark` is called with each phase that has ended and when it began.
fn load(
    model: &Path,
    shape: &[usize],
    outputs: &[String],
    begin: Instant,
    mark: impl Fn(&str, Instant),
) -> Result<Plan, Box<dyn Error>> {
    let source = Source::open(model)?;
    mark("read", begin);

    let begin = Instant::now();
    let graph = source.decode()?;
    mark("decode", begin);

    let begin = Instant::now();
    let model = graph::build(graph, shape, outputs)?;
    mark("build", begin);

    let begin = Instant::now();
    let plan = model::optimise(model)?;
    mark("optimise", begin);
    Ok(plan)
}

/// The plan that this very module was kept with.
fn kept_plan() -> Option<Plan> {
    #[cfg(all(feature = "lean", target_family = "wasm"))]
    return snapshot::take();
    #[cfg(not(all(feature = "lean", target_family = "wasm")))]
    return None;
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
