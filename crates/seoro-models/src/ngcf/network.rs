//! The network.

use super::{Adjacency, Ngcf};
use crate::graph::{Graph, GraphModel, Nodes};
use crate::ops::numbers::{host_numbers, on_host};
use crate::ops::{Activation, Reach, Triples, dense, dropout, pairwise, propagate};
use crate::train::{Init, Network, Parameters, Step, WeightId};
use burn::tensor::Tensor;
use seoro_core::Seed;
use std::sync::Arc;

/// The network: which parameters are what.
pub(crate) struct NgcfNetwork {
    nodes: Nodes,
    embeddings: WeightId,
    layers: Vec<Layer<WeightId>>,
    /// Whether a node's own embedding is added to the messages in the first term.
    adds_own: bool,
    message_dropout: f64,
    node_dropout: f64,
    lambda: f64,
}

/// A layer: weight `[D, H]` and bias `[1, H]` of each of its two terms.
struct Layer<T> {
    first: (T, T),
    second: (T, T),
}

/// The network's numbers, where it is computed.
struct Numbers {
    embeddings: Tensor<2>,
    layers: Vec<Layer<Tensor<2>>>,
}

impl Ngcf {
    /// A new network, its numbers among `parameters`.
    pub(crate) fn network(&self, parameters: &mut Parameters, nodes: Nodes) -> NgcfNetwork {
        let embeddings = nodes.embeddings(parameters, self.factors, Init::Glorot);
        let widths = self.widths();
        let mut term = |layer: usize, name: &str| {
            let [from, to] = [widths[layer], widths[layer + 1]];
            let mut add = |part: &str, rows: usize| {
                parameters.weight(&format!("{}.{name}.{part}", layer + 1), [rows, to], Init::Glorot)
            };
            (add("weight", from), add("bias", 1))
        };
        let mut layer = |layer: usize| Layer { first: term(layer, "sum"), second: term(layer, "product") };
        let layers = (0..self.layers.len()).map(&mut layer).collect();
        NgcfNetwork {
            nodes,
            embeddings,
            layers,
            adds_own: self.adjacency == Adjacency::Added,
            message_dropout: self.message_dropout,
            node_dropout: self.node_dropout,
            lambda: self.regularization,
        }
    }
}

/// Rows divided by their norms, as TensorFlow does it.
fn normalized(rows: Tensor<2>) -> Tensor<2> {
    let squares = rows.clone().square().sum_dim(1).clamp_min(1e-12);
    rows / squares.sqrt()
}

impl NgcfNetwork {
    /// The final embeddings of the nodes of `rows`, or of all, `[R, Σ D]`; with a seed, messages are dropped.
    fn outputs(
        &self,
        numbers: Numbers,
        graph: &Arc<Graph>,
        rows: Option<&[u32]>,
        drops: Option<Seed>,
    ) -> Tensor<2> {
        let of_rows = |layers: Vec<Vec<f32>>| match rows {
            Some(rows) => Arc::new(Reach::rows(rows.to_vec(), layers)),
            None => Arc::new(Reach::all(layers)),
        };
        let (taken, all) = (of_rows(vec![vec![1.0]]), Arc::new(Reach::all(vec![vec![0.0, 1.0]])));
        let take = |x: &Tensor<2>| match rows {
            Some(_) => propagate(x.clone(), graph, &taken),
            None => x.clone(),
        };
        let depth = numbers.layers.len();
        let mut own = numbers.embeddings; // [N, D]
        let mut parts = vec![take(&own)];
        for (place, layer) in numbers.layers.into_iter().enumerate() {
            let is_last = place + 1 == depth;
            let messages; // [N, D], but [R, D] in the last layer
            (messages, own) = match rows {
                Some(rows) if is_last => {
                    // Both for the batch's rows alone.
                    let both = propagate(own, graph, &of_rows(vec![vec![0.0, 1.0], vec![1.0]]));
                    (both.clone().narrow(0, 0, rows.len()), both.narrow(0, rows.len(), rows.len()))
                }
                _ => (propagate(own.clone(), graph, &all), own),
            };
            own = self.layer(messages, own, layer); // [N, H]
            if let Some(seed) = drops {
                own = dropout(own, self.message_dropout, seed.index(place as u64));
            }
            parts.push(normalized(if is_last { own.clone() } else { take(&own) }));
        }
        Tensor::cat(parts, 1)
    }

    fn layer(&self, messages: Tensor<2>, own: Tensor<2>, layer: Layer<Tensor<2>>) -> Tensor<2> {
        let product = own.clone() * messages.clone();
        let sum = if self.adds_own { messages + own } else { messages };
        let term = |x, (weight, bias)| dense(x, weight, bias, Activation::LeakyRelu);
        term(sum, layer.first) + term(product, layer.second)
    }

    /// The network's numbers, each as `read` gives it.
    fn numbers(&self, mut read: impl FnMut(WeightId) -> Tensor<2>) -> Numbers {
        let embeddings = read(self.embeddings);
        let mut term = |ids: (WeightId, WeightId)| (read(ids.0), read(ids.1));
        let layers = self.layers.iter();
        let layers =
            layers.map(|layer| Layer { first: term(layer.first), second: term(layer.second) }).collect();
        Numbers { embeddings, layers }
    }
}

impl Network for NgcfNetwork {
    type Batch = Arc<Triples>;
    type Fitted = GraphModel;

    fn loss(&self, batch: &Arc<Triples>, step: &mut Step<'_>) -> Tensor<1> {
        let graph = match self.node_dropout {
            0.0 => Arc::clone(&self.nodes.graph),
            share => Arc::new(self.nodes.graph.dropped(share, step.seed("nodes"))),
        };
        let numbers = self.numbers(|weight| step.weight(weight));
        let last = self.outputs(numbers, &graph, Some(batch.rows()), Some(step.seed("messages")));
        pairwise(last, batch, self.lambda)
    }

    fn fitted(&self, parameters: &Parameters) -> GraphModel {
        let numbers = self.numbers(|weight| on_host(parameters.weight_matrix(weight)));
        let last = self.outputs(numbers, &self.nodes.graph, None, None);
        let width = last.dims()[1];
        GraphModel::new(host_numbers(last), width, &self.nodes.trained)
    }
}
