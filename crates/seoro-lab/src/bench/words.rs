//! Learning word vectors, and carrying them to files and back, beside gensim.

use super::work::{Answer, Work};
use super::{Agreement, Case, Prepare, Scene};
use crate::text::{self, Pair};
use crate::{LabError, workplace};
use seoro_core::Seed;
use seoro_item2vec::{
    Architecture, FitError, Output, Progress, Run, Subsampling, Take, TextFile, Vectors, Word2Vec,
};
use serde_json::json;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;

/// Words of the text that is learned from.
const WORDS: u64 = 1_500_000;

/// How often it is gone through: after one epoch, vectors follow words' counts more than their company, and how alike two
/// words seem is chance.
const EPOCHS: usize = 5;

/// The judgements that vectors are held to.
const JUDGEMENTS: &str = "EN-MEN-TR-3k.txt";

/// How many pairs a ratio is the median of: each takes minutes.
const PAIRS: usize = 5;

/// The cases of learning word vectors and of their files.
pub(super) const CASES: &[Case] = &[
    learn("skip-gram-d100-1-thread", |scene| learning(scene, Architecture::SkipGram, 100, 1)),
    learn("skip-gram-d100-2-threads", |scene| learning(scene, Architecture::SkipGram, 100, 2)),
    learn("skip-gram-d300-1-thread", |scene| learning(scene, Architecture::SkipGram, 300, 1)),
    learn("skip-gram-d300-2-threads", |scene| learning(scene, Architecture::SkipGram, 300, 2)),
    learn("cbow-d100-1-thread", |scene| learning(scene, Architecture::Cbow, 100, 1)),
    learn("cbow-d100-2-threads", |scene| learning(scene, Architecture::Cbow, 100, 2)),
    learn("cbow-d300-1-thread", |scene| learning(scene, Architecture::Cbow, 300, 1)),
    learn("cbow-d300-2-threads", |scene| learning(scene, Architecture::Cbow, 300, 2)),
    carry("word2vec-binary-save", |_| carrying("save")),
    carry("word2vec-binary-load", |_| carrying("load")),
];

const fn learn(name: &'static str, prepare: fn(&Scene) -> Result<Work, LabError>) -> Case {
    let note = "five epochs of 1,500,000 words of movie reviews, window 5, 5 negatives; vocabularies are counted before the clock \
                starts, the text is read within it, ours shares negatives among neighbouring words, and the check is Spearman's correlation with MEN's judgements, of one seed; docs/results/word2vec.md holds both sides to judgements over several.";
    let agreement = Agreement::NotBelow { slack: 0.03, floor: 0.15 };
    Case { bench: "item2vec", name, note: Some(note), agreement, prepare: Prepare::By(prepare) }
}

const fn carry(name: &'static str, prepare: fn(&Scene) -> Result<Work, LabError>) -> Case {
    let note = "100,000 vectors of 300 numbers; the check is the sum of all numbers.";
    Case {
        bench: "item2vec",
        name,
        note: Some(note),
        agreement: Agreement::Within(1e-4),
        prepare: Prepare::By(prepare),
    }
}

