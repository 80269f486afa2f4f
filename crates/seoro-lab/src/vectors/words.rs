//! Words, learned from movie reviews and held to judgements and analogies.

use super::{Learner, Subject, of_another_kind};
use crate::LabError;
use crate::bench::peer::Peer;
use crate::data::{Folders, fingerprint_of};
use crate::text::{self, Corpus, Pair};
use crate::vectors::learner::WordRecipe;
use seoro_core::Seed;
use seoro_item2vec::{Architecture, Output, Run, Subsampling, TextFile, Vectors};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// The data set of the text.
pub(super) const TEXT: &str = "text-aclimdb";

/// The measures, in the order of columns.
pub(super) const METRICS: &[&str] = &[
    "men",
    "wordsim-353",
    "simlex-999",
    "analogies",
    "semantic",
    "syntactic",
    "covered",
    "words-per-second",
];

/// What the columns are.
pub(super) const LEGEND: &str = "\
MEN, WordSim-353 and SimLex-999 are Spearman's correlations of cosines with people's judgements, over the pairs whose words \
are known. Analogies are the share of questions answered right at once among the 30,000 most frequent words (3CosAdd), of \
those whose words are among them; covered is their share of all. Words a second are of learning alone, the vocabulary \
having been counted: ours has the text as numbers in memory by then, gensim reads it anew in each epoch.";

/// The judgements, each with its file.
const JUDGEMENTS: [(&str, &str); 3] =
    [("men", "EN-MEN-TR-3k.txt"), ("wordsim-353", "EN-WS-353-ALL.txt"), ("simlex-999", "EN-SIMLEX-999.txt")];

/// The questions of analogy.
const QUESTIONS: &str = "questions-words.txt";

/// Answers are looked for among so many words, the most frequent ones: the papers' and gensim's way.
const AMONG: usize = 30_000;

/// The text, and what its words are held to.
pub(super) struct Words {
    fingerprint: String,
    corpus: Corpus,
    judgements: Vec<(&'static str, Vec<Pair>)>,
    questions: Vec<(String, [String; 4])>,
}

/// What tells the text and the judgements from any others.
///
/// # Errors
/// A manifest that is missing or wrong.
pub(super) fn fingerprint() -> Result<String, LabError> {
    Ok(format!("{}+{}+{}", fingerprint_of(TEXT)?, fingerprint_of(text::JUDGEMENTS)?, text::REVISION))
}

impl Words {
    /// Reads it; `None` where the files are not at hand.
    ///
    /// # Errors
    /// Files that are not what their manifests say.
    pub(super) fn open(folders: &Folders) -> Result<Option<Self>, LabError> {
        if [TEXT, text::JUDGEMENTS].into_iter().any(|name| folders.holding(name).is_none()) {
            return Ok(None);
        }
        let judged = |(name, file)| Ok((name, text::pairs(folders, file)?));
        let judgements: Result<Vec<_>, LabError> = JUDGEMENTS.into_iter().map(judged).collect();
        Ok(Some(Self {
            fingerprint: fingerprint()?,
            corpus: text::reviews(folders, None)?,
            judgements: judgements?,
            questions: text::questions(folders, QUESTIONS)?,
        }))
    }

    fn ours(
        &self,
        recipe: &WordRecipe,
        seed: u64,
        threads: usize,
    ) -> Result<(Vectors, f64, usize), LabError> {
        let failed = |error: &dyn std::fmt::Display| LabError::Usage(error.to_string());
        let text = TextFile::open(&self.corpus.path).map_err(|error| failed(&error))?;
        let mut seconds = 0.0;
        let mut watch = |progress: seoro_item2vec::Progress<'_>| seconds = progress.seconds;
        let mut run = Run::new(Seed::new(seed));
        run.threads = threads;
        run.observe = Some(&mut watch);
        let learned = recipe.learn.fit(&text, &mut run).map_err(|error| failed(&error))?;
        drop(run);
        Ok((learned.vectors(recipe.take).map_err(|error| failed(&error))?, seconds, recipe.learn.epochs))
    }

