//! `cargo xtask`: starts the lab with the features its work needs.
fn main() {}
