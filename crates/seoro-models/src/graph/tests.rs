//! The graph held to SciPy's, and its networks to PyTorch's: final embeddings, losses, gradients, ten steps of Adam.

use super::{Graph, GraphError, GraphModel, Nodes, Normalization};
use crate::device;
use crate::gcn::Gcn;
use crate::lightgcn::LightGcn;
use crate::ngcf::Ngcf;
use crate::ops::Triples;
use crate::ops::numbers::host_numbers;
use crate::train::{Adam, Init, Network, Optimizer, Parameters, Step};
use seoro_core::{Embed, ItemId, Items, Matrix, Query, Score, Seed, UserId};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

type Named = BTreeMap<String, Vec<Vec<f32>>>;

#[derive(Deserialize)]
struct Fixture {
    users: usize,
    items: usize,
    edges: Vec<(u32, u32)>,
    /// With each what it is normalised by, and whether nodes are joined with themselves.
    adjacencies: Vec<(Normalization, bool, Vec<Vec<f32>>)>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    model: String,
    recipe: serde_json::Value,
    before: Named,
    last: Vec<Vec<f32>>,
    gradients: Named,
    losses: Vec<f32>,
    /// The user, the better and the worse item of each triple.
    batches: Vec<Vec<[u32; 3]>>,
    after: Named,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../../tests/fixtures/graphs.json")).expect("the fixture")
}

impl Fixture {
    fn graph(&self, normalization: Normalization, own: bool) -> Graph {
        Graph::from_edges(self.users, self.items, &self.edges, normalization, own).expect("a graph")
    }

    fn nodes(&self, normalization: Normalization, own: bool) -> Nodes {
        let mut trained = vec![false; self.users];
        self.edges.iter().for_each(|edge| trained[edge.0 as usize] = true);
        Nodes { graph: Arc::new(self.graph(normalization, own)), trained, seed: Seed::new(1) }
    }

    fn triples(&self, batch: &[[u32; 3]]) -> Arc<Triples> {
        let of_items = self.users as u32;
        let rows = batch.iter().map(|&[user, i, j]| [user, of_items + i, of_items + j]);
        Arc::new(Triples::new(&rows.collect::<Vec<_>>()))
    }
}

/// A network of any of the models.
type Any = Box<dyn Network<Batch = Arc<Triples>, Fitted = GraphModel>>;

impl Case {
    /// The network with the case's first numbers.
    fn network(&self, fixture: &Fixture, mut parameters: Parameters) -> (Any, Parameters) {
        let adjacency = |name: &str| self.recipe.get(name).and_then(|value| value.as_str());
        let network: Any = match self.model.as_str() {
            "lightgcn" => {
                let nodes = fixture.nodes(Normalization::Symmetric, false);
                Box::new(self.recipe::<LightGcn>().network(&mut parameters, nodes))
            }
            "gcn" => {
                let recipe: Gcn = self.recipe();
                let nodes = fixture.nodes(recipe.normalization, true);
                Box::new(recipe.network(&mut parameters, nodes))
            }
            _ => {
                let recipe = Ngcf { message_dropout: 0.0, ..self.recipe() };
                let nodes = match adjacency("adjacency") {
                    Some("left") => fixture.nodes(Normalization::Left, true),
                    Some("symmetric") => fixture.nodes(Normalization::Symmetric, true),
                    _ => fixture.nodes(Normalization::Symmetric, false),
                };
                Box::new(recipe.network(&mut parameters, nodes))
            }
        };
        parameters.set_named(self.before.iter().map(|(name, rows)| (name.as_str(), matrix(rows))));
        (network, parameters)
    }

    fn recipe<R: serde::de::DeserializeOwned>(&self) -> R {
        serde_json::from_value(self.recipe.clone()).expect("a recipe")
    }
}

fn matrix(rows: &[Vec<f32>]) -> Matrix {
    Matrix::from_vec(rows.len(), rows[0].len(), rows.concat()).expect("a matrix")
}

fn near(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 5e-5 * (1.0 + expected.abs()), "{what}: {found}, {expected}");
    }
}

/// On every device, and on the processor with kernels and without: the same numbers.
fn on_each(check: impl Fn(&str, &Fixture, &Case, &dyn Fn() -> Parameters)) {
    let (fixture, seed, devices) = (fixture(), Seed::new(1), device::tested());
    for case in &fixture.cases {
        let what = format!("{} {}", case.model, case.recipe);
        for device in &devices {
            check(&what, &fixture, case, &|| Parameters::new(device, seed));
        }
        check(&what, &fixture, case, &|| Parameters::portable(&devices[0], seed));
    }
}

