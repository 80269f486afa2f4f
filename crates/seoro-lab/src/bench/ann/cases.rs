//! The cases, in the order of their vectors, so that an index is built once a run.

use super::{Contest, Goal};
use crate::ann::grids::{
    OUR_DENSE_GRAPHS, OUR_FAST_SCAN_MNIST, OUR_FAST_SCAN_WORDS, OUR_FLAT, OUR_FOREST, OUR_FORESTS, OUR_GRAPH,
    OUR_INT8_GRAPHS, OUR_INT8_SPARSE_GRAPHS, OUR_IVF_FLAT, OUR_IVF_PQ_MNIST, OUR_IVF_PQ_WORDS,
    OUR_LISTS_MNIST, OUR_LISTS_WORDS, OUR_SPARSE_GRAPH, OUR_SPARSE_GRAPHS, Rival, SAME_FAST_SCAN_WORDS,
    SAME_INT8_GRAPH, SAME_IVF_FLAT, SAME_IVF_PQ_MNIST, SAME_IVF_PQ_WORDS, SAME_PQ_MNIST, SAME_PQ_WORDS,
    THEIR_DENSE_GRAPHS, THEIR_FAST_SCAN_MNIST, THEIR_FAST_SCAN_WORDS, THEIR_FLAT, THEIR_FOREST,
    THEIR_FORESTS, THEIR_GRAPH, THEIR_INT8_GRAPHS, THEIR_INT8_SPARSE_GRAPHS, THEIR_IVF_FLAT,
    THEIR_IVF_PQ_MNIST, THEIR_IVF_PQ_WORDS, THEIR_LISTS_MNIST, THEIR_LISTS_WORDS, THEIR_SPARSE_GRAPHS,
};
use crate::ann::{Recipe, Space};
use crate::bench::{Agreement, Case, Prepare};

/// Both sides of a kind of case.
type Sides = (&'static [Recipe], &'static [Rival]);

const SPARSE_GRAPHS: Sides = (OUR_SPARSE_GRAPHS, THEIR_SPARSE_GRAPHS);
const DENSE_GRAPHS: Sides = (OUR_DENSE_GRAPHS, THEIR_DENSE_GRAPHS);
const INT8_GRAPHS: Sides = (OUR_INT8_GRAPHS, THEIR_INT8_GRAPHS);
const INT8_SPARSE_GRAPHS: Sides = (OUR_INT8_SPARSE_GRAPHS, THEIR_INT8_SPARSE_GRAPHS);
/// With hnswlib alone: a build takes long.
const BUILDS: Sides = (OUR_GRAPH, THEIR_GRAPH.split_at(1).0);
const SPARSE_BUILDS: Sides = (OUR_SPARSE_GRAPH, BUILDS.1);
const FORESTS: Sides = (OUR_FORESTS, THEIR_FORESTS);
const FOREST: Sides = (OUR_FOREST, THEIR_FOREST);
const FLAT: Sides = (OUR_FLAT, THEIR_FLAT);
const IVF_FLAT: Sides = (OUR_IVF_FLAT, THEIR_IVF_FLAT);
const IVF_PQ_MNIST: Sides = (OUR_IVF_PQ_MNIST, THEIR_IVF_PQ_MNIST);
const IVF_PQ_WORDS: Sides = (OUR_IVF_PQ_WORDS, THEIR_IVF_PQ_WORDS);
const FAST_SCAN_MNIST: Sides = (OUR_FAST_SCAN_MNIST, THEIR_FAST_SCAN_MNIST);
const FAST_SCAN_WORDS: Sides = (OUR_FAST_SCAN_WORDS, THEIR_FAST_SCAN_WORDS);
const LISTS_MNIST: Sides = (OUR_LISTS_MNIST, THEIR_LISTS_MNIST);
const LISTS_WORDS: Sides = (OUR_LISTS_WORDS, THEIR_LISTS_WORDS);

const ANNOY: &str = "Annoy takes one query at a time: they are Python lists before the clock starts, one call each within it.";
const SAME_TREES: &str =
    "as many trees on both sides; Annoy's vectors are Python lists before the clock starts.";

const LEAST_EF: &str =
    "hnswlib finds .925 at the least ef there is for 10 neighbours; each side is chosen for as much.";
const FAMILY: &str =
    "the fastest of our inverted files, whichever it is; both sides are asked all queries in one call.";
const SINGLY: &str =
    "queries come one at a time, in a call of their own on both sides; the peer's calls go through Python.";
/// What is found of pictures without trying.
const LEAST_FOUND: f64 = 0.925;

