//! What a model shows to all users together: coverage, concentration and novelty of its lists.

use crate::catalogue::Catalogue;
use crate::chunks::in_chunks;
use crate::{EvalError, Options};
use seoro_core::{ItemId, Query, Score, TopK};

/// How often each item stands in the lists that a model shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    counts: Vec<u64>,
}

impl Exposure {
    /// Counts the items of these lists of a catalogue of `n_items`.
    ///
    /// ```
    /// use seoro_core::ItemId;
    /// use seoro_eval::Exposure;
    /// let lists = [[ItemId(0), ItemId(2)], [ItemId(0), ItemId(1)]];
    /// let exposure = Exposure::of_lists(lists.iter().map(|list| list.as_slice()), 4)?;
    /// assert_eq!(exposure.counts(), [2, 1, 1, 0]);
    /// assert_eq!(exposure.coverage(), 0.75);
    /// assert_eq!(exposure.gini(), 0.375);
    /// assert_eq!(exposure.novelty(&[4, 2, 1, 1], 4)?, (0.0 + 2.0 + 0.0 + 1.0) / 4.0);
    /// # Ok::<(), seoro_eval::EvalError>(())
    /// ```
    ///
    /// # Errors
    /// [`EvalError::Item`], whose case is the list.
    pub fn of_lists<'a>(
        lists: impl IntoIterator<Item = &'a [ItemId]>,
        n_items: usize,
    ) -> Result<Self, EvalError> {
        let mut counts = vec![0; n_items];
        for (case, list) in lists.into_iter().enumerate() {
            for &item in list {
                *counts.get_mut(item.index()).ok_or(EvalError::Item { case, item, n_items })? += 1;
            }
        }
        Ok(Self { counts })
    }

    /// Counts the items of the `k` best of each query, without those hidden.
    ///
    /// # Errors
    /// Those of the model, [`EvalError::Threads`], [`EvalError::Cancelled`].
    pub fn of_model(
        model: &dyn Score,
        queries: &[Query<'_>],
        k: usize,
        options: &Options<'_>,
    ) -> Result<Self, EvalError> {
        let catalogue = Catalogue::new(model);
        let chunks = in_chunks(queries, options, TopK::new, |top, first, queries| {
            catalogue
                .top_k(queries, k, options.hide, top)
                .map_err(|error| EvalError::of_case(error, |query| first + query))?;
            let lists = (0..queries.len()).flat_map(|query| top.list(query));
            Ok(lists.map(|scored| scored.item).collect::<Vec<ItemId>>())
        })?;
        Self::of_lists(chunks.iter().map(Vec::as_slice), model.n_items())
    }

    /// How often each item was shown, `[I]`.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The share of the items that are shown to anyone (Ge, Delgado-Battenfeld and Jannach 2010).
    ///
    /// NaN without items.
    pub fn coverage(&self) -> f64 {
        let shown = self.counts.iter().filter(|&&count| count > 0).count();
        shown as f64 / self.counts.len() as f64
    }

    /// The Gini coefficient of the counts: 0 where all items are shown equally often, (n − 1) ÷ n where one item is shown
    /// alone (Gini 1912). With x₁ ≤ … ≤ xₙ: Σ (2i − n − 1) xᵢ ÷ (n Σ xᵢ).
    ///
    /// NaN where nothing is shown.
    pub fn gini(&self) -> f64 {
        let mut rising = self.counts.clone();
        rising.sort_unstable();
        let n = rising.len() as f64;
        let weighted = (1..).zip(&rising).map(|(i, &count)| (2.0 * f64::from(i) - n - 1.0) * count as f64);
        weighted.sum::<f64>() / (n * self.shown())
    }

    /// The mean of −log₂ of the popularity of what is shown, in bits (Zhou et al. 2010): popularity is the share of the
    /// `n_users` training users who have the item, `users` (`[I]`) of them.
    ///
    /// An item that no one has counts as if one user had it, so that the mean stays finite. NaN where nothing is shown.
    ///
    /// # Errors
    /// [`EvalError::Length`] unless `users` has a number for each item.
    pub fn novelty(&self, users: &[u32], n_users: u32) -> Result<f64, EvalError> {
        if users.len() != self.counts.len() {
            let (what, expected) = ("popularities of items", self.counts.len());
            return Err(EvalError::Length { what, len: users.len(), expected });
        }
        let bits = |users: u32| -(f64::from(users.max(1)) / f64::from(n_users)).log2();
        let shown = self.counts.iter().zip(users).filter(|&(&count, _)| count > 0);
        Ok(shown.map(|(&count, &users)| count as f64 * bits(users)).sum::<f64>() / self.shown())
    }

    fn shown(&self) -> f64 {
        self.counts.iter().sum::<u64>() as f64
    }
}
