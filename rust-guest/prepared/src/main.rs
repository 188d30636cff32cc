//! The native guest that starts with its model loaded: the counterpart of a module that is kept with its memory.
//!
//! `prepared keep MODEL SHAPE OUTPUTS HEAP` loads a frozen graph as the plain guest does and writes the heap that holds
//! the plan to a file. With that file in the model's place, `prepared` takes the plain guest's arguments, maps it and
//! infers: nothing is decoded, built or optimised, and weights are read from disk when they are first used. Marks, output
//! and exit codes are the plain guest's.

/// The plain guest's sources, which name each other as modules of the crate.
#[path = "../../infer/src"]
mod infer {
    pub mod args;
    pub mod constants;
    pub mod graph;
    pub mod marks;
    pub mod model;
    pub mod ops;
    pub mod output;
    pub mod read;
    #[path = "stream.rs"]
    pub mod source;
}
mod heap;

use std::error::Error;
use std::path::Path;
use std::process::exit;
use std::sync::Arc;
use std::time::Instant;

use heap::Heap;
use infer::{args, constants, graph, marks, model, ops, output, read, source};
use model::Plan;

const EXIT_BAD_ARGUMENTS: i32 = 2;
const EXIT_BAD_MODEL: i32 = 3;
const USAGE: &str = "usage: prepared keep MODEL SHAPE OUTPUTS HEAP, or the guest's arguments with HEAP as its model";

#[global_allocator]
static HEAP: Heap = Heap::new();

fn main() {
    marks::start_mark();
    std::panic::set_hook(Box::new(|panic| fail(EXIT_BAD_MODEL, &format!("panicked: {panic}"))));
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.split_first() {
        Some((first, [model, shape, outputs, heap])) if first == "keep" => {
            let shape = args::parse_shape(shape).unwrap_or_else(|why| fail(EXIT_BAD_ARGUMENTS, &why));
            let outputs: Vec<String> = outputs.split(',').map(String::from).collect();
            keep(Path::new(model), &shape, &outputs, Path::new(heap))
        }
        Some((first, _)) if first == "keep" => fail(EXIT_BAD_ARGUMENTS, USAGE),
        _ => {
            let args = args::Args::parse(words.into_iter()).unwrap_or_else(|why| fail(EXIT_BAD_ARGUMENTS, &why));
            run(&args)
        }
    };
    if let Err(why) = done {
        fail(EXIT_BAD_MODEL, &chain(why.as_ref()));
    }
}

/// Loads a graph, and writes the heap with its plan.
fn keep(model: &Path, shape: &[usize], outputs: &[String], heap: &Path) -> Result<(), Box<dyn Error>> {
    HEAP.keep()?;
    let graph = source::Source::open(model)?.decode()?;
    let plan = model::optimise(graph::build(graph, shape, outputs)?)?;
    HEAP.write(heap, Arc::into_raw(plan).cast()).map_err(|why| format!("{}: {why}", heap.display()))?;
    Ok(())
}

/// Maps the plan, and infers as the plain guest does.
fn run(args: &args::Args) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let input = read::input(&args.input, &args.shape)?;
    let root = heap::root(&args.model).map_err(|why| format!("{}: {why}", args.model.display()))?;
    // SAFETY: this program wrote it, as the pointer that it now gets back.
    let plan: Plan = unsafe { Arc::from_raw(root.cast()) };
    marks::phase_mark("read", begin);

    let mut outputs = Default::default();
    for _ in 0..args.iterations {
        let begin = Instant::now();
        outputs = model::infer(&plan, &input)?;
        model::spin_until_slower(begin, args.slowdown_permille);
        marks::infer_mark(begin);
    }

    let begin = Instant::now();
    let bytes = output::little_endian(&outputs)?;
    let sha256 = output::sha256_hex(&bytes);
    if let Some(path) = &args.save {
        output::save(path, &bytes)?;
    }
    marks::output_mark(begin, &sha256);
    Ok(())
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
