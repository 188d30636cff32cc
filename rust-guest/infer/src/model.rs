//! Optimising and running.

use std::hint::spin_loop;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tract_tensorflow::prelude::*;
use tract_tensorflow::tract_hir::infer::InferenceModel;

/// A plan ready to run.
pub type Plan = Arc<TypedRunnableModel>;

/// Infers all shapes, lets tract rewrite the graph for speed, and orders its nodes.
pub fn optimise(model: InferenceModel) -> TractResult<Plan> {
    let plan = model.into_optimized()?.into_runnable()?;
    #[allow(clippy::useless_conversion, reason = "earlier tracts give a plan that is not shared")]
    Ok(plan.into())
}

/// One inference. The input is shared, not copied.
pub fn infer(plan: &Plan, input: &TValue) -> TractResult<TVec<TValue>> {
    plan.run(tvec!(input.clone()))
}

/// Works on until the time since `begin` is longer by that many thousandths.
pub fn spin_until_slower(begin: Instant, permille: u32) {
    if permille == 0 {
        return;
    }
    let end = begin + slower(begin.elapsed(), permille);
    while Instant::now() < end {
        spin_loop();
    }
}

fn slower(elapsed: Duration, permille: u32) -> Duration {
    elapsed + elapsed * permille / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slowdown_of_fifty_permille_is_five_percent() {
        assert_eq!(slower(Duration::from_millis(200), 50), Duration::from_millis(210));
    }

    #[test]
    fn spinning_takes_the_slowdown_and_no_slowdown_takes_no_time() {
        let begin = Instant::now() - Duration::from_millis(10);
        spin_until_slower(begin, 1000);
        assert!(begin.elapsed() >= Duration::from_millis(20));
        let begin = Instant::now() - Duration::from_secs(10);
        spin_until_slower(begin, 0);
        assert!(begin.elapsed() < Duration::from_secs(11));
    }
}
