//! Learns the words of a text file and writes their vectors in word2vec's binary format:
//! `cargo run --release --example learn -- TEXT VECTORS`. Without arguments, learns a small text of its own.

#![allow(clippy::print_stdout)]

use seoro_core::{Seed, replace_file};
use seoro_item2vec::{Corpus, Progress, Run, Take, TextFile, Word2Vec};
use std::io::BufWriter;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let own = "green tea is hot\nblack tea is hot\nice cream is cold\niced coffee is cold\n".repeat(200);
    let text: Box<dyn Corpus> = match arguments.first() {
        Some(path) => Box::new(TextFile::open(path)?),
        None => Box::new(own.as_str()),
    };
    let mut tell = |now: Progress| {
        let speed = now.words as f64 / now.seconds;
        println!(
            "epoch {}/{}: {} of {} words, {speed:.0} a second",
            now.epoch, now.epochs, now.words, now.total
        );
    };
    let mut run = Run::new(Seed::new(1));
    run.observe = Some(&mut tell);
    let vectors = Word2Vec::default().fit(&*text, &mut run)?.vectors(Take::Centre)?;
    match arguments.get(1) {
        Some(path) => {
            replace_file(path.as_ref(), |file| {
                vectors.write_binary(BufWriter::new(file)).map_err(std::io::Error::other)
            })?;
        }
        None => {
            for (name, cosine) in vectors.similar("tea", 3)? {
                println!("{name:<8} {cosine:.3}");
            }
        }
    }
    Ok(())
}
