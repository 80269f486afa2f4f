//! Groups of words against their formulas, pair by pair.

use super::super::super::noise::Noise;
use super::super::super::shared::Shared;
use super::super::{Contexts, Plan};
use super::*;
use seoro_core::{Matrix, Seed};

const DIM: usize = 5;
const SIZE: usize = 2;
const SAMPLES: usize = 6;

/// The places whose words are the contexts of a place's.
type ContextsOf<'a> = &'a dyn Fn(usize) -> Vec<usize>;

/// The places within a window's reach, but its own.
fn window(words: &[u32], place: usize) -> Vec<usize> {
    let reach = place.saturating_sub(SIZE)..words.len().min(place + SIZE + 1);
    reach.filter(|&other| other != place).collect()
}

/// The step of the words at `places`, whose contexts are told, as its formulas say: every pair by itself, all from the
/// values before.
fn expected(
    [input, output]: &[Matrix; 2],
    (words, places, contexts): (&[u32], Range<usize>, ContextsOf<'_>),
    negatives: &[u32],
    (architecture, rate): (Architecture, f32),
) -> ([Matrix; 2], f64) {
    let mut loss = 0.0;
    let (mut input_after, mut output_after) = (input.clone(), output.clone());
    for place in places {
        let word = words[place];
        let contexts: Vec<u32> = contexts(place).into_iter().map(|other| words[other]).collect();
        // What stands on the input's side, and whose vectors the step goes to.
        let mean = |numbers: usize| {
            contexts.iter().map(|&word| input.row(word as usize)[numbers]).sum::<f32>()
                / contexts.len() as f32
        };
        let sides: Vec<(Vec<f32>, Vec<u32>)> = match architecture {
            Architecture::SkipGram => {
                contexts.iter().map(|&word| (input.row(word as usize).to_vec(), vec![word])).collect()
            }
            Architecture::Cbow => vec![((0..DIM).map(mean).collect(), contexts.clone())],
        };
        let drawn = negatives.iter().filter(|&&negative| negative != word).map(|&negative| (negative, 0.0));
        for (target, label) in std::iter::once((word, 1.0)).chain(drawn) {
            for (side, receivers) in &sides {
                let out = output.row(target as usize);
                let product: f32 = side.iter().zip(out).map(|(a, b)| a * b).sum();
                let odds = if label > 0.5 { -product } else { product };
                loss += f64::from((1.0 + odds.exp()).ln());
                let pull = rate * (label - 1.0 / (1.0 + (-product).exp()));
                for number in 0..DIM {
                    output_after.row_mut(target as usize)[number] += pull * side[number];
                    receivers
                        .iter()
                        .for_each(|&word| input_after.row_mut(word as usize)[number] += pull * out[number]);
                }
            }
        }
    }
    ([input_after, output_after], loss)
}

/// What a sentence leaves behind, ours and as the formulas say, by groups of so many; and the loss of its first group.
fn learn(
    start: &[Matrix; 2],
    words: &[u32],
    architecture: Architecture,
    (rate, count): (f32, usize),
    is_set: bool,
) -> [([Matrix; 2], f64); 2] {
    let counts: Vec<u64> = (0..start[0].rows() as u64).map(|word| 1 + word * word % 5).collect();
    let noise = || Noise::new(&counts, 0.75).unwrap();
    let objective = Output::Negative { noise: noise(), samples: SAMPLES };
    let plan = Plan {
        dim: DIM,
        contexts: if is_set {
            Contexts::Set
        } else {
            Contexts::Window { size: SIZE, shrink: false, shuffle: false }
        },
        architecture,
        objective: crate::Output::Negative { samples: SAMPLES, alpha: 0.75 },
        epochs: 1,
        rates: [f64::from(rate), 0.0],
    };
    let (input, output) = (Shared::from_matrix(&start[0]), Shared::from_matrix(&start[1]));
    let mut worker = Worker::new(&plan, [&input, &output], &objective, &[]);
    words.iter().for_each(|&word| worker.batch.push(word));
    worker.batch.end();
    worker.steps = LOSS_EVERY - 1;
    worker.learn(rate, &mut Seed::new(8).rng());
    let (mut rng, noise, mut words) = (Seed::new(8).rng(), noise(), words.to_vec());
    if is_set {
        rng.shuffle(&mut words);
    }
    let (mut matrices, mut first) = (start.clone(), None);
    // A window is one block, which reaches over everything.
    let block = if is_set { BLOCK } else { words.len() };
    for block in (0..words.len()).step_by(block).map(|start| start..words.len().min(start + block)) {
        let contexts = |place: usize| match is_set {
            true => block.clone().filter(|&other| other != place).collect(),
            false => window(&words, place),
        };
        for start in (0..words.len()).step_by(count) {
            let negatives: Vec<u32> = (0..SAMPLES).map(|_| noise.draw(&mut rng)).collect();
            let group =
                (words.as_slice(), start..words.len().min(start + count), &contexts as ContextsOf<'_>);
            let (after, loss) = expected(&matrices, group, &negatives, (architecture, rate));
            matrices = after;
            first.get_or_insert(loss);
        }
    }
    let ours = ([input.to_matrix(), output.to_matrix()], worker.loss.sum);
    [ours, (matrices, first.unwrap_or_default())]
}

/// Holds what is learned from a sentence, at a rate that makes groups of so many words, to the formulas.
fn check(vocabulary: usize, words: &[u32], steps: (f32, usize)) {
    [Architecture::SkipGram, Architecture::Cbow]
        .into_iter()
        .for_each(|architecture| check_one(vocabulary, words, architecture, steps, false));
}

fn check_one(
    vocabulary: usize,
    words: &[u32],
    architecture: Architecture,
    steps: (f32, usize),
    is_set: bool,
) {
    let mut rng = Seed::new(5).rng();
    let mut matrix = || {
        let numbers = (0..vocabulary * DIM).map(|_| rng.normal() as f32).collect();
        Matrix::from_vec(vocabulary, DIM, numbers).unwrap()
    };
    let start = [matrix(), matrix()];
    let [(ours, found), (theirs, loss)] = learn(&start, words, architecture, steps, is_set);
    let what = format!("{architecture:?} {words:?} {steps:?}, set {is_set}");
    assert!((found - loss).abs() < 1e-4 * loss, "{what}: {found}, expected {loss}");
    let numbers =
        |matrices: &[Matrix; 2]| [matrices[0].as_slice(), matrices[1].as_slice()].concat().into_iter();
    for (found, expected) in numbers(&ours).zip(numbers(&theirs)) {
        assert!(
            (found - expected).abs() < 1e-4 * expected.abs().max(1.0),
            "{what}: {found}, expected {expected}"
        );
    }
}

#[test]
fn a_group_learns_what_each_pair_would() {
    // Repeats, words that are drawn, one word less than a group, and a group.
    for words in [[0, 3, 6, 3, 1, 3, 8].as_slice(), &[2, 5], &[4, 4, 0, 7, 3, 6, 2, 1]] {
        check(9, words, (0.03, GROUP));
    }
}

/// Words stand once each: a word's copies in one sentence do not see each other's steps.
#[test]
fn groups_follow_each_other() {
    for count in [GROUP + 1, 2 * GROUP + 1, 3 * GROUP + 6] {
        let words: Vec<u32> = (0..count as u32).map(|place| place * 11 % 40).collect();
        // Seven pairs a word, so that groups shrink as the rate grows.
        for steps in [(0.03, GROUP), (0.1, 2), (0.4, 1)] {
            check(40, &words, steps);
        }
    }
}

/// Every item of a set is met by every other, a block of inputs after the other.
#[test]
fn a_set_learns_what_each_pair_would() {
    for count in [2, GROUP, BLOCK, BLOCK + 1, BLOCK + 5] {
        let items: Vec<u32> = (0..count as u32).map(|place| place * 11 % 40).collect();
        // A block's sixteen pairs a word.
        for steps in [(0.01, GROUP), (0.04, 3), (0.25, 1)] {
            check_one(40, &items, Architecture::SkipGram, steps, true);
        }
    }
}
