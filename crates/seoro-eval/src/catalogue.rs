//! A model's best items, asked for many times over.

use seoro_core::score::top_k_by_vectors;
use seoro_core::{Embed, Hide, Matrix, Query, Score, ScoreError, TopK};
use std::borrow::Cow;

/// A model that is about to be asked for top lists again and again.
///
/// Vectors that the model would build anew on each call are built once and held here.
pub(crate) struct Catalogue<'a> {
    model: &'a dyn Score,
    held: Option<Held<'a>>,
}

impl<'a> Catalogue<'a> {
    pub(crate) fn new(model: &'a dyn Score) -> Self {
        let held = model.embed().and_then(|embed| match embed.items() {
            Cow::Owned(items) => Some(Held { embed, items }),
            Cow::Borrowed(_) => None,
        });
        Self { model, held }
    }

    /// As [`Score::top_k`].
    pub(crate) fn top_k(
        &self,
        queries: &[Query<'_>],
        k: usize,
        hide: &dyn Hide,
        out: &mut TopK,
    ) -> Result<(), ScoreError> {
        match &self.held {
            Some(held) => top_k_by_vectors(held, queries, k, hide, out),
            None => self.model.top_k(queries, k, hide, out),
        }
    }
}

struct Held<'a> {
    embed: &'a dyn Embed,
    items: Matrix,
}

impl Embed for Held<'_> {
    fn items(&self) -> Cow<'_, Matrix> {
        Cow::Borrowed(&self.items)
    }

    fn comparable(&self) -> Cow<'_, Matrix> {
        self.embed.comparable()
    }

    fn queries(&self, queries: &[Query<'_>], out: &mut Matrix) -> Result<(), ScoreError> {
        self.embed.queries(queries, out)
    }
}
