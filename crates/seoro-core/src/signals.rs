//! What users did beside the interactions a model is trained on.

use crate::{ItemId, UserId, Vocab};
use std::sync::Arc;

/// The side signals of a log; each is there or not, and a model that needs a missing one says so.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Signals {
    /// What was shown, and what came of it.
    pub impressions: Option<Impressions>,
    /// What was searched for.
    pub searches: Option<Searches>,
}

/// Items that were shown to users: columns of one length.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Impressions {
    /// To whom.
    pub users: Vec<UserId>,
    /// What.
    pub items: Vec<ItemId>,
    /// When, in Unix milliseconds.
    pub times: Vec<i64>,
    /// Whether the user clicked.
    pub clicked: Vec<bool>,
    /// How long the user watched, in seconds; 0 without a click.
    pub watched: Vec<f32>,
}

/// Searches: each is one bag of tokens.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Searches {
    /// Who searched.
    pub users: Vec<UserId>,
    /// When, in Unix milliseconds.
    pub times: Vec<i64>,
    /// `[searches + 1]`: where each search's tokens start, and the end.
    pub starts: Vec<usize>,
    /// The tokens, search after search.
    pub tokens: Vec<u32>,
    /// The tokens' texts.
    pub vocab: Arc<Vocab>,
}