    fn gensim(
        &self,
        recipe: &WordRecipe,
        seed: u64,
        threads: usize,
        python: &Path,
    ) -> Result<(Vectors, f64, usize), LabError> {
        let learn = &recipe.learn;
        let usage = |what: &str| LabError::Usage(format!("gensim does not have {what}"));
        let (negatives, alpha, is_hierarchical) = match learn.output {
            Output::Negative { samples, alpha } => (samples, alpha, false),
            Output::Hierarchical => (0, 0.75, true),
            _ => return Err(usage("the full softmax")),
        };
        let subsampling = match learn.subsampling {
            None => 0.0,
            Some(Subsampling::Code(threshold)) => threshold,
            Some(_) => return Err(usage("the paper's subsampling")),
        };
        let folder = tempfile::tempdir().map_err(LabError::io(std::env::temp_dir()))?;
        let out: PathBuf = folder.path().join("vectors.bin");
        let told = json!({
            "corpus": self.corpus.path, "skip_gram": learn.architecture == Architecture::SkipGram, "dim": learn.dim,
            "threads": threads, "window": learn.window, "negatives": negatives, "hierarchical": is_hierarchical,
            "alpha": alpha, "subsampling": subsampling, "min_count": learn.min_count, "max_words": learn.max_words,
            "epochs": learn.epochs, "rates": [learn.learning_rate, learn.last_learning_rate], "pairs": [], "seed": seed,
            "out": out,
        });
        let mut peer = Peer::start(python, "words_gensim", &told)?;
        let answer = peer.go()?;
        let file = File::open(&out).map_err(LabError::io(&out))?;
        let vectors =
            Vectors::read_binary(BufReader::new(file)).map_err(|error| LabError::Usage(error.to_string()))?;
        Ok((vectors, answer.value, learn.epochs))
    }

    fn held_to_judgements(&self, vectors: &Vectors) -> BTreeMap<String, f64> {
        let mut values = BTreeMap::new();
        for (name, pairs) in &self.judgements {
            let agreement =
                vectors.agreement(pairs.iter().map(|(a, b, judged)| (a.as_str(), b.as_str(), *judged)));
            values.insert((*name).to_owned(), agreement.spearman);
        }
        let answers = |is_meant: &dyn Fn(&str) -> bool| {
            let meant = self.questions.iter().filter(|(section, _)| is_meant(section));
            let words = meant.map(|(_, words)| words.each_ref().map(String::as_str));
            vectors.answers(words, Some(AMONG))
        };
        // word2vec's file calls sections of grammar gram1, gram2, …
        let is_grammar = |section: &str| section.starts_with("gram");
        let (semantic, syntactic) = (answers(&|section| !is_grammar(section)), answers(&is_grammar));
        let (right, covered) = (semantic.right + syntactic.right, semantic.covered + syntactic.covered);
        let share = |part: usize, of: usize| part as f64 / of.max(1) as f64;
        values.insert("analogies".to_owned(), share(right, covered));
        values.insert("semantic".to_owned(), share(semantic.right, semantic.covered));
        values.insert("syntactic".to_owned(), share(syntactic.right, syntactic.covered));
        values.insert("covered".to_owned(), share(covered, self.questions.len()));
        values
    }
}

impl Subject for Words {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn measure(
        &self,
        learner: &Learner,
        seed: u64,
        threads: usize,
        python: Option<&Path>,
    ) -> Result<(BTreeMap<String, f64>, f64), LabError> {
        let (vectors, seconds, epochs) = match learner {
            Learner::Word2Vec(recipe) => self.ours(recipe, seed, threads)?,
            Learner::Gensim(recipe) => {
                let missing = || {
                    LabError::Usage("gensim's rows need a Python that has it; expected --python".to_owned())
                };
                self.gensim(recipe, seed, threads, python.ok_or_else(missing)?)?
            }
            _ => return Err(of_another_kind(TEXT)),
        };
        let mut values = self.held_to_judgements(&vectors);
        let speed = (self.corpus.words * epochs as u64) as f64 / seconds;
        values.insert("words-per-second".to_owned(), speed);
        Ok((values, seconds))
    }
}
