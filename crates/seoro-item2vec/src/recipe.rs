//! The recipes: Word2Vec and Item2Vec.

use crate::embedding::Embedding;
use crate::run::Run;
use crate::sequences::{Batch, Sequences};
use crate::train::{Contexts, Plan, Trained, train};
use crate::words::{Encoded, Words};
use crate::{Corpus, CorpusError, FitError};
use seoro_core::hash::Fnv1a;
use seoro_core::{Histories, UserId, Vocab};
use serde::{Deserialize, Serialize};

/// What is foretold from what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Architecture {
    /// A word from each word of its window: slower, and better for rare words (Mikolov et al. 2013a, figure 1).
    #[default]
    SkipGram,
    /// A word from the mean of its window.
    Cbow,
}

/// How a word is foretold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Output {
    /// Negative sampling: the word is told from `samples` words drawn as often as their count to the power `alpha`.
    Negative {
        /// How many are drawn for each word.
        samples: usize,
        /// The power of counts; the paper's is 0.75.
        alpha: f64,
    },
    /// Hierarchical softmax: the turns on the word's path in Huffman's tree.
    Hierarchical,
    /// The full softmax: for small vocabularies, as each step goes through all words.
    Softmax,
}

impl Default for Output {
    fn default() -> Self {
        Self::Negative { samples: 5, alpha: 0.75 }
    }
}

/// How frequent words are passed over: with `f` the share of the text that is a word, and threshold `t`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Subsampling {
    /// As the paper prints it (Mikolov et al. 2013b, equation 5): a word stays with the chance `√(t / f)`.
    Paper(f64),
    /// As word2vec's code has it, and gensim: with the chance `√(t / f) + t / f`.
    Code(f64),
}

impl Subsampling {
    pub(crate) fn threshold(self) -> f64 {
        match self {
            Self::Paper(threshold) | Self::Code(threshold) => threshold,
        }
    }

    /// The chance that each word stays, of 2³².
    fn keep(self, counts: &[u64]) -> Vec<u64> {
        let total: u64 = counts.iter().sum();
        let chance = |&count: &u64| {
            let ratio = self.threshold() * total as f64 / count.max(1) as f64;
            let chance = match self {
                Self::Paper(_) => ratio.sqrt(),
                Self::Code(_) => ratio.sqrt() + ratio,
            };
            (chance.min(1.0) * 2f64.powi(32)) as u64
        };
        counts.iter().map(chance).collect()
    }
}

/// The recipe of Word2Vec (Mikolov et al. 2013a and 2013b); the defaults are word2vec's, with 5 epochs as gensim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Word2Vec {
    /// Numbers of a vector.
    pub dim: usize,
    /// How far from a word its contexts may stand.
    pub window: usize,
    /// Whether each word draws its own window, of 1 to [`Word2Vec::window`]: nearer words count more.
    pub shrink: bool,
    /// What is foretold from what.
    pub architecture: Architecture,
    /// How a word is foretold.
    pub output: Output,
    /// How frequent words are passed over, if they are.
    pub subsampling: Option<Subsampling>,
    /// How often a word must stand in the text to be learned.
    pub min_count: u64,
    /// The most words to be learned, the most frequent ones; all where absent.
    pub max_words: Option<usize>,
    /// How often the text is gone through.
    pub epochs: usize,
    /// The first learning rate.
    pub learning_rate: f64,
    /// What it falls to, in equal steps.
    pub last_learning_rate: f64,
}

impl Default for Word2Vec {
    fn default() -> Self {
        Self {
            dim: 100,
            window: 5,
            shrink: true,
            architecture: Architecture::default(),
            output: Output::default(),
            subsampling: Some(Subsampling::Code(1e-3)),
            min_count: 5,
            max_words: None,
            epochs: 5,
            learning_rate: 0.025,
            last_learning_rate: 0.0001,
        }
    }
}

impl Word2Vec {
    /// Learns the words of a text.
    ///
    /// # Errors
    /// [`FitError`].
    pub fn fit(&self, corpus: &(impl Corpus + ?Sized), run: &mut Run<'_>) -> Result<Embedding, FitError> {
        self.fit_any(&corpus, run)
    }

    fn fit_any(&self, corpus: &dyn Corpus, run: &mut Run<'_>) -> Result<Embedding, FitError> {
        let plan = Plan {
            dim: self.dim,
            contexts: Contexts::Window { size: self.window, shrink: self.shrink, shuffle: false },
            architecture: self.architecture,
            objective: self.output,
            epochs: self.epochs,
            rates: [self.learning_rate, self.last_learning_rate],
        };
        plan.check(self.subsampling)?;
        if let Some(most @ ..2) = self.max_words {
            let (parameter, expected) = ("max_words", "at least 2");
            return Err(FitError::Parameter { parameter, value: most as f64, expected });
        }
        run.check()?;
        let pool = run.pool()?;
        let words = pool.install(|| Words::count(corpus, self.min_count, self.max_words, run.cancel))?;
        let vectors = plan.bytes(words.counts.len(), pool.current_num_threads());
        let room = run.memory.map_or(u64::MAX, |limit| limit.saturating_sub(vectors));
        let encoded = pool.install(|| Encoded::new(corpus, &words, room, run.cancel))?;
        drop(pool);
        let keep = self.subsampling.map_or_else(Vec::new, |how| how.keep(&words.counts));
        let name = |trained| Embedding::new(words.names.clone(), words.counts.clone(), trained, self.output);
        train(&plan, &words.counts, &keep, &encoded, run, &name)
    }
}