fn learning(scene: &Scene, architecture: Architecture, dim: usize, threads: usize) -> Result<Work, LabError> {
    let corpus = text::reviews(&scene.folders, Some(WORDS))?;
    let pairs = text::pairs(&scene.folders, JUDGEMENTS)?;
    let recipe = Word2Vec {
        dim,
        architecture,
        window: 5,
        shrink: true,
        output: Output::Negative { samples: 5, alpha: 0.75 },
        subsampling: Some(Subsampling::Code(1e-3)),
        min_count: 5,
        max_words: None,
        epochs: EPOCHS,
        learning_rate: 0.025,
        last_learning_rate: 1e-4,
    };
    let told = json!({
        "corpus": corpus.path, "skip_gram": architecture == Architecture::SkipGram, "dim": dim, "threads": threads,
        "window": recipe.window, "negatives": 5, "alpha": 0.75, "subsampling": 1e-3, "min_count": recipe.min_count,
        "epochs": recipe.epochs, "rates": [recipe.learning_rate, recipe.last_learning_rate], "pairs": pairs,
    });
    // What is just enough for the vectors keeps no text: ours reads it within the clock, as gensim does.
    let text = TextFile::open(&corpus.path).map_err(|error| LabError::Usage(error.to_string()))?;
    let mut run = Run::new(Seed::new(1));
    run.threads = threads;
    run.memory = Some(0);
    let memory = match recipe.fit(&text, &mut run) {
        Err(FitError::Memory { needed, .. }) => Some(needed),
        _ => None,
    };
    let ours = move || {
        let text = TextFile::open(&corpus.path).map_err(|error| LabError::Usage(error.to_string()))?;
        let mut seconds = 0.0;
        let mut watch = |progress: Progress<'_>| seconds = progress.seconds;
        let mut run = Run::new(Seed::new(1));
        run.threads = threads;
        run.memory = memory;
        run.observe = Some(&mut watch);
        let learned = recipe.fit(&text, &mut run).map_err(|error| LabError::Usage(error.to_string()))?;
        let vectors = learned.vectors(Take::Centre).map_err(|error| LabError::Usage(error.to_string()))?;
        Ok(Answer { value: seconds, check: agreement(&vectors, &pairs) })
    };
    Ok(Work { pairs: PAIRS, is_warmed: false, ..Work::told(("words_gensim", told), ours, threads) })
}

fn agreement(vectors: &Vectors, pairs: &[Pair]) -> f64 {
    vectors.agreement(pairs.iter().map(|(a, b, judged)| (a.as_str(), b.as_str(), *judged))).spearman
}

fn read(path: &Path) -> Result<Vectors, LabError> {
    let file = File::open(path).map_err(LabError::io(path))?;
    let read = Vectors::read_binary(BufReader::with_capacity(1 << 20, file));
    read.map_err(|error| LabError::Usage(error.to_string()))
}

fn carrying(what: &'static str) -> Result<Work, LabError> {
    const ROWS: u32 = 100_000;
    const DIM: usize = 300;
    let mut rng = Seed::new(1).child("vectors").rng();
    let numbers = (0..ROWS as usize * DIM).map(|_| rng.normal() as f32).collect();
    let wrong = |error: &dyn std::fmt::Display| LabError::Usage(error.to_string());
    let matrix = seoro_core::Matrix::from_vec(ROWS as usize, DIM, numbers).map_err(|error| wrong(&error))?;
    let vectors = Vectors::new(seoro_core::Vocab::numbered(ROWS), matrix).map_err(|error| wrong(&error))?;
    let folder = workplace::target().join("experiments/bench");
    std::fs::create_dir_all(&folder).map_err(LabError::io(&folder))?;
    let (path, theirs) = (folder.join("vectors.bin"), folder.join("vectors-gensim.bin"));
    let save = {
        let path = path.clone();
        move |vectors: &Vectors| {
            let file = File::create(&path).map_err(LabError::io(&path))?;
            vectors
                .write_binary(BufWriter::with_capacity(1 << 20, file))
                .map_err(|error| LabError::Usage(error.to_string()))
        }
    };
    save(&vectors)?;
    let told = json!({"what": what, "vectors": path, "out": theirs, "threads": 1});
    let sum =
        |vectors: &Vectors| vectors.matrix().as_slice().iter().map(|&number| f64::from(number)).sum::<f64>();
    let ours: super::work::Repeat = match what {
        "save" => Box::new(move || {
            save(&vectors)?;
            let path = path.clone();
            // What was written is read once the clock has stopped.
            Ok(Box::new(move || read(&path).map_or(f64::NAN, |vectors| sum(&vectors))))
        }),
        _ => Box::new(move || {
            let read = read(&path)?;
            Ok(Box::new(move || sum(&read)))
        }),
    };
    Ok(Work::timed(vec![("vectors_gensim", told)], ours, 1))
}
