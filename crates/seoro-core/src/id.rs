//! Dense row numbers of users and items; the raw ids of a data set live in a [`Vocab`](crate::Vocab).

use serde::{Deserialize, Serialize};

macro_rules! row_id {
    ($name:ident, $what:literal) => {
        #[doc = concat!("The row of ", $what, ": dense, starting at 0, below 2^32.")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        #[repr(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// The row as an index into a slice.
            #[inline]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

row_id!(UserId, "a user (in session data: of a session)");
row_id!(ItemId, "an item");
