//! ItemKNN: Sarwar, Karypis, Konstan and Riedl, "Item-Based Collaborative Filtering Recommendation Algorithms", WWW 2001;
//! for top-n lists as Deshpande and Karypis, "Item-Based Top-N Recommendation Algorithms", TOIS 2004.
//!
//! Score of item i for a user with the items H: `Σ_{j ∈ H ∩ N(i)} s_ij x_uj + c_i`, where `N(i)` are the `neighbours` items
//! most like i, and `c_i` is 0 but for [`Normalization::Centred`].
//!
//! Differences from the papers: an item keeps its neighbours as the item to be scored (as in the frameworks of Ferrari
//! Dacrema et al. and of BARS), where Deshpande and Karypis keep those of the items in the basket; the entries may be
//! weighed (TF-IDF, BM25) before items are compared; sums are not divided by what the user has rated.

use crate::rows::{Wanted, each_row, profile, value_matrix};
use crate::similarity::{self, Measure, Similarity, Weighting};
use crate::{FitError, Recommender, Run, Training};
use seoro_core::{Csr, Items, Query, Score, ScoreError};
use serde::{Deserialize, Serialize};

/// The recipe of ItemKNN.
///
/// ```
/// use seoro_core::{Histories, ItemId, Items, Log, Query, Score, Seed, UserId, Vocab};
/// use seoro_models::{ItemKnn, Recommender, Run, Training};
/// use std::sync::Arc;
///
/// // Two users have items 0 and 1, one has item 2.
/// let (users, items) = ([0, 0, 1, 1, 2].map(UserId), [0, 1, 0, 1, 2].map(ItemId));
/// let vocab = || Arc::new(Vocab::numbered(3));
/// let log = Log::new(users.to_vec(), items.to_vec(), None, None, vocab(), vocab())?;
/// let histories = Histories::new(&log);
/// let recipe = ItemKnn { neighbours: 2, ..ItemKnn::default() };
/// let model = recipe.fit(&Training::new(&log, &histories), &mut Run::new(Seed::new(1)))?;
///
/// let mut scores = [0.0; 3];
/// model.score(&[Query::new(&[ItemId(0)])], Items::All, &mut scores)?;
/// assert_eq!(scores, [0.0, 1.0, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ItemKnn {
    /// How alike two items are, as columns of the user-item matrix.
    pub similarity: Similarity,
    /// h of the [`Similarity`].
    pub shrink: f32,
    /// How many items each item is scored by.
    pub neighbours: usize,
    /// What users count, when items are compared: items are documents, users are terms.
    pub weighting: Weighting,
    /// What happens to the sum.
    pub normalization: Normalization,
    /// Whether `x` holds the values of the log and the query; else ones.
    pub values: bool,
}

/// As the frameworks start their searches: nothing but the cosine.
impl Default for ItemKnn {
    fn default() -> Self {
        Self {
            similarity: Similarity::Cosine,
            shrink: 0.0,
            neighbours: 100,
            weighting: Weighting::None,
            normalization: Normalization::None,
            values: false,
        }
    }
}

/// What is done to the similarities that an item keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Normalization {
    /// Nothing.
    #[default]
    None,
    /// Those of an item are divided by the sum of their sizes.
    NeighbourSum,
    /// As [`NeighbourSum`](Self::NeighbourSum), and x is taken from its item's mean μ over all users:
    /// `Σ_j s_ij (x_uj − μ_j) + μ_i`, the ItemKNN of BARS (Zhu et al. 2022).
    Centred,
}

/// A fitted ItemKNN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemKnnModel {
    /// `s_ij` at row j, column i: what having j adds to i.
    weights: Csr,
    /// `c_i`, where there is one.
    base: Option<Vec<f32>>,
    popularity: Vec<f32>,
    values: bool,
}

impl ItemKnnModel {
    /// The weights, `[I, I]`: row j holds what having item j adds to each item's score.
    pub fn weights(&self) -> &Csr {
        &self.weights
    }

    /// The model over weights that are ready to be summed.
    pub(crate) fn new(weights: Csr, base: Option<Vec<f32>>, popularity: Vec<f32>, values: bool) -> Self {
        Self { weights, base, popularity, values }
    }
}

