//! tract 0.22 under the names that the guest's sources use, which are those of 0.23.

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
    }

    pub mod ops {
        pub use older::tract_hir::ops::*;

        pub mod array {
            pub use older::tract_hir::ops::array::*;

            pub use crate::since_0_23::Reshape;
        }
    }
}
