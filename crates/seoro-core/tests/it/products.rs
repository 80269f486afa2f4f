//! Dense and sparse products against three nested loops.

use proptest::prelude::*;
use seoro_core::gemm::{View, ViewMut, gemm};
use seoro_core::{Csr, Matrix, Seed};

fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let mut rng = Seed::new(seed).rng();
    (0..len).map(|_| rng.normal() as f32).collect()
}

/// A random sparse matrix with about a third of its cells set.
fn sparse(seed: u64, rows: usize, cols: usize) -> Csr {
    let mut rng = Seed::new(seed).rng();
    let (mut starts, mut columns, mut values) = (vec![0], vec![], vec![]);
    for _ in 0..rows {
        for column in 0..cols as u32 {
            if rng.below(3) == 0 {
                columns.push(column);
                values.push(rng.normal() as f32);
            }
        }
        starts.push(columns.len());
    }
    Csr::new(starts, columns, values, cols).unwrap()
}

fn dense(csr: &Csr) -> Vec<Vec<f64>> {
    let mut rows = vec![vec![0.0; csr.cols()]; csr.rows()];
    for (row, cells) in rows.iter_mut().enumerate() {
        csr.row(row).for_each(|(column, value)| cells[column as usize] = f64::from(value));
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn gemm_is_three_loops(
        (m, k, n) in (0usize..40, 0usize..80, 0usize..40),
        (pad, turn) in (0usize..3, 0u8..8),
        (alpha, beta) in (-2f32..2.0, prop_oneof![Just(0f32), -2f32..2.0]),
        parallel: bool,
    ) {
        let [turn_a, turn_b, turn_c] = [1, 2, 4].map(|bit| turn & bit != 0);
        let shape = |rows: usize, cols: usize, turned: bool| if turned { (cols, rows) } else { (rows, cols) };
        let at = |data: &[f32], (_, cols): (usize, usize), turned: bool, row: usize, col: usize| {
            let (row, col) = if turned { (col, row) } else { (row, col) };
            f64::from(data[row * (cols + pad) + col])
        };
        let (a_shape, b_shape, c_shape) = (shape(m, k, turn_a), shape(k, n, turn_b), shape(m, n, turn_c));
        let make = |seed, (rows, cols): (usize, usize)| numbers(seed, rows * (cols + pad));
        let (a, b, before) = (make(1, a_shape), make(2, b_shape), make(3, c_shape));
        let mut c = before.clone();
        let view = |data, (rows, cols): (usize, usize), turned| {
            let view = View::strided(data, rows, cols, cols + pad);
            if turned { view.transposed() } else { view }
        };
        let target = ViewMut::strided(&mut c, c_shape.0, c_shape.1, c_shape.1 + pad);
        let target = if turn_c { target.transposed() } else { target };
        gemm(alpha, view(&a, a_shape, turn_a), view(&b, b_shape, turn_b), beta, target, parallel);
        for row in 0..m {
            for col in 0..n {
                let sum: f64 = (0..k)
                    .map(|term| at(&a, a_shape, turn_a, row, term) * at(&b, b_shape, turn_b, term, col))
                    .sum();
                let expected = f64::from(alpha) * sum + f64::from(beta) * at(&before, c_shape, turn_c, row, col);
                let found = at(&c, c_shape, turn_c, row, col);
                prop_assert!((found - expected).abs() < 1e-4, "({row}, {col}): {found}, expected {expected}");
            }
        }
        // What lies between the rows stays as it was.
        for row in 0..c_shape.0 {
            let gap = row * (c_shape.1 + pad) + c_shape.1..(row + 1) * (c_shape.1 + pad);
            prop_assert_eq!(&c[gap.clone()], &before[gap]);
        }
    }

    #[test]
    fn sparse_times_dense_is_three_loops(rows in 0usize..150, cols in 0usize..30, dim in 0usize..80) {
        let csr = sparse(4, rows, cols);
        let right = Matrix::from_vec(cols, dim, numbers(5, cols * dim)).unwrap();
        let mut product = Matrix::from_vec(1, 1, vec![f32::NAN]).unwrap();
        csr.times(&right, &mut product);
        prop_assert_eq!((product.rows(), product.cols()), (rows, dim));
        for (row, cells) in dense(&csr).iter().enumerate() {
            for col in 0..dim {
                let expected: f64 = (0..cols).map(|c| cells[c] * f64::from(right.row(c)[col])).sum();
                prop_assert!((f64::from(product.row(row)[col]) - expected).abs() < 1e-5);
            }
        }
    }
}

#[test]
fn with_beta_0_the_old_result_is_not_read() {
    let mut c = [f32::NAN; 2];
    gemm(1.0, View::new(&[1.0, 2.0], 2, 1), View::new(&[3.0], 1, 1), 0.0, ViewMut::new(&mut c, 2, 1), false);
    assert_eq!(c, [3.0, 6.0]);
    gemm(1.0, View::new(&[], 2, 0), View::new(&[], 0, 1), 0.0, ViewMut::new(&mut c, 2, 1), false);
    assert_eq!(c, [0.0, 0.0], "a product of no terms is 0");
}

#[test]
#[should_panic(expected = "do not hold")]
fn a_view_beyond_its_slice_is_refused() {
    View::strided(&[0.0; 7], 2, 3, 5);
}

#[test]
#[should_panic(expected = "overlap")]
fn rows_that_overlap_are_refused() {
    ViewMut::strided(&mut [0.0; 7], 2, 3, 2);
}

#[test]
#[should_panic(expected = "C [M, N]")]
fn shapes_that_do_not_fit_are_refused() {
    gemm(
        1.0,
        View::new(&[0.0; 4], 2, 2),
        View::new(&[0.0; 3], 3, 1),
        0.0,
        ViewMut::new(&mut [0.0; 2], 2, 1),
        false,
    );
}

#[test]
fn a_sparse_product_is_the_same_on_any_number_of_threads() {
    let csr = sparse(6, 1000, 60);
    let right = Matrix::from_vec(60, 70, numbers(7, 60 * 70)).unwrap();
    let [one, three] = [1, 3].map(|threads| {
        let mut product = Matrix::default();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| csr.times(&right, &mut product));
        product
    });
    assert_eq!(one, three);
}