impl Recommender for ItemKnn {
    type Fitted = ItemKnnModel;
    const NAME: &'static str = "item-knn";
    const REVISION: u32 = 1;

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<ItemKnnModel, FitError> {
        let model = Self::NAME;
        similarity::check_parameters(model, self.similarity, self.shrink, self.neighbours)?;
        let histories = train.histories;
        if histories.n_events() == 0 {
            return Err(FitError::Empty { model });
        }
        let (items, pool) = (histories.n_items(), run.pool()?);
        let threads = pool.current_num_threads();
        run.reserve(model, similarity::bytes(items, self.neighbours, histories.n_events(), threads))?;
        let by_user = value_matrix(model, histories, self.values)?;
        let by_item = by_user.transpose();
        let popularity = (0..items).map(|item| by_item.columns(item).len() as f32).collect();
        let cancel = run.cancel;
        let mut kept = pool.install(|| self.nearest(&by_item, by_user, cancel))?;
        if self.normalization != Normalization::None {
            similarity::divide_by_sums(&mut kept);
        }
        let base = (self.normalization == Normalization::Centred).then(|| base(&kept, &by_item));
        Ok(ItemKnnModel { weights: kept.transpose(), base, popularity, values: self.values })
    }
}

impl ItemKnn {
    /// `s_ij` at row i, column j, for the neighbours j of i.
    fn nearest(
        &self,
        by_item: &Csr,
        mut by_user: Csr,
        cancel: &std::sync::atomic::AtomicBool,
    ) -> Result<Csr, FitError> {
        let mut weighed = None;
        if self.weighting != Weighting::None {
            let rows = weighed.insert(by_item.clone());
            self.weighting.weigher(by_item).weigh(rows);
            by_user = rows.transpose();
        }
        let rows = weighed.as_ref().unwrap_or(by_item);
        let measure = Measure::new(self.similarity, self.shrink, rows);
        similarity::top_products(rows, &by_user, self.neighbours, cancel, |item, other, dot| {
            measure.similarity(measure.extent(item), other, dot)
        })
    }
}

/// `c_i = μ_i − Σ_j s_ij μ_j`, with the means over all users.
fn base(kept: &Csr, by_item: &Csr) -> Vec<f32> {
    let users = by_item.cols() as f32;
    let means: Vec<f32> = by_item.row_sums().into_iter().map(|sum| sum / users).collect();
    let expected = |item: usize| kept.row(item).map(|(other, s)| s * means[other as usize]).sum::<f32>();
    means.iter().enumerate().map(|(item, mean)| mean - expected(item)).collect()
}

impl Score for ItemKnnModel {
    fn n_items(&self) -> usize {
        self.weights.rows()
    }

    fn score(&self, queries: &[Query<'_>], items: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
        let n_items = self.n_items();
        items.check(queries.len(), n_items, out.len())?;
        let (mut history, mut all) = (Vec::new(), Vec::new());
        each_row(queries.len(), n_items, &items, out, |query, wanted, out| {
            profile(query, &queries[query], self.values, n_items, &mut history)?;
            if history.is_empty() {
                wanted.copy(&self.popularity, out);
                return Ok(());
            }
            if let Wanted::Block(block) = &wanted {
                self.sum(&history, block.clone(), out);
            } else {
                all.resize(n_items, 0.0);
                self.sum(&history, 0..n_items, &mut all);
                wanted.copy(&all, out);
            }
            Ok(())
        })
    }
}

impl ItemKnnModel {
    /// Writes the scores of a block of items.
    fn sum(&self, history: &[(u32, f32)], block: std::ops::Range<usize>, out: &mut [f32]) {
        match &self.base {
            Some(base) => out.copy_from_slice(&base[block.clone()]),
            None => out.fill(0.0),
        }
        for &(item, x) in history {
            let columns = self.weights.columns(item as usize);
            let first = columns.partition_point(|&column| (column as usize) < block.start);
            let last = columns.partition_point(|&column| (column as usize) < block.end);
            let values = &self.weights.values(item as usize)[first..last];
            for (&column, value) in columns[first..last].iter().zip(values) {
                out[column as usize - block.start] += x * value;
            }
        }
    }
}