#[test]
fn matrices_are_scipys() {
    let fixture = fixture();
    assert_eq!(fixture.adjacencies.len(), 4);
    let n_nodes = fixture.users + fixture.items;
    for (normalization, own, expected) in &fixture.adjacencies {
        let graph = fixture.graph(*normalization, *own);
        for is_transposed in [false, true] {
            let mut found = vec![0.0; n_nodes * n_nodes];
            for row in 0..n_nodes {
                let (columns, weights) = graph.matrix(is_transposed).row(row);
                assert!(columns.is_sorted_by(|a, b| a < b));
                for (&column, &weight) in columns.iter().zip(weights) {
                    let at = if is_transposed { (column as usize, row) } else { (row, column as usize) };
                    found[at.0 * n_nodes + at.1] = weight;
                }
            }
            near(&format!("{normalization:?} {own} {is_transposed}"), &found, &expected.concat());
        }
    }
}

#[test]
fn final_embeddings_are_pytorchs() {
    on_each(|what, fixture, case, parameters| {
        let (network, parameters) = case.network(fixture, parameters());
        let model = network.fitted(&parameters);
        let mut found = model.users().as_slice().to_vec();
        found.extend_from_slice(model.items().as_slice());
        near(what, &found, &case.last.concat());
    });
}

#[test]
fn gradients_are_pytorchs() {
    on_each(|what, fixture, case, parameters| {
        let (network, mut parameters) = case.network(fixture, parameters());
        let mut step = Step::new(&mut parameters, Seed::new(1));
        let loss = network.loss(&fixture.triples(&case.batches[0]), &mut step);
        let leaves = step.leaves();
        let gradients = parameters.whole_gradients(leaves, &loss);
        assert_eq!(gradients.len(), case.gradients.len(), "{what}");
        for (name, gradient) in gradients {
            near(&format!("{what} {name}"), &gradient, &case.gradients[&name].concat());
        }
    });
}

#[test]
fn ten_steps_of_adam_are_pytorchs() {
    let optimizer = Optimizer::Adam(Adam::default());
    on_each(|what, fixture, case, parameters| {
        let (network, mut parameters) = case.network(fixture, parameters());
        for (batch, &expected) in case.batches.iter().zip(&case.losses) {
            let mut step = Step::new(&mut parameters, Seed::new(1));
            let loss = network.loss(&fixture.triples(batch), &mut step);
            let leaves = step.leaves();
            parameters.follow(leaves, &mut loss.backward(), (optimizer, 0.01), None);
            near(&format!("{what} loss"), &host_numbers(loss.inner()), &[expected]);
        }
        for (name, values) in parameters.named() {
            near(&format!("{what} {name}"), values.as_slice(), &case.after[name].concat());
        }
    });
}

/// Without a layer nothing is propagated: the loss is that of matrix factorisation.
#[test]
fn without_a_layer_it_is_matrix_factorization() {
    let fixture = fixture();
    let (users, items, factors) = (fixture.users, fixture.items, 3);
    let embeddings: Vec<f64> = (0..(users + items) * factors).map(|x| (x as f64 * 0.7).sin()).collect();
    let numbers = embeddings.iter().map(|&x| x as f32).collect();
    let all = Matrix::from_vec(users + items, factors, numbers).expect("a matrix");
    let batch = [[0, 1, 4], [4, 5, 1], [2, 3, 0], [0, 3, 3]];
    let row = |node: u32| &embeddings[node as usize * factors..][..factors];
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let of_triple = |&[user, i, j]: &[u32; 3]| {
        let [p, q, r] = [user, users as u32 + i, users as u32 + j].map(row);
        (dot(p, r) - dot(p, q)).exp().ln_1p() + 0.2 / 2.0 * (dot(p, p) + dot(q, q) + dot(r, r))
    };
    let expected = batch.iter().map(of_triple).sum::<f64>() / batch.len() as f64;
    let device = &device::tested()[0];
    let nodes = || fixture.nodes(Normalization::Symmetric, false);
    let new = || Parameters::new(device, Seed::new(1));
    let networks: [&dyn Fn(&mut Parameters) -> Any; 3] = [
        &|parameters| {
            let recipe = LightGcn { factors, layers: 0, regularization: 0.2, ..LightGcn::default() };
            Box::new(recipe.network(parameters, nodes()))
        },
        &|parameters| {
            let recipe = Gcn { factors, layers: 0, regularization: 0.2, ..Gcn::default() };
            Box::new(recipe.network(parameters, nodes()))
        },
        &|parameters| {
            let recipe = Ngcf { factors, layers: vec![], regularization: 0.2, ..Ngcf::default() };
            Box::new(recipe.network(parameters, nodes()))
        },
    ];
    for network in networks {
        let mut parameters = new();
        let network = network(&mut parameters);
        parameters.set_named([("embeddings", all.clone())]);
        let mut step = Step::new(&mut parameters, Seed::new(1));
        let loss = network.loss(&fixture.triples(&batch), &mut step);
        near("the loss", &host_numbers(loss.inner()), &[expected as f32]);
    }
}

