//! Files into columns: delimited text, rows of items, sessions, atomic files, JSON lines and Parquet; texts may be packed
//! as `.gz` or `.zst`, and are read in blocks.
//!
//! Tables of what is known of users and items become [`Features`](crate::Features).
//!
//! A [`Format`] says how a file is written; [`read_log`] makes a [`Log`](crate::Log) of one file, and a [`LogReader`] of
//! several that share their ids. The blocks of a file are parsed on all threads of the rayon pool in force; ids get
//! their rows in the file's order.

mod delimited;
mod error;
mod ids;
#[cfg(feature = "json")]
mod json;
mod lists;
mod number;
#[cfg(feature = "parquet")]
mod parquet;
mod reader;
mod recipe;
mod scan;
mod source;
mod table;

pub use error::ReadError;
pub use reader::{Columns, LogReader, read_log};
#[cfg(any(feature = "json", feature = "parquet"))]
pub use recipe::Keyed;
pub use recipe::{Atomic, Delimited, Encoding, Format, Place, Rows, Sessions, TimeUnit};
pub use table::{Feature, FeatureKind, Table, read_atomic_features, read_features};
