//! The lab's commands: arguments in, one clear line out where something is wrong.

pub mod datasets;
