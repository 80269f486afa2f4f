//! UserKNN: Resnick, Iacovou, Suchak, Bergstrom and Riedl, "GroupLens: An Open Architecture for Collaborative Filtering of
//! Netnews", CSCW 1994, for top-n lists.
//!
//! Score of item i for a user u: `Σ_{v ∈ N(u)} s_uv x_vi`, where `N(u)` are the `neighbours` users most like u, never u
//! itself.
//!
//! Differences from the paper: values are not taken from the users' means and sums are not divided, as lists need neither.
//! Neighbours are found when asked, from the history in the query: a newcomer is answered as a known user is. The framework
//! of Ferrari Dacrema et al. lets those users answer whose own neighbour u is, weighs with items as documents, and sums the
//! weighed entries.

use crate::rows::{each_row, profile, value_matrix};
use crate::similarity::{self, Extent, Largest, Measure, Similarity, Sums, Weigher, Weighting};
use crate::{FitError, Recommender, Run, Training};
use seoro_core::score::hidden_items;
use seoro_core::{Csr, Hide, Items, Query, Score, ScoreError, TopK};
use serde::{Deserialize, Serialize};

/// The recipe of UserKNN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserKnn {
    /// How alike two users are, as rows of the user-item matrix; of the asymmetric one, x is who asks.
    pub similarity: Similarity,
    /// h of the [`Similarity`].
    pub shrink: f32,
    /// How many users an answer comes from.
    pub neighbours: usize,
    /// What items count, when users are compared: users are documents, items are terms.
    pub weighting: Weighting,
    /// Whether `x` holds the values of the log and the query; else ones.
    pub values: bool,
}

/// As the frameworks start their searches: nothing but the cosine.
impl Default for UserKnn {
    fn default() -> Self {
        Self {
            similarity: Similarity::Cosine,
            shrink: 0.0,
            neighbours: 100,
            weighting: Weighting::None,
            values: false,
        }
    }
}

/// A fitted UserKNN: the users themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserKnnModel {
    /// The entries that are summed, by user.
    by_user: Csr,
    /// The entries that are compared, by item.
    by_item: Csr,
    measure: Measure,
    weights: Weigher,
    popularity: Vec<f32>,
    neighbours: usize,
    values: bool,
}

impl Recommender for UserKnn {
    type Fitted = UserKnnModel;
    const NAME: &'static str = "user-knn";
    const REVISION: u32 = 1;

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<UserKnnModel, FitError> {
        let model = Self::NAME;
        similarity::check_parameters(model, self.similarity, self.shrink, self.neighbours)?;
        let histories = train.histories;
        if histories.n_events() == 0 {
            return Err(FitError::Empty { model });
        }
        run.reserve(model, 32 * histories.n_events() as u64 + 16 * histories.n_users() as u64)?;
        run.check()?;
        let by_user = value_matrix(model, histories, self.values)?;
        let popularity = by_user.column_counts().into_iter().map(|count| count as f32).collect();
        let weights = self.weighting.weigher(&by_user);
        let mut compared = by_user.clone();
        weights.weigh(&mut compared);
        let measure = Measure::new(self.similarity, self.shrink, &compared);
        let by_item = compared.transpose();
        let (neighbours, values) = (self.neighbours, self.values);
        Ok(UserKnnModel { by_user, by_item, measure, weights, popularity, neighbours, values })
    }
}

/// What answering needs, kept from query to query.
struct Scratch {
    history: Vec<(u32, f32)>,
    sums: Sums,
    largest: Largest,
    scores: Vec<f32>,
}

impl UserKnnModel {
    fn scratch(&self) -> Scratch {
        Scratch {
            history: Vec::new(),
            sums: Sums::new(self.by_user.rows()),
            largest: Largest::new(self.neighbours),
            scores: vec![0.0; self.n_items()],
        }
    }

    /// Puts the scores of all items into the scratch.
    fn answer(&self, place: usize, query: &Query<'_>, scratch: &mut Scratch) -> Result<(), ScoreError> {
        let Scratch { history, sums, largest, scores } = scratch;
        profile(place, query, self.values, self.n_items(), history)?;
        if history.is_empty() {
            scores.copy_from_slice(&self.popularity);
            return Ok(());
        }
        self.weights.weigh_row(history);
        let asks = Extent::of(history.iter().map(|&(_, value)| value));
        sums.product(history.iter().copied(), &self.by_item, |user, dot| {
            if query.user.is_none_or(|own| own.0 != user) {
                largest.offer(user, self.measure.similarity(asks, user as usize, dot));
            }
        });
        scores.fill(0.0);
        for (user, similarity) in largest.take() {
            for (item, value) in self.by_user.row(user as usize) {
                scores[item as usize] += similarity * value;
            }
        }
        Ok(())
    }
}

impl Score for UserKnnModel {
    fn n_items(&self) -> usize {
        self.by_user.cols()
    }

    fn score(&self, queries: &[Query<'_>], items: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
        items.check(queries.len(), self.n_items(), out.len())?;
        let mut scratch = self.scratch();
        each_row(queries.len(), self.n_items(), &items, out, |query, wanted, out| {
            self.answer(query, &queries[query], &mut scratch)?;
            wanted.copy(&scratch.scores, out);
            Ok(())
        })
    }

    /// All items at once for each query, whose neighbours are then found once.
    fn top_k(
        &self,
        queries: &[Query<'_>],
        k: usize,
        hide: &dyn Hide,
        out: &mut TopK,
    ) -> Result<(), ScoreError> {
        out.reset(queries.len(), k);
        let (mut scratch, mut hidden) = (self.scratch(), Vec::new());
        for (place, query) in queries.iter().enumerate() {
            self.answer(place, query, &mut scratch)?;
            hidden_items(hide, query, &mut hidden);
            out.offer(place, 0, &scratch.scores, &hidden)?;
        }
        Ok(())
    }
}
