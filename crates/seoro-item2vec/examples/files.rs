//! Turns a file of vectors into another format, and names the words most similar to one:
//! `cargo run --example files -- FROM TO [NAME]`. Ends of names say what a file is: `.bin` and `.txt` are word2vec's two
//! formats, `.safetensors` a file of tensors. Without arguments, turns a small file of its own.

#![allow(clippy::print_stdout)]

use seoro_core::replace_file;
use seoro_item2vec::{Vectors, VectorsError};
use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

fn end(path: &Path) -> &str {
    path.extension().and_then(|end| end.to_str()).unwrap_or_default()
}

fn read(path: &Path) -> Result<Vectors, Box<dyn Error>> {
    let file = BufReader::new(File::open(path)?);
    Ok(match end(path) {
        "bin" => Vectors::read_binary(file)?,
        "txt" => Vectors::read_text(file)?,
        "safetensors" => Vectors::read_safetensors(file)?,
        other => return Err(format!("{other:?}: expected bin, txt or safetensors").into()),
    })
}

fn write(vectors: &Vectors, path: &Path) -> Result<(), Box<dyn Error>> {
    let put: fn(&Vectors, &mut dyn Write) -> Result<(), VectorsError> = match end(path) {
        "bin" => |vectors, out| vectors.write_binary(out),
        "txt" => |vectors, out| vectors.write_text(out),
        "safetensors" => |vectors, out| vectors.write_safetensors(out),
        other => return Err(format!("{other:?}: expected bin, txt or safetensors").into()),
    };
    Ok(replace_file(path, |file| put(vectors, &mut BufWriter::new(file)).map_err(std::io::Error::other))?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (from, to, name) = match arguments.as_slice() {
        [from, to] => (from.into(), to.into(), None),
        [from, to, name] => (from.into(), to.into(), Some(name.as_str())),
        _ => {
            let folder = std::env::temp_dir();
            let own = folder.join(format!("seoro-files-{}.txt", std::process::id()));
            std::fs::write(&own, "3 2\ntea 1 0.1\ncoffee 0.9 0.3\nrice 0.1 1\n")?;
            (own.clone(), own.with_extension("safetensors"), Some("tea"))
        }
    };
    let vectors = read(&from)?;
    write(&vectors, &to)?;
    for (name, cosine) in name.map_or(Ok(Vec::new()), |name| vectors.similar(name, 10))? {
        println!("{name}\t{cosine:.6}");
    }
    if arguments.is_empty() {
        std::fs::remove_file(from)?;
        std::fs::remove_file(to)?;
    }
    Ok(())
}
