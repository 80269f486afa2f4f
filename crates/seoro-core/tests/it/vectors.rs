//! Vectors in binary files.

use proptest::prelude::*;
use seoro_core::vectors::{Vecs, VectorsError, read, read_npy, read_vecs, write, write_npy, write_vecs};
use seoro_core::{Matrix, Rng, Seed};
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[test]
fn what_numpy_saved_is_read() {
    let f4 = [0.5, -1.25, 3e-5, 65504.0, 0.0, -0.0];
    let read_f4 = read(fixture("two_by_three_f4.npy")).unwrap();
    assert_eq!((read_f4.rows(), read_f4.cols()), (2, 3));
    assert!(
        read_f4
            .as_slice()
            .iter()
            .zip(f4)
            .all(|(&ours, numpys): (&f32, f32)| ours.to_bits() == numpys.to_bits())
    );
    assert_eq!(read(fixture("two_by_three_f8.npy")).unwrap(), read_f4);
    // The third number is subnormal in 16 bits.
    let f2 = read(fixture("two_by_three_f2.npy")).unwrap();
    assert_eq!(f2.as_slice(), [0.5, -1.25, 2.998_113_6e-5, 65504.0, 0.0, -0.0]);
}

#[test]
fn what_is_written_is_what_numpy_saves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two.npy");
    write(&path, &read(fixture("two_by_three_f4.npy")).unwrap()).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), std::fs::read(fixture("two_by_three_f4.npy")).unwrap());
}

#[test]
fn what_is_not_supported_is_said() {
    let said = |name: &str| read(fixture(name)).unwrap_err().to_string();
    let expected = "numbers of type \"<i4\"; expected <f4, <f8 or <f2: floats, little-endian";
    assert!(said("two_by_three_i4.npy").ends_with(expected));
    assert!(said("two_by_three_be.npy").contains("numbers of type \">f4\""));
    assert!(said("two_by_three_fortran.npy").contains("Fortran's order; expected C order"));
    assert!(said("three.npy").ends_with("an array of shape (3,); expected two axes: vectors and numbers"));
    assert!(
        said("make_npy.py").ends_with("a name that ends in \"py\"; expected .fvecs, .ivecs, .bvecs or .npy")
    );
    assert!(matches!(read("none.fvecs"), Err(VectorsError::Io { .. })));
}

#[test]
fn numbers_that_the_other_side_lacks_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let vectors = Matrix::from_vec(2, 2, vec![0.0, 255.0, 3.0, 256.0]).unwrap();
    write(path("v.ivecs"), &vectors).unwrap();
    assert_eq!(read(path("v.ivecs")).unwrap(), vectors);
    let error = write(path("v.bvecs"), &vectors).unwrap_err().to_string();
    assert!(
        error.ends_with("v.bvecs: vector 1, dimension 1: 256; expected a whole number from 0 to 255"),
        "{error}"
    );
    for bad in [0.5, f32::NAN, 3e9] {
        let vectors = Matrix::from_vec(1, 2, vec![1.0, bad]).unwrap();
        let error = write(path("w.ivecs"), &vectors).unwrap_err();
        assert!(matches!(error, VectorsError::Number { row: 0, place: 1, .. }), "{error}");
    }
    let large = [
        1i32.to_le_bytes(),
        (1i32 << 24).to_le_bytes(),
        1i32.to_le_bytes(),
        ((1i32 << 24) + 1).to_le_bytes(),
    ];
    std::fs::write(path("l.ivecs"), large.concat()).unwrap();
    assert!(matches!(read(path("l.ivecs")), Err(VectorsError::Number { row: 1, place: 0, .. })));
    for name in ["z.fvecs", "z.npy"] {
        assert!(matches!(write(path(name), &Matrix::zeros(3, 0)), Err(VectorsError::Unsupported { .. })));
    }
    // Neither those that were refused nor their parts.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn damage_is_found_at_its_vector_and_byte() {
    let at = |content: &[u8]| match read_vecs::<f32>(Path::new("v"), &mut &content[..]) {
        Err(VectorsError::Damaged { row, at, .. }) => (row, at),
        other => panic!("{other:?}"),
    };
    let vector = |dim: u32, numbers: usize| [&dim.to_le_bytes()[..], &vec![0; 4 * numbers]].concat();
    assert_eq!(at(&[1, 0]), (0, 2));
    assert_eq!(at(&vector(0, 0)), (0, 4));
    assert_eq!(at(&vector(u32::MAX, 5)), (0, 4));
    assert_eq!(at(&vector(3, 2)), (0, 12));
    assert_eq!(at(&[vector(2, 2), vector(3, 3)].concat()), (1, 16));
    assert_eq!(at(&[vector(2, 2), vector(2, 1)].concat()), (1, 20));
    let empty = read_vecs::<u8>(Path::new("v"), &mut &[][..]).unwrap();
    assert_eq!((empty.rows(), empty.dim()), (0, 0));
}