/// All cases of nearest-neighbour search.
pub(in crate::bench) const CASES: &[Case] = &[
    noted(LEAST_EF, search("hnsw-f32-mnist-recall-92.5", Space::Mnist, SPARSE_GRAPHS, LEAST_FOUND)),
    search("hnsw-f32-mnist-recall-95", Space::Mnist, SPARSE_GRAPHS, 0.95),
    search("hnsw-f32-mnist-recall-99", Space::Mnist, SPARSE_GRAPHS, 0.99),
    noted(ANNOY, search("forest-recall-90", Space::Mnist, FORESTS, 0.90)),
    noted(ANNOY, search("forest-recall-95", Space::Mnist, FORESTS, 0.95)),
    search("ivf-flat-mnist-recall-90", Space::Mnist, IVF_FLAT, 0.90),
    search("ivf-flat-mnist-recall-95", Space::Mnist, IVF_FLAT, 0.95),
    search("ivf-flat-mnist-recall-99", Space::Mnist, IVF_FLAT, 0.99),
    search("ivf-pq-mnist-recall-90", Space::Mnist, IVF_PQ_MNIST, 0.90),
    search("ivf-pq-mnist-recall-95", Space::Mnist, IVF_PQ_MNIST, 0.95),
    search("ivf-pq-mnist-recall-99", Space::Mnist, IVF_PQ_MNIST, 0.99),
    search("fast-scan-mnist-recall-90", Space::Mnist, FAST_SCAN_MNIST, 0.90),
    search("fast-scan-mnist-recall-95", Space::Mnist, FAST_SCAN_MNIST, 0.95),
    search("fast-scan-mnist-recall-99", Space::Mnist, FAST_SCAN_MNIST, 0.99),
    noted(FAMILY, search("lists-mnist-recall-90", Space::Mnist, LISTS_MNIST, 0.90)),
    noted(FAMILY, search("lists-mnist-recall-95", Space::Mnist, LISTS_MNIST, 0.95)),
    noted(FAMILY, search("lists-mnist-recall-99", Space::Mnist, LISTS_MNIST, 0.99)),
    noted(SINGLY, singly("ivf-flat-singly-mnist-recall-95", Space::Mnist, IVF_FLAT, 0.95)),
    search("hnsw-int8-mnist-recall-95", Space::Mnist, INT8_SPARSE_GRAPHS, 0.95),
    search("hnsw-int8-mnist-recall-99", Space::Mnist, INT8_SPARSE_GRAPHS, 0.99),
    build("hnsw-build-mnist", Space::Mnist, SPARSE_BUILDS, (64, 3)),
    noted(SAME_TREES, build("forest-build-mnist", Space::Mnist, FOREST, (1000, 5))),
    memory("memory-hnsw-f32-mnist", Space::Mnist, (OUR_SPARSE_GRAPH, THEIR_GRAPH), 64),
    noted("as many trees on both sides.", memory("memory-forest-mnist", Space::Mnist, FOREST, 1000)),
    memory("memory-flat-mnist", Space::Mnist, FLAT, 1),
    missed("codes-pq-mnist-nearest-in-1", Space::Mnist, SAME_PQ_MNIST, (1, 1)),
    missed("codes-ivf-pq-mnist-nearest-in-1", Space::Mnist, SAME_IVF_PQ_MNIST, (16, 1)),
    batch("flat-batch-mnist", Space::Mnist, None),
    batch("flat-batch-mnist-1-thread", Space::Mnist, Some(1)),
    search("hnsw-f32-words-cosine-recall-90", Space::WordsCosine, DENSE_GRAPHS, 0.90),
    search("hnsw-f32-words-cosine-recall-95", Space::WordsCosine, DENSE_GRAPHS, 0.95),
    search("hnsw-f32-words-cosine-recall-99", Space::WordsCosine, DENSE_GRAPHS, 0.99),
    search("hnsw-int8-words-cosine-recall-90", Space::WordsCosine, INT8_GRAPHS, 0.90),
    search("hnsw-int8-words-cosine-recall-95", Space::WordsCosine, INT8_GRAPHS, 0.95),
    search("hnsw-int8-words-cosine-recall-99", Space::WordsCosine, INT8_GRAPHS, 0.99),
    noted(ANNOY, search("forest-words-cosine-recall-90", Space::WordsCosine, FORESTS, 0.90)),
    noted(ANNOY, search("forest-words-cosine-recall-95", Space::WordsCosine, FORESTS, 0.95)),
    search("ivf-flat-words-cosine-recall-90", Space::WordsCosine, IVF_FLAT, 0.90),
    search("ivf-flat-words-cosine-recall-95", Space::WordsCosine, IVF_FLAT, 0.95),
    search("ivf-flat-words-cosine-recall-99", Space::WordsCosine, IVF_FLAT, 0.99),
    search("ivf-pq-words-cosine-recall-90", Space::WordsCosine, IVF_PQ_WORDS, 0.90),
    search("ivf-pq-words-cosine-recall-95", Space::WordsCosine, IVF_PQ_WORDS, 0.95),
    search("ivf-pq-words-cosine-recall-99", Space::WordsCosine, IVF_PQ_WORDS, 0.99),
    search("fast-scan-words-cosine-recall-90", Space::WordsCosine, FAST_SCAN_WORDS, 0.90),
    search("fast-scan-words-cosine-recall-95", Space::WordsCosine, FAST_SCAN_WORDS, 0.95),
    search("fast-scan-words-cosine-recall-99", Space::WordsCosine, FAST_SCAN_WORDS, 0.99),
    noted(FAMILY, search("lists-words-cosine-recall-90", Space::WordsCosine, LISTS_WORDS, 0.90)),
    noted(FAMILY, search("lists-words-cosine-recall-95", Space::WordsCosine, LISTS_WORDS, 0.95)),
    noted(FAMILY, search("lists-words-cosine-recall-99", Space::WordsCosine, LISTS_WORDS, 0.99)),
    noted(SINGLY, singly("ivf-flat-singly-words-cosine-recall-95", Space::WordsCosine, IVF_FLAT, 0.95)),
    noted(SINGLY, singly("ivf-pq-singly-words-cosine-recall-95", Space::WordsCosine, IVF_PQ_WORDS, 0.95)),
    build("hnsw-build-words-cosine", Space::WordsCosine, BUILDS, (64, 3)),
    memory("memory-hnsw-f32-words-cosine", Space::WordsCosine, (OUR_GRAPH, THEIR_GRAPH), 64),
    memory("memory-hnsw-int8-words-cosine", Space::WordsCosine, SAME_INT8_GRAPH, 64),
    memory("memory-ivf-flat-words-cosine", Space::WordsCosine, SAME_IVF_FLAT, 16),
    codes_memory("memory-pq-words-cosine", Space::WordsCosine, SAME_PQ_WORDS, 1),
    codes_memory("memory-ivf-pq-words-cosine", Space::WordsCosine, SAME_IVF_PQ_WORDS, 16),
    codes_memory("memory-fast-scan-words-cosine", Space::WordsCosine, SAME_FAST_SCAN_WORDS, 16),
    missed("codes-pq-words-cosine-nearest-in-1", Space::WordsCosine, SAME_PQ_WORDS, (1, 1)),
    missed("codes-pq-words-cosine-nearest-in-10", Space::WordsCosine, SAME_PQ_WORDS, (1, 10)),
    missed("codes-pq-words-cosine-nearest-in-100", Space::WordsCosine, SAME_PQ_WORDS, (1, 100)),
    missed("codes-ivf-pq-words-cosine-nearest-in-1", Space::WordsCosine, SAME_IVF_PQ_WORDS, (16, 1)),
    missed("codes-ivf-pq-words-cosine-nearest-in-10", Space::WordsCosine, SAME_IVF_PQ_WORDS, (16, 10)),
    missed("codes-ivf-pq-words-cosine-nearest-in-100", Space::WordsCosine, SAME_IVF_PQ_WORDS, (16, 100)),
    missed("codes-fast-scan-words-cosine-nearest-in-1", Space::WordsCosine, SAME_FAST_SCAN_WORDS, (16, 1)),
    missed("codes-fast-scan-words-cosine-nearest-in-10", Space::WordsCosine, SAME_FAST_SCAN_WORDS, (16, 10)),
    missed(
        "codes-fast-scan-words-cosine-nearest-in-100",
        Space::WordsCosine,
        SAME_FAST_SCAN_WORDS,
        (16, 100),
    ),
    search("hnsw-f32-words-ip-recall-90", Space::WordsIp, DENSE_GRAPHS, 0.90),
    search("hnsw-f32-words-ip-recall-95", Space::WordsIp, DENSE_GRAPHS, 0.95),
    search("hnsw-f32-words-ip-recall-99", Space::WordsIp, DENSE_GRAPHS, 0.99),
    search("hnsw-int8-words-ip-recall-90", Space::WordsIp, INT8_GRAPHS, 0.90),
    search("hnsw-int8-words-ip-recall-95", Space::WordsIp, INT8_GRAPHS, 0.95),
    search("hnsw-int8-words-ip-recall-99", Space::WordsIp, INT8_GRAPHS, 0.99),
    search("ivf-flat-words-ip-recall-90", Space::WordsIp, IVF_FLAT, 0.90),
    search("ivf-flat-words-ip-recall-95", Space::WordsIp, IVF_FLAT, 0.95),
    search("ivf-flat-words-ip-recall-99", Space::WordsIp, IVF_FLAT, 0.99),
    batch("flat-batch-words-ip", Space::WordsIp, None),
    batch("flat-batch-words-ip-1-thread", Space::WordsIp, Some(1)),
    build("hnsw-build-items-1m", Space::Items1m, SPARSE_BUILDS, (64, 1)),
];