/// Which items of a user are each other's contexts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Pairs {
    /// All with all: the window is the whole set. Time grows with the square of a set's size.
    #[default]
    Set,
    /// Those up to `window` places away, in another order each epoch: the paper's other way, which learns the same pairs
    /// over many epochs.
    Shuffled {
        /// How far away contexts may stand.
        window: usize,
    },
}

/// The recipe of Item2Vec (Barkan and Koenigstein 2016): Skip-Gram with negative sampling over sets of items.
///
/// The defaults are the paper's for music; the paper gives no learning rate, word2vec's is taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Item2Vec {
    /// Numbers of a vector, the paper's m.
    pub dim: usize,
    /// Which items are each other's contexts.
    pub pairs: Pairs,
    /// Negatives of each item, the paper's N.
    pub negatives: usize,
    /// The power of counts that negatives are drawn by.
    pub alpha: f64,
    /// The paper's ρ: an item of share `f` stays with the chance `√(ρ / f)`; all stay where absent.
    pub subsampling: Option<f64>,
    /// How often all sets are gone through.
    pub epochs: usize,
    /// The first learning rate.
    pub learning_rate: f64,
    /// What it falls to, in equal steps.
    pub last_learning_rate: f64,
}

impl Default for Item2Vec {
    fn default() -> Self {
        Self {
            dim: 100,
            pairs: Pairs::Set,
            negatives: 15,
            alpha: 0.75,
            subsampling: Some(1e-5),
            epochs: 20,
            learning_rate: 0.025,
            last_learning_rate: 0.0001,
        }
    }
}

impl Item2Vec {
    /// Learns the items of these histories, each a set; items without a history have zeros.
    ///
    /// # Errors
    /// [`FitError`].
    pub fn fit(&self, histories: &Histories, run: &mut Run<'_>) -> Result<Embedding, FitError> {
        let output = Output::Negative { samples: self.negatives, alpha: self.alpha };
        let plan = Plan {
            dim: self.dim,
            contexts: match self.pairs {
                Pairs::Set => Contexts::Set,
                Pairs::Shuffled { window } => Contexts::Window { size: window, shrink: false, shuffle: true },
            },
            architecture: Architecture::SkipGram,
            objective: output,
            epochs: self.epochs,
            rates: [self.learning_rate, self.last_learning_rate],
        };
        let subsampling = self.subsampling.map(Subsampling::Paper);
        plan.check(subsampling).map_err(|error| match error {
            FitError::Parameter { parameter: "samples", value, expected } => {
                FitError::Parameter { parameter: "negatives", value, expected }
            }
            other => other,
        })?;
        run.check()?;
        let sets = Sets::new(histories);
        let mut counts = vec![0u64; histories.n_items()];
        let rows = sets.batches.iter().flat_map(|batch| batch.sentences().flatten());
        rows.for_each(|&row| counts[row as usize] += 1);
        if counts.iter().filter(|&&count| count > 0).count() < 2 {
            return Err(FitError::Empty { min_count: 1, words: counts.iter().sum() });
        }
        let keep = subsampling.map_or_else(Vec::new, |how| how.keep(&counts));
        let name = |mut trained: Trained| {
            for (row, _) in counts.iter().enumerate().filter(|&(_, &count)| count == 0) {
                trained.input.row_mut(row).fill(0.0);
            }
            Embedding::new(Vocab::numbered(histories.n_items() as u32), counts.clone(), trained, output)
        };
        train(&plan, &counts, &keep, &sets, run, &name)
    }
}

/// Events of a chunk of sets.
const CHUNK: usize = 4096;

/// Each user's items, without repeats.
struct Sets {
    batches: Vec<Batch>,
    before: Vec<u64>,
}

impl Sets {
    fn new(histories: &Histories) -> Self {
        let (mut batches, mut before) = (vec![Batch::default()], vec![0]);
        let mut items = Vec::new();
        for user in 0..histories.n_users() {
            items.clear();
            items.extend(histories.items(UserId(user as u32)).iter().map(|item| item.0));
            items.sort_unstable();
            items.dedup();
            if batches.last().is_none_or(|batch| batch.len() >= CHUNK) {
                batches.push(Batch::default());
            }
            if let Some(batch) = batches.last_mut() {
                items.iter().for_each(|&item| batch.push(item));
                batch.end();
            }
        }
        batches.iter().for_each(|batch| before.push(before[before.len() - 1] + batch.len() as u64));
        Self { batches, before }
    }
}

impl Sequences for Sets {
    fn before(&self) -> &[u64] {
        &self.before
    }

    fn hash(&self) -> u64 {
        let mut all = Fnv1a::new();
        self.batches.iter().for_each(|batch| all.word(batch.hash()));
        all.value()
    }

    fn read(&self, chunk: usize, out: &mut Batch) -> Result<(), CorpusError> {
        out.clone_from(&self.batches[chunk]);
        Ok(())
    }
}
