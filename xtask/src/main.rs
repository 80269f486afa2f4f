//! `cargo xtask`: starts the lab, built as its work needs: long runs and benchmarks in release, the rest as tests are.

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let long = arguments.iter().any(|argument| argument == "--full")
        || matches!(arguments.first().map(String::as_str), Some("bench" | "search"));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["run", "--quiet", "--package", "seoro-lab"]);
    if long {
        command.arg("--release");
    }
    if let Some(feature) = device(&arguments).and_then(feature) {
        command.args(["--features", feature]);
    }
    match command.arg("--").args(arguments).status() {
        Ok(status) => ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)),
        Err(error) => {
            eprintln!("error: cargo could not be started: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The device that is asked for.
fn device(arguments: &[String]) -> Option<&str> {
    let place = arguments.iter().position(|argument| argument == "--device");
    let next = place.and_then(|place| arguments.get(place + 1));
    next.map(String::as_str)
        .or_else(|| arguments.iter().find_map(|argument| argument.strip_prefix("--device=")))
}

/// The feature of the lab that has a device; the lab says which devices there are.
fn feature(device: &str) -> Option<&'static str> {
    match device {
        "gpu" | "software-gpu" => Some("gpu"),
        "ndarray" => Some("ndarray"),
        _ => None,
    }
}
