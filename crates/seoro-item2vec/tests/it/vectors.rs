use seoro_core::{Matrix, Seed, Vocab};
use seoro_item2vec::{Vectors, VectorsError};

fn random(rows: usize, cols: usize) -> Vectors {
    let mut rng = Seed::new(3).rng();
    let mut names = Vocab::new();
    (0..rows).for_each(|row| {
        names.intern(&format!("item-{row}")).unwrap();
    });
    let numbers = (0..rows * cols).map(|_| rng.normal() as f32).collect();
    Vectors::new(names, Matrix::from_vec(rows, cols, numbers).unwrap()).unwrap()
}

#[test]
fn what_is_written_is_read_bit_for_bit() {
    let vectors = random(50, 7);
    let mut text = Vec::new();
    vectors.write_text(&mut text).unwrap();
    assert_eq!(Vectors::read_text(text.as_slice()).unwrap(), vectors);
}

#[test]
fn bad_lines_are_named() {
    let line = |text: &str| match Vectors::read_text(text.as_bytes()) {
        Err(VectorsError::Line { line, .. }) => Some(line),
        _ => None,
    };
    assert_eq!(line(""), Some(1));
    assert_eq!(line("two 2\n"), Some(1));
    assert_eq!(line("2 2\na 1 2\nb 1\n"), Some(3));
    assert_eq!(line("2 2\na 1 2\nb 1 nan\n"), Some(3));
    assert_eq!(line("2 1\na 1\na 2\n"), Some(3));
    let cut = Vectors::read_text("3 1\na 1\nb 2\n".as_bytes());
    assert!(matches!(cut, Err(VectorsError::Count { names: 3, vectors: 2 })));
}

#[test]
fn similar_leaves_the_name_itself_out() {
    let vectors = random(20, 4);
    let similar = vectors.similar("item-3", 19).unwrap();
    assert_eq!(similar.len(), 19);
    assert!(similar.iter().all(|(name, cosine)| name != "item-3" && cosine.abs() <= 1.0 + 1e-6));
    assert!(similar.windows(2).all(|pair| pair[0].1 >= pair[1].1));
    assert!(matches!(vectors.similar("item-99", 1), Err(VectorsError::Unknown { .. })));
}

#[test]
fn vectors_cross_threads() {
    fn send_and_sync<T: Send + Sync>() {}
    send_and_sync::<Vectors>();
}