fn random(rows: usize, dim: usize, rng: &mut Rng) -> Matrix {
    Matrix::from_vec(rows, dim, (0..rows * dim).map(|_| rng.normal() as f32).collect()).unwrap()
}

/// Changes some bytes, or the end.
fn mutate(bytes: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..=rng.below(3) {
        let place = rng.below(bytes.len().max(1) as u32) as usize;
        match rng.below(5) {
            0 => bytes.truncate(place),
            1 => bytes.extend((0..rng.below(20)).map(|byte| byte as u8)),
            _ => bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte = rng.below(256) as u8),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn what_is_written_is_read_again(rows in 0usize..40, dim in 1usize..30, seed in 0u64..1000) {
        let (path, vectors) = (Path::new("v"), random(rows, dim, &mut Seed::new(seed).rng()));
        let mut npy = Vec::new();
        write_npy(&mut npy, &vectors, path).unwrap();
        prop_assert_eq!((npy.len() - 4 * rows * dim) % 64, 0);
        prop_assert_eq!(read_npy(path, &mut &npy[..]).unwrap(), vectors.clone());
        let floats = Vecs::new(dim, vectors.as_slice().to_vec()).unwrap();
        let whole = Vecs::new(dim, vectors.as_slice().iter().map(|&x| (x * 1e9) as i32).collect()).unwrap();
        let bytes = Vecs::new(dim, vectors.as_slice().iter().map(|&x| (x * 99.0) as u8).collect()).unwrap();
        let (mut fvecs, mut ivecs, mut bvecs) = (Vec::new(), Vec::new(), Vec::new());
        write_vecs(&mut fvecs, &floats, path).unwrap();
        write_vecs(&mut ivecs, &whole, path).unwrap();
        write_vecs(&mut bvecs, &bytes, path).unwrap();
        prop_assert_eq!(bvecs.len(), rows * (4 + dim));
        // Without vectors nothing says their dimension.
        if rows > 0 {
            prop_assert_eq!(read_vecs(path, &mut &fvecs[..]).unwrap(), floats);
            prop_assert_eq!(read_vecs(path, &mut &ivecs[..]).unwrap(), whole);
            prop_assert_eq!(read_vecs(path, &mut &bvecs[..]).unwrap(), bytes);
        }
    }

    #[test]
    fn whatever_the_bytes_are_there_is_an_answer(seed in any::<u64>()) {
        let mut rng = Seed::new(seed).rng();
        let (path, vectors) = (Path::new("v"), random(5, 3, &mut rng));
        let (mut npy, mut fvecs) = (Vec::new(), Vec::new());
        write_npy(&mut npy, &vectors, path).unwrap();
        write_vecs(&mut fvecs, &Vecs::new(3, vectors.as_slice().to_vec()).unwrap(), path).unwrap();
        mutate(&mut npy, &mut rng);
        mutate(&mut fvecs, &mut rng);
        // As many numbers as bytes, or an error.
        if let Ok(read) = read_npy(path, &mut &npy[..]) {
            prop_assert!(read.as_slice().len() <= npy.len());
        }
        if let Ok(read) = read_vecs::<f32>(path, &mut &fvecs[..]) {
            prop_assert_eq!(4 * (read.rows() + read.as_slice().len()), fvecs.len());
        }
    }
}
