//! Files into columns: delimited text, rows of items, sessions; plain, `.gz` or `.zst`, read in blocks.
//!
//! A [`Format`] says how a file is written; [`read_log`] makes a [`Log`](crate::Log) of one file, and a [`LogReader`] of
//! several that share their ids. The blocks of a file are parsed on all threads of the rayon pool in force; ids get
//! their rows in the file's order.

mod delimited;
mod error;
mod ids;
mod lists;
mod number;
mod reader;
mod recipe;
mod scan;
mod source;

pub use error::ReadError;
pub use reader::{Columns, LogReader, read_log};
pub use recipe::{Delimited, Encoding, Format, Place, Rows, Sessions, TimeUnit};
