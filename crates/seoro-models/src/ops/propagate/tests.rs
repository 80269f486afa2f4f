//! The kernel held to its portable version, to products of dense matrices, and to finite differences.

use super::super::tests::{check, cpu, near, normal};
use super::*;
use crate::graph::Normalization;
use crate::ops::numbers::host_numbers;
use burn::tensor::TensorData;
use seoro_core::Seed;

/// A graph of users and items of which some have no edge, and one item has many users.
fn graph(n_users: usize, n_items: usize, normalization: Normalization, own: bool) -> Arc<Graph> {
    let mut rng = Seed::new(4).child("edges").rng();
    let mut edges: Vec<(u32, u32)> = (0..n_users as u32 - 1).map(|user| (user, 0)).collect();
    let drawn = (0..2 * n_users).map(|_| (rng.below(n_users as u32 - 1), rng.below(n_items as u32 - 1)));
    edges.extend(drawn);
    Arc::new(Graph::from_edges(n_users, n_items, &edges, normalization, own).expect("a graph"))
}

const KINDS: [(Normalization, bool); 4] = [
    (Normalization::Symmetric, false),
    (Normalization::Symmetric, true),
    (Normalization::Left, false),
    (Normalization::Left, true),
];

/// A graph of each kind, whole and with some of its entries dropped.
fn graphs(n_users: usize, n_items: usize) -> Vec<(Arc<Graph>, Normalization, bool)> {
    let both = |(normalization, own)| {
        let whole = graph(n_users, n_items, normalization, own);
        let dropped = Arc::new(whole.dropped(0.3, Seed::new(2)));
        [(whole, normalization, own), (dropped, normalization, own)]
    };
    KINDS.into_iter().flat_map(both).collect()
}

/// Rows of one polynomial and of several, and all of them; no hop, one, and more.
fn reaches() -> Vec<Arc<Reach>> {
    let rows = || vec![0, 2, 5, 9, 10];
    let reaches = [
        Reach::rows(rows(), vec![vec![0.25; 4], vec![1.0]]),
        Reach::rows(rows(), vec![vec![1.0]]),
        Reach::rows(rows(), vec![vec![0.0, 1.0], vec![0.5, 0.0, -2.0]]),
        Reach::all(vec![vec![0.0, 1.0]]),
        Reach::all(vec![vec![1.0, 0.5, 0.25], vec![0.0, 0.0, 0.0, 1.0]]),
    ];
    reaches.into_iter().map(Arc::new).collect()
}

#[test]
fn propagation_is_its_definition() {
    for (graph, normalization, own) in graphs(5, 6) {
        for (reach, dim) in reaches().into_iter().zip([1, 5, 8].into_iter().cycle()) {
            let inputs = [(normal("x", [11, dim]), [11, dim])];
            let function = |x: &[Tensor<2>]| propagate(x[0].clone(), &graph, &reach).tanh().sum();
            let oracle = |x: &[Tensor<2>]| portable::portable(x[0].clone(), &graph, &reach).tanh().sum();
            check(&format!("{normalization:?}, {own}, {reach:?}"), &function, &oracle, &inputs);
        }
    }
}

#[test]
fn layers_written_over_leave_nothing_behind() {
    for (graph, normalization, own) in graphs(5, 6) {
        for (reach, dim) in reaches().into_iter().zip([1, 5, 64, 20].into_iter().cycle()) {
            let (x, rows) = (normal("x", [11, dim]), reach.layers().len() * reach.n_rows(11));
            let gradient = normal("gradient", [rows, dim]);
            let fresh = (forwards(&graph, &reach, &x, dim), backwards(&graph, &reach, &gradient, dim));
            for _ in 0..3 {
                graph.spare().give(Cow::Owned(vec![f32::NAN; 11 * dim]));
            }
            let again = (forwards(&graph, &reach, &x, dim), backwards(&graph, &reach, &gradient, dim));
            assert_eq!(fresh, again, "{normalization:?}, {own}, {reach:?}, {dim}");
        }
    }
}

/// The graph's matrix, or its transpose, written out.
fn written_out(graph: &Graph, is_transposed: bool) -> Vec<f64> {
    let n_nodes = graph.n_nodes();
    let mut dense = vec![0.0; n_nodes * n_nodes];
    for row in 0..n_nodes {
        let (columns, weights) = graph.row(row);
        for (&column, &weight) in columns.iter().zip(weights) {
            let (row, column) = if is_transposed { (column as usize, row) } else { (row, column as usize) };
            dense[row * n_nodes + column] = f64::from(weight);
        }
    }
    dense
}

