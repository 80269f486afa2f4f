//! A peer: a Python script that does the same work when told `go`.

use super::work::Answer;
use crate::{LabError, workplace};
use serde::Deserialize;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running peer.
pub(crate) struct Peer {
    script: String,
    pub(super) name: String,
    pub(super) version: String,
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

#[derive(Deserialize)]
struct Ready {
    peer: String,
    version: String,
}

impl Peer {
    pub(crate) fn start(python: &Path, script: &str, told: &serde_json::Value) -> Result<Self, LabError> {
        let path = workplace::root().join("benches/peers").join(format!("{script}.py"));
        let failed = |what: String| LabError::Peer { peer: script.to_owned(), what };
        let mut command = Command::new(python);
        // NumPy reads its threads when it is imported, before the first line is.
        if let Some(threads) = told["threads"].as_u64() {
            command.env("OPENBLAS_NUM_THREADS", threads.to_string());
        }
        let mut child = command
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(format!("{}: {error}", python.display())))?;
        let (Some(mut to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("no pipes to the script".to_owned()));
        };
        writeln!(to, "{told}").map_err(|error| failed(error.to_string()))?;
        let mut from = BufReader::new(from);
        let ready: Ready = read_line(&mut from).map_err(failed)?;
        Ok(Self { script: script.to_owned(), name: ready.peer, version: ready.version, child, to, from })
    }

    /// One repetition of a peer that does one thing.
    pub(crate) fn go(&mut self) -> Result<Answer, LabError> {
        self.say("go")
    }

    /// What a peer that takes commands says of one.
    pub(super) fn ask<T: for<'de> Deserialize<'de>>(
        &mut self,
        command: &serde_json::Value,
    ) -> Result<T, LabError> {
        self.say(&command.to_string())
    }

    fn say<T: for<'de> Deserialize<'de>>(&mut self, line: &str) -> Result<T, LabError> {
        let answer = writeln!(self.to, "{line}").map_err(|error| error.to_string());
        let answer = answer.and_then(|()| read_line(&mut self.from));
        answer.map_err(|what| LabError::Peer { peer: self.script.clone(), what })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The peer has nothing to lose: it holds no file.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_line<T: for<'de> Deserialize<'de>>(from: &mut BufReader<ChildStdout>) -> Result<T, String> {
    let mut line = String::new();
    match from.read_line(&mut line) {
        Ok(0) => Err("ended without an answer".to_owned()),
        Ok(_) => serde_json::from_str(&line).map_err(|error| format!("{error} in {line:?}")),
        Err(error) => Err(error.to_string()),
    }
}

/// Annoy's own flags, with the processor's instructions.
const ANNOY_FLAGS: &str =
    "-O3,-march=native,-ffast-math,-fno-associative-math,-std=c++14,-DANNOYLIB_MULTITHREADED_BUILD";

/// The Python that has the peers: made once below the target folder, from benches/peers/requirements.txt.
pub fn python() -> Result<PathBuf, LabError> {
    let folder = workplace::target().join("peers");
    let python = folder.join("bin/python");
    let done = folder.join("installed");
    let requirements = workplace::root().join("benches/peers/requirements.txt");
    let wanted = std::fs::read_to_string(&requirements).map_err(LabError::io(&requirements))?;
    if std::fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    command(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    let mut install = Command::new(&python);
    // Annoy leaves AVX out where its compiler is told nothing.
    install.env("ANNOY_COMPILER_ARGS", ANNOY_FLAGS);
    command(install.args(["-m", "pip", "install", "--quiet", "-r"]).arg(&requirements))?;
    workplace::write_whole(&done, wanted.as_bytes())?;
    Ok(python)
}

fn command(command: &mut Command) -> Result<(), LabError> {
    let name = command.get_program().to_string_lossy().into_owned();
    let failed = |what: String| LabError::Peer { peer: name.clone(), what };
    let status = command.stdout(Stdio::null()).status().map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(status.to_string())) }
}
