//! What learns vectors: ours, or a peer that is told the same.

use seoro_item2vec::{Take, Word2Vec};
use seoro_models::registry::Model;
use serde::{Deserialize, Serialize};

/// What learns vectors, with all its hyper-parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Learner {
    /// Ours.
    Word2Vec(WordRecipe),
    /// gensim's, with the same hyper-parameters.
    Gensim(WordRecipe),
    /// A recommender whose items have vectors.
    Recommender(Model),
    /// Whoever calls everything by the most frequent name.
    Majority,
}

/// How words are learned, and which of their vectors are held to judgements.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WordRecipe {
    /// How words are learned.
    pub learn: Word2Vec,
    /// Which vectors are taken.
    pub take: Take,
    /// Whether frequent words are not passed over; a file cannot say that [`Word2Vec::subsampling`] is nothing.
    pub all_words: bool,
}

impl Learner {
    /// The learner called `model` with these hyper-parameters.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(model: &str, recipe: &toml::Table) -> Result<Self, String> {
        let words = || -> Result<WordRecipe, String> {
            let mut words: WordRecipe =
                recipe.clone().try_into().map_err(|error: toml::de::Error| error.message().to_owned())?;
            if words.all_words {
                words.learn.subsampling = None;
            }
            Ok(words)
        };
        match model {
            "word2vec" => words().map(Self::Word2Vec),
            "gensim" => match words()? {
                WordRecipe { take: Take::Centre, learn, all_words } => {
                    Ok(Self::Gensim(WordRecipe { take: Take::Centre, learn, all_words }))
                }
                _ => Err("gensim gives centre vectors; expected take = \"centre\"".to_owned()),
            },
            "majority" => Ok(Self::Majority),
            _ => {
                Model::parse(model, recipe.clone()).map(Self::Recommender).map_err(|error| error.to_string())
            }
        }
    }

    /// Raised when the same recipe may learn other vectors than before.
    pub fn revision(&self) -> u32 {
        match self {
            Self::Word2Vec(_) => seoro_item2vec::REVISION,
            Self::Gensim(_) | Self::Majority => 1,
            Self::Recommender(model) => model.revision(),
        }
    }

    /// The model's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Word2Vec(_) => "word2vec",
            Self::Gensim(_) => "gensim",
            Self::Recommender(model) => model.name(),
            Self::Majority => "majority",
        }
    }

    /// Whether a peer learns.
    pub fn is_peer(&self) -> bool {
        matches!(self, Self::Gensim(_))
    }
}