const fn case(
    name: &'static str,
    agreement: Agreement,
    space: Space,
    (ours, rivals): Sides,
    goal: Goal,
) -> Case {
    let contest = Contest { space, ours, rivals, goal };
    Case { bench: "ann", name, note: None, agreement, prepare: Prepare::Ann(contest) }
}

const fn noted(note: &'static str, case: Case) -> Case {
    Case { note: Some(note), ..case }
}

const fn search(name: &'static str, space: Space, sides: Sides, recall: f64) -> Case {
    case(name, Agreement::Recall(recall), space, sides, Goal::Search { recall, singly: false })
}

const fn singly(name: &'static str, space: Space, sides: Sides, recall: f64) -> Case {
    case(name, Agreement::Recall(recall), space, sides, Goal::Search { recall, singly: true })
}

const fn batch(name: &'static str, space: Space, threads: Option<usize>) -> Case {
    case(name, Agreement::Recall(1.0), space, FLAT, Goal::Batch { threads })
}

/// By the first settings of both sides, checked at an effort, in so many pairs.
const fn build(name: &'static str, space: Space, sides: Sides, (effort, pairs): (usize, usize)) -> Case {
    case(name, AS_GOOD, space, sides, Goal::Build { effort, pairs })
}

const fn memory(name: &'static str, space: Space, sides: Sides, effort: usize) -> Case {
    case(name, AS_GOOD, space, sides, Goal::Memory { effort })
}