#[test]
fn sums_norms_and_scaling_are_those_of_the_dense_matrix() {
    let mut csr = sparse(8, 40, 30);
    let cells = dense(&csr);
    let near = |found: &[f32], expected: Vec<f64>| {
        assert_eq!(found.len(), expected.len());
        found
            .iter()
            .zip(expected)
            .for_each(|(&found, expected)| assert!((f64::from(found) - expected).abs() < 1e-5));
    };
    let column = |c: usize| cells.iter().map(move |row| row[c]);
    near(&csr.row_sums(), cells.iter().map(|row| row.iter().sum()).collect());
    near(&csr.row_norms(), cells.iter().map(|row| row.iter().map(|x| x * x).sum::<f64>().sqrt()).collect());
    near(&csr.column_sums(), (0..30).map(|c| column(c).sum()).collect());
    near(&csr.column_norms(), (0..30).map(|c| column(c).map(|x| x * x).sum::<f64>().sqrt()).collect());
    let counts: Vec<u32> = (0..30).map(|c| column(c).filter(|&x| x != 0.0).count() as u32).collect();
    assert_eq!(csr.column_counts(), counts);

    let (rows, columns) = (numbers(9, 40), numbers(10, 30));
    csr.scale_rows(&rows);
    csr.scale_columns(&columns);
    for (row, (found, before)) in dense(&csr).iter().zip(&cells).enumerate() {
        let factor = |c: usize| f64::from(rows[row]) * f64::from(columns[c]);
        let expected: Vec<f64> = (0..30).map(|c| before[c] * factor(c)).collect();
        near(&found.iter().map(|&x| x as f32).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn matrices_are_written_as_they_are_read() {
    let matrix = Matrix::from_vec(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.5]).unwrap();
    let text = r#"{"rows":2,"cols":3,"data":[1.0,2.0,3.0,4.0,5.0,6.5]}"#;
    assert_eq!(serde_json::to_string(&matrix).unwrap(), text);
    assert_eq!(serde_json::from_str::<Matrix>(text).unwrap(), matrix);
    let csr = Csr::new(vec![0, 2, 2], vec![0, 4], vec![1.5, -2.0], 5).unwrap();
    let text = r#"{"starts":[0,2,2],"columns":[0,4],"values":[1.5,-2.0],"cols":5}"#;
    assert_eq!(serde_json::to_string(&csr).unwrap(), text);
    assert_eq!(serde_json::from_str::<Csr>(text).unwrap(), csr);
    assert!(serde_json::from_str::<Matrix>(r#"{"rows":2,"cols":3,"data":[1.0]}"#).is_err());
}