/// Xavier's rule is of users or of items, not of the weight that holds both.
#[test]
fn embeddings_start_as_users_and_items_would_alone() {
    let graph = Graph::from_edges(2, 200, &[], Normalization::Symmetric, true).expect("a graph");
    let nodes = Nodes { graph: Arc::new(graph), trained: vec![false; 2], seed: Seed::new(1) };
    let mut parameters = Parameters::new(&device::tested()[0], Seed::new(1));
    let weight = nodes.embeddings(&mut parameters, 4, Init::Glorot);
    let all = parameters.weight_matrix(weight);
    let (users, items) = all.as_slice().split_at(2 * 4);
    let largest = |numbers: &[f32]| numbers.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    let limits = [2.0 + 4.0, 200.0 + 4.0].map(|sum: f32| (6.0 / sum).sqrt());
    assert!(largest(users) > 0.5 * limits[0] && largest(users) <= limits[0]);
    assert!(largest(items) > 0.9 * limits[1] && largest(items) <= limits[1]);
}

#[test]
fn edges_beyond_the_graph_are_refused_and_repeats_count_once() {
    let new = |edges: &[(u32, u32)]| Graph::from_edges(2, 3, edges, Normalization::Left, true);
    for edge in [(2, 0), (0, 3), (u32::MAX, u32::MAX)] {
        let error = new(&[(0, 0), edge]).expect_err("an edge beyond the graph");
        assert!(matches!(error, GraphError::Edge { edge: 1, .. }), "{error}");
    }
    for (n_users, n_items) in [(usize::MAX, 3), (1 << 40, 3), (usize::MAX, usize::MAX)] {
        let error =
            Graph::from_edges(n_users, n_items, &[], Normalization::Left, true).expect_err("too many");
        assert!(matches!(error, GraphError::Size { .. }), "{error}");
    }
    let (once, twice) = (new(&[(0, 1), (1, 1)]), new(&[(1, 1), (0, 1), (1, 1)]));
    let (once, twice) = (once.expect("a graph"), twice.expect("a graph"));
    assert_eq!((once.entries(), twice.entries()), (9, 9));
    (0..5).for_each(|node| assert_eq!(once.row(node), twice.row(node)));
    // Nobody's neighbours but its own.
    assert_eq!(once.row(2), (&[2][..], &[1.0][..]));
}

#[test]
fn edges_are_dropped_by_direction_and_the_rest_makes_up_for_them() {
    let edges: Vec<(u32, u32)> = (0..60).flat_map(|user| (0..50).map(move |item| (user, item))).collect();
    let graph = Graph::from_edges(60, 50, &edges, Normalization::Left, true).expect("a graph");
    let dropped = graph.dropped(0.25, Seed::new(1));
    let cell = |graph: &Graph, is_transposed: bool, row: usize, column: u32| {
        let (columns, weights) = graph.matrix(is_transposed).row(row);
        weights[columns.binary_search(&column).expect("an entry")]
    };
    let (mut gone, mut both) = (0, 0);
    for (user, item) in edges.iter().map(|&(user, item)| (user, 60 + item)) {
        let there = cell(&dropped, false, user as usize, item);
        let back = cell(&dropped, false, item as usize, user);
        gone += usize::from(there == 0.0) + usize::from(back == 0.0);
        both += usize::from(there == 0.0 && back == 0.0);
        let whole = cell(&graph, false, user as usize, item) / 0.75;
        assert!(there == 0.0 || (there - whole).abs() < 1e-6);
        assert_eq!(cell(&dropped, true, item as usize, user), there, "the transpose has the same entries");
        assert_eq!(cell(&dropped, true, user as usize, item), back);
    }
    assert!((1_350..1_650).contains(&gone) && (120..260).contains(&both), "{gone}, {both}");
    let again = graph.dropped(0.25, Seed::new(1));
    let other = graph.dropped(0.25, Seed::new(2));
    assert!((0..110).all(|node| dropped.row(node) == again.row(node)));
    assert!((0..110).any(|node| dropped.row(node) != other.row(node)));
}

#[test]
fn whoever_has_no_edge_keeps_a_share_and_is_answered_as_the_mean() {
    let fixture = fixture();
    let case = &fixture.cases[0];
    let parameters = Parameters::new(&device::tested()[0], Seed::new(1));
    let (network, parameters) = case.network(&fixture, parameters);
    let model = network.fitted(&parameters);
    let first = &case.before["embeddings"];
    let quarter = |node: usize| first[node].iter().map(|x| x / 4.0).collect::<Vec<f32>>();
    near("a user", model.users().row(4), &quarter(4));
    near("an item", model.items().row(5), &quarter(10));
    let scores = |query: Query<'_>| {
        let mut scores = [0.0; 6];
        model.score(&[query], Items::All, &mut scores).expect("scores");
        scores
    };
    let mean: Vec<f32> =
        (0..4).map(|place| (0..4).map(|user| model.users().row(user)[place]).sum::<f32>() / 4.0).collect();
    let expected: Vec<f32> =
        (0..6).map(|item| model.items().row(item).iter().zip(&mean).map(|(a, b)| a * b).sum()).collect();
    for query in [Query::new(&[]), Query::new(&[]).user(UserId(4)), Query::new(&[ItemId(1)]).user(UserId(99))]
    {
        near("a stranger", &scores(query), &expected);
    }
    assert_ne!(scores(Query::new(&[]).user(UserId(0))).to_vec(), expected);
}
