//! A module that is kept with its model loaded: its memory after loading becomes its memory at the start.
//!
//! Whoever makes it (Wizer) calls `wizer.initialize` once, with the model, its input's shape and its outputs in the
//! environment, and writes the memory back into the module. `main` then finds the plan and goes on from there.

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::Instant;

use crate::args::parse_shape;
use crate::model::Plan;

thread_local! {
    static KEPT: RefCell<Option<Plan>> = const { RefCell::new(None) };
}

/// The plan that this module was kept with; None if it was not.
pub fn take() -> Option<Plan> {
    KEPT.with_borrow_mut(Option::take)
}

unsafe extern "C" {
    /// Runs the constructors of the module's statics, such as those by which tract registers its kernels; made by the
    /// linker. A command runs them at its start, but what is called here is not its start.
    fn __wasm_call_ctors();
}

/// Loads the model that `INFER_MODEL`, `INFER_SHAPE` and `INFER_OUTPUTS` name, for `main` to find.
#[export_name = "wizer.initialize"]
extern "C" fn initialize() {
    // SAFETY: nothing of this module has run yet. The start runs them again; what they register then is there already.
    unsafe { __wasm_call_ctors() };
    if let Err(why) = load() {
        crate::fail(crate::EXIT_BAD_MODEL, &why);
    }
}

fn load() -> Result<(), String> {
    let variable = |name: &str| std::env::var(name).map_err(|why| format!("{name}: {why}"));
    let model = PathBuf::from(variable("INFER_MODEL")?);
    let shape = parse_shape(&variable("INFER_SHAPE")?)?;
    let outputs: Vec<String> = variable("INFER_OUTPUTS")?.split(',').map(String::from).collect();
    let plan =
        crate::load(&model, &shape, &outputs, Instant::now(), |_, _| ()).map_err(|why| crate::chain(why.as_ref()))?;
    KEPT.with_borrow_mut(|kept| *kept = Some(plan));
    Ok(())
}
