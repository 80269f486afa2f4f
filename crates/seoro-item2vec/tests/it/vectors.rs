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
fn binary_files_are_read_bit_for_bit_with_and_without_line_ends() {
    let vectors = random(50, 7);
    let mut bytes = Vec::new();
    vectors.write_binary(&mut bytes).unwrap();
    assert_eq!(Vectors::read_binary(bytes.as_slice()).unwrap(), vectors);
    // As gensim writes them.
    let mut joined = b"50 7\n".to_vec();
    for row in 0..50 {
        joined.extend(format!("item-{row} ").bytes());
        joined.extend(vectors.matrix().row(row).iter().flat_map(|number| number.to_le_bytes()));
    }
    assert_eq!(Vectors::read_binary(joined.as_slice()).unwrap(), vectors);
}

#[test]
fn damaged_binary_files_are_errors() {
    let mut bytes = Vec::new();
    random(5, 3).write_binary(&mut bytes).unwrap();
    for len in 0..bytes.len() - 1 {
        assert!(Vectors::read_binary(&bytes[..len]).is_err(), "cut to {len} bytes");
    }
    assert!(matches!(
        Vectors::read_binary([&bytes[..], b"more"].concat().as_slice()),
        Err(VectorsError::Binary { vector: 5, expected: "the end" })
    ));
    let place = |bytes: &[u8]| match Vectors::read_binary(bytes) {
        Err(VectorsError::Binary { vector, .. }) => Some(vector),
        _ => None,
    };
    assert_eq!(place(b"2 1\na \0\0\0\0a \0\0\0\0"), Some(1), "a name twice");
    assert_eq!(place(b"1 1\na \0\0\xc0\x7f"), Some(0), "not a number");
    assert_eq!(place(b"1 1\n\xff \0\0\0\0"), Some(0), "a name that is no text");
    // What a header claims is not allocated.
    assert_eq!(place(b"4000000000 4000000000\na "), Some(0));
    assert!(matches!(Vectors::read_binary(&b"4000000000\n"[..]), Err(VectorsError::Line { line: 1, .. })));
}

#[test]
fn names_with_blanks_are_refused_by_formats_that_end_names_there() {
    let mut names = Vocab::new();
    names.intern("two words").unwrap();
    let vectors = Vectors::new(names, Matrix::zeros(1, 2)).unwrap();
    assert!(matches!(vectors.write_text(Vec::new()), Err(VectorsError::Name { .. })));
    assert!(matches!(vectors.write_binary(Vec::new()), Err(VectorsError::Name { .. })));
}

#[test]
fn what_does_not_match_is_the_farthest_from_the_mean() {
    let text = "4 2\na 1 0.1\nb 1 -0.1\nc 2 0\nd -1 1\n";
    let vectors = Vectors::read_text(text.as_bytes()).unwrap();
    assert_eq!(vectors.doesnt_match(&["a", "d", "b", "c"]).unwrap(), "d");
    assert!(matches!(vectors.doesnt_match(&["a", "e"]), Err(VectorsError::Unknown { .. })));
    assert!(matches!(vectors.doesnt_match(&[]), Err(VectorsError::Unknown { .. })));
}

#[test]
fn analogies_and_judgements_are_counted_over_known_words() {
    let text = "5 2\nman 1 0\nking 1 1\nwoman 0 0.1\nqueen 0 1\nchild 1 -1\n";
    let vectors = Vectors::read_text(text.as_bytes()).unwrap();
    let questions = [
        ["man", "king", "woman", "queen"],
        ["man", "king", "woman", "child"],
        ["man", "king", "duke", "queen"],
    ];
    let answers = vectors.answers(questions, None);
    assert_eq!((answers.right, answers.covered, answers.questions), (1, 2, 3));
    assert_eq!(vectors.answers(questions, Some(4)).covered, 1);
    let agreement = vectors.agreement([
        ("man", "king", 5.0),
        ("man", "child", 5.0),
        ("man", "woman", 1.0),
        ("queen", "woman", 9.0),
        ("man", "duke", 9.0),
    ]);
    assert_eq!((agreement.covered, agreement.pairs), (4, 5));
    assert!((agreement.spearman - 1.0).abs() < 1e-12);
}

#[test]
fn cosines_do_not_hang_on_lengths() {
    let text = "5 2\na 1e-30 0\nb 1e30 1e30\nc 0 0\nd 0 0\ne 0 1e-12\n";
    let vectors = Vectors::read_text(text.as_bytes()).unwrap();
    assert!(vectors.similar("c", 4).unwrap().iter().all(|&(_, cosine)| cosine == 0.0));
    let far = Vectors::read_text("2 1\na 1e-12\nb 1e12\n".as_bytes()).unwrap();
    assert!((far.similar("a", 1).unwrap()[0].1 - 1.0).abs() < 1e-6);
    // All that could be answered is asked.
    let three = Vectors::read_text("3 1\na 1\nb 2\nc 3\n".as_bytes()).unwrap();
    assert_eq!(three.answers([["a", "b", "c", "a"]], None).right, 0);
}

#[test]
fn tensors_and_arrays_are_read_bit_for_bit() {
    let vectors = random(50, 7);
    let mut file = Vec::new();
    vectors.write_safetensors(&mut file).unwrap();
    assert_eq!(Vectors::read_safetensors(file.as_slice()).unwrap(), vectors);
    let folder = tempfile::tempdir().unwrap();
    let (numbers, names) = (folder.path().join("items.npy"), folder.path().join("items.txt"));
    vectors.write_npy(&numbers, &names).unwrap();
    assert_eq!(Vectors::read_npy(&numbers, &names).unwrap(), vectors);
    std::fs::write(&names, "item-0\nitem-1\n").unwrap();
    let short = Vectors::read_npy(&numbers, &names);
    assert_eq!(
        short.unwrap_err().to_string(),
        format!("{}: 2 names for 50 vectors; expected one each", names.display())
    );
    std::fs::write(&names, "a\na\n").unwrap();
    let twice = Vectors::read_npy(&numbers, &names).unwrap_err().to_string();
    assert!(twice.starts_with(&format!("{}: line 2", names.display())), "{twice}");
    let other = folder.path().join("items.fvecs");
    for refused in [vectors.write_npy(&other, &names), Vectors::read_npy(&other, &names).map(|_| ())] {
        assert!(matches!(refused, Err(VectorsError::Extension { path }) if path == other));
    }
    assert!(!other.exists());
    let missing = Vectors::read_npy(&folder.path().join("none.npy"), &names);
    assert!(matches!(missing, Err(VectorsError::File(_))));
}

/// Any byte changed or missing gives an error or other numbers, and nothing else.
#[test]
fn damaged_tensors_are_errors() {
    let mut file = Vec::new();
    random(3, 2).write_safetensors(&mut file).unwrap();
    for end in 0..file.len() {
        let cut = Vectors::read_safetensors(&file[..end]);
        assert!(matches!(cut, Err(VectorsError::Safetensors { .. })), "{end}");
    }
    for place in 0..file.len() {
        for bit in 0..8 {
            let mut damaged = file.clone();
            damaged[place] ^= 1 << bit;
            if let Ok(vectors) = Vectors::read_safetensors(damaged.as_slice()) {
                assert!(vectors.matrix().as_slice().iter().all(|number| number.is_finite()));
            }
        }
    }
    let mut other = Vec::new();
    random(2, 2).write_binary(&mut other).unwrap();
    assert!(matches!(Vectors::read_safetensors(other.as_slice()), Err(VectorsError::Safetensors { .. })));
}
