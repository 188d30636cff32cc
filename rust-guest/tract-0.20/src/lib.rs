//! tract 0.20 of 2023 under the names that the guest's sources use, which are those of 0.23: all that differs is here
//! and in `since_0_23`, so that the sources need not know which tract they are built on.

#[path = "../../tract-0.22/src/since_0_23.rs"]
mod since_0_23;

pub use older::{model, ops, tfpb};

pub mod prelude {
    pub use older::prelude::*;

    pub use crate::since_0_23::{PlainRam, TypedRunnableModel};
}

pub mod tract_hir {
    pub use older::tract_hir::{infer, prelude, tract_core};

    pub mod internal {
        pub use older::tract_hir::internal::*;

        pub use crate::since_0_23::{PlainRam, SelectOutlets};

        /// An operator's name.
        pub type StaticName = Cow<'static, str>;
    }

    pub mod ops {
        pub use older::tract_hir::ops::*;

        pub mod array {
            pub use older::tract_hir::ops::array::*;

            pub use crate::since_0_23::Reshape;
        }

        pub mod konst {
            use std::sync::Arc;

            use older::prelude::{Tensor, TractResult};
            use older::tract_hir::ops::konst::Const as OlderConst;

            /// Makes a constant.
            #[derive(Debug)]
            pub struct Const;

            impl Const {
                /// Later ones check the tensor; that of 2023 takes it as it is.
                #[allow(clippy::new_ret_no_self, reason = "called as later ones are, it gives that of 2023")]
                pub fn new(tensor: Arc<Tensor>) -> TractResult<OlderConst> {
                    Ok(OlderConst::new(tensor))
                }
            }
        }
    }
}