/// Of codes alone, which find less.
const fn codes_memory(name: &'static str, space: Space, sides: Sides, effort: usize) -> Case {
    case(name, AS_EXACT, space, sides, Goal::Memory { effort })
}

/// At an effort, among the first so many found.
const fn missed(name: &'static str, space: Space, sides: Sides, (effort, among): (usize, usize)) -> Case {
    case(name, AS_EXACT, space, sides, Goal::Missed { effort, among })
}

/// Codes of equal length of which ours finds as much.
const AS_EXACT: Agreement = Agreement::NotBelow { slack: 0.01, floor: 0.1 };

/// Indexes of which ours finds as much.
const AS_GOOD: Agreement = Agreement::NotBelow { slack: 0.02, floor: 0.5 };

#[cfg(test)]
mod tests {
    use super::super::SEEDS;
    use super::*;

    fn contests() -> impl Iterator<Item = (&'static str, Contest)> {
        CASES.iter().map(|case| match case.prepare {
            Prepare::Ann(contest) => (case.name, contest),
            Prepare::By(_) => panic!("{} is no contest", case.name),
        })
    }

    #[test]
    fn both_sides_have_as_many_settings() {
        for (name, contest) in contests() {
            assert!(!contest.ours.is_empty() && !contest.rivals.is_empty(), "{name}");
            let (ours, is_one) = match contest.goal {
                Goal::Search { .. } => (contest.ours.len(), false),
                Goal::Missed { .. } => (SEEDS.len(), true),
                _ => (1, true),
            };
            for rival in contest.rivals {
                // What is measured of the first setting alone may have more for others.
                let theirs =
                    if matches!(contest.goal, Goal::Memory { .. }) { 1 } else { rival.settings.len() };
                assert_eq!(theirs, ours, "{name} against {}", rival.script);
            }
            assert!(!is_one || contest.ours.len() == 1, "{name} has one setting");
        }
    }

    #[test]
    fn cases_of_a_space_stand_together() {
        let mut spaces: Vec<Space> = contests().map(|(_, contest)| contest.space).collect();
        spaces.dedup();
        let count = spaces.len();
        spaces.sort_by_key(|space| *space as usize);
        spaces.dedup();
        assert_eq!(spaces.len(), count, "an index would be built twice a run");
    }
}
