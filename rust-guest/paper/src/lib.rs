//! tract of 2023 under the names that the guest knows from today's: all that differs between the two is here, so that
//! the guest's sources need not know which one they are built on.

pub use tract_2023::{model, ops, prelude, tfpb};

pub mod tract_hir {
    pub use tract_2023::tract_hir::{infer, prelude, tract_core};

    pub mod internal {
        pub use tract_2023::tract_hir::internal::*;

        /// An operator's name.
        pub type StaticName = Cow<'static, str>;
    }

    pub mod ops {
        pub use tract_2023::tract_hir::ops::*;

        pub mod konst {
            use std::sync::Arc;

            use tract_2023::prelude::{Tensor, TractResult};
            use tract_2023::tract_hir::ops::konst::Const as Const2023;

            /// Makes a constant.
            #[derive(Debug)]
            pub struct Const;

            impl Const {
                /// Today's tract checks the tensor; that of 2023 takes it as it is.
                #[allow(clippy::new_ret_no_self, reason = "called as today's is, it gives that of 2023")]
                pub fn new(tensor: Arc<Tensor>) -> TractResult<Const2023> {
                    Ok(Const2023::new(tensor))
                }
            }
        }
    }
}