/// The polynomial of a matrix `[N, N]`, times `x` `[N, D]`.
fn polynomial(matrix: &[f64], weights: &[f32], x: &[f64], dim: usize) -> Vec<f64> {
    let n_nodes = x.len() / dim;
    let (mut layer, mut sum) = (x.to_vec(), vec![0.0; x.len()]);
    for (hop, &weight) in weights.iter().enumerate() {
        if hop > 0 {
            let cell = |place: usize| {
                let row = &matrix[place / dim * n_nodes..][..n_nodes];
                row.iter().enumerate().map(|(node, value)| value * layer[node * dim + place % dim]).sum()
            };
            layer = (0..x.len()).map(cell).collect();
        }
        sum.iter_mut().zip(&layer).for_each(|(sum, x)| *sum += f64::from(weight) * x);
    }
    sum
}

/// As many neighbours as take three stages of sums, and more nodes than a core takes at once.
#[test]
fn large_graphs_are_propagated_as_dense_matrices_are() {
    let (dim, weights) = (16, vec![0.5, 1.0, 0.25]);
    for (graph, _, _) in graphs(300, 40) {
        let x = normal("x", [340, dim]);
        let exact: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        let rows: Vec<u32> = (0..340).filter(|row| row % 3 == 0).collect();
        let of_rows = |all: &[f64]| -> Vec<f32> {
            rows.iter().flat_map(|&row| &all[row as usize * dim..][..dim]).map(|&x| x as f32).collect()
        };
        let reach = Reach::rows(rows.clone(), vec![weights.clone()]);
        let expected = of_rows(&polynomial(&written_out(&graph, false), &weights, &exact, dim));
        near("forwards", &forwards(&graph, &reach, &x, dim), &expected, 1e-5);
        let tensor = |numbers: &[f32]| {
            let shape = [numbers.len() / dim, dim];
            Tensor::<2>::from_data(TensorData::new(numbers.to_vec(), shape), &cpu())
        };
        near("portable", &host_numbers(portable::portable(tensor(&x), &graph, &reach)), &expected, 1e-5);
        // The gradient of the rows, with zeros elsewhere, through the transpose.
        let gradient = normal("gradient", [rows.len(), dim]);
        let mut whole = vec![0.0; 340 * dim];
        for (&row, gradient) in rows.iter().zip(gradient.chunks_exact(dim)) {
            let own = whole[row as usize * dim..][..dim].iter_mut();
            own.zip(gradient).for_each(|(x, &g)| *x = f64::from(g));
        }
        let expected = polynomial(&written_out(&graph, true), &weights, &whole, dim);
        let expected: Vec<f32> = expected.iter().map(|&x| x as f32).collect();
        near("backwards", &backwards(&graph, &reach, &gradient, dim), &expected, 1e-5);
        let found = host_numbers(portable::transposed(tensor(&gradient), &graph, &reach));
        near("portable, backwards", &found, &expected, 1e-5);
    }
}

#[test]
fn threads_change_nothing() {
    let graph = graph(300, 40, Normalization::Left, true);
    let reach = Reach::rows(vec![1, 7, 301], vec![vec![0.25; 4], vec![1.0]]);
    let (x, gradient) = (normal("x", [340, 8]), normal("gradient", [6, 8]));
    let both = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| (forwards(&graph, &reach, &x, 8), backwards(&graph, &reach, &gradient, 8)))
    };
    assert_eq!(both(1), both(3));
}

#[test]
fn a_graph_without_an_edge_has_nothing_to_carry() {
    let graph = Arc::new(Graph::from_edges(2, 1, &[], Normalization::Symmetric, false).expect("a graph"));
    for device in crate::device::tested() {
        let x = Tensor::<2>::from_data(TensorData::new(vec![1.0f32; 6], [3, 2]), &device);
        let reach = Arc::new(Reach::all(vec![vec![0.5, 1.0]]));
        assert_eq!(host_numbers(propagate(x.clone(), &graph, &reach)), [0.5; 6]);
        assert_eq!(host_numbers(portable::portable(x, &graph, &reach)), [0.5; 6]);
    }
}

#[test]
#[should_panic(expected = "rows that rise strictly")]
fn a_row_is_asked_for_once() {
    let _ = Reach::rows(vec![1, 1], vec![vec![1.0]]);
}

#[test]
#[should_panic(expected = "rows of 11 nodes")]
fn a_row_beyond_the_last_is_refused() {
    let x = Tensor::zeros([11, 2], &cpu());
    let reach = Arc::new(Reach::rows(vec![11], vec![vec![1.0]]));
    let _ = propagate(x, &graph(5, 6, Normalization::Symmetric, false), &reach);
}
