//! Reads vectors in word2vec's text format and names those most similar to one.

#![allow(clippy::print_stdout)]

use seoro_item2vec::Vectors;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = "4 2\ntea 1 0.1\ncoffee 0.9 0.3\nrice 0.1 1\nbread 0.2 0.9\n";
    let vectors = Vectors::read_text(text.as_bytes())?;
    for (name, cosine) in vectors.similar("tea", 3)? {
        println!("{name:<8} {cosine:.3}");
    }
    Ok(())
}
