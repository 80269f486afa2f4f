//! The build settings of both sides: on the same vectors all sides of a contest have as many.

use super::{Effort, Recipe};
use seoro_ann::Storage;
use serde_json::{Map, Value};

/// A library, one of its indexes, and the settings tried.
#[derive(Clone, Copy)]
pub struct Rival {
    /// Its script, without folder and ending.
    pub script: &'static str,
    /// Which index, by the script's name for it.
    pub index: &'static str,
    /// What its effort means.
    pub effort: Effort,
    /// By name.
    pub settings: &'static [Setting],
}

/// Numbers by the script's names for them.
pub type Setting = &'static [(&'static str, usize)];

impl Rival {
    /// The setting as the script is told it.
    pub fn told(&self, setting: usize) -> Value {
        let mut told: Map<String, Value> =
            self.settings[setting].iter().map(|&(name, number)| (name.to_owned(), number.into())).collect();
        told.insert("index".to_owned(), self.index.into());
        Value::Object(told)
    }

    /// The setting for people.
    pub fn in_words(&self, setting: usize) -> String {
        let numbers = self.settings[setting].iter().map(|(name, number)| format!("{name} {number}"));
        std::iter::once(self.index.to_owned()).chain(numbers).collect::<Vec<String>>().join(", ")
    }

    /// How many lists an inverted file of this setting has.
    pub fn lists(&self, setting: usize) -> Option<usize> {
        self.settings[setting].iter().find(|(name, _)| *name == "lists").map(|&(_, lists)| lists)
    }
}

/// A library's graph.
const fn graph(script: &'static str, index: &'static str, settings: &'static [Setting]) -> Rival {
    Rival { script, index, effort: Effort::Ef, settings }
}

/// Annoy with so many trees.
const fn annoy(settings: &'static [Setting]) -> Rival {
    Rival { script: "ann_annoy", index: "forest", effort: Effort::Gathered, settings }
}

/// An index over lists.
const fn lists(script: &'static str, index: &'static str, settings: &'static [Setting]) -> Rival {
    Rival { script, index, effort: Effort::Lists, settings }
}

/// The setting that builds and memory are compared by.
const GRAPH: [(&str, usize); 2] = [("m", 16), ("ef_construction", 200)];
const SAME_GRAPH: &[Setting] = &[&GRAPH];
/// For pixels.
const SPARSE_GRAPHS: &[Setting] =
    &[&[("m", 12), ("ef_construction", 200)], &GRAPH, &[("m", 24), ("ef_construction", 200)]];
/// For words, whose neighbourhoods have more dimensions.
const DENSE_GRAPHS: &[Setting] = &[
    &GRAPH,
    &[("m", 24), ("ef_construction", 200)],
    &[("m", 32), ("ef_construction", 200)],
    &[("m", 48), ("ef_construction", 200)],
];

/// Our graph that builds and memory are compared by.
pub const OUR_GRAPH: &[Recipe] = &[Recipe::hnsw(16, 200)];
/// The same of pixels.
pub const OUR_SPARSE_GRAPH: &[Recipe] = &[Recipe::estimated_hnsw(16, 200)];
/// Our graphs of pixels.
pub const OUR_SPARSE_GRAPHS: &[Recipe] =
    &[Recipe::estimated_hnsw(12, 200), Recipe::estimated_hnsw(16, 200), Recipe::estimated_hnsw(24, 200)];
/// Our graphs of words.
pub const OUR_DENSE_GRAPHS: &[Recipe] =
    &[Recipe::hnsw(16, 200), Recipe::hnsw(24, 200), Recipe::hnsw(32, 200), Recipe::hnsw(48, 200)];

/// Our graphs of words in 8 bits, with exact re-ranking.
pub const OUR_INT8_GRAPHS: &[Recipe] = &[
    Recipe::stored_hnsw(16, 200, Storage::Int8Reranked),
    Recipe::stored_hnsw(24, 200, Storage::Int8Reranked),
    Recipe::stored_hnsw(32, 200, Storage::Int8Reranked),
    Recipe::stored_hnsw(48, 200, Storage::Int8Reranked),
];
/// Our graphs of pixels, which are bytes anyhow.
pub const OUR_INT8_SPARSE_GRAPHS: &[Recipe] = &[
    Recipe::stored_hnsw(12, 200, Storage::Int8Reranked),
    Recipe::stored_hnsw(16, 200, Storage::Int8Reranked),
    Recipe::stored_hnsw(24, 200, Storage::Int8Reranked),
];

const fn graphs(settings: &'static [Setting]) -> [Rival; 2] {
    [graph("ann_hnswlib", "hnsw", settings), graph("ann_faiss", "hnsw", settings)]
}

/// Graphs of pixels.
pub const THEIR_SPARSE_GRAPHS: &[Rival] = &graphs(SPARSE_GRAPHS);
/// Graphs of words.
pub const THEIR_DENSE_GRAPHS: &[Rival] = &graphs(DENSE_GRAPHS);
/// By the setting of [`OUR_GRAPH`].
pub const THEIR_GRAPH: &[Rival] = &graphs(SAME_GRAPH);
/// Our forests.
pub const OUR_FORESTS: &[Recipe] = &[Recipe::forest(16), Recipe::forest(32), Recipe::forest(64)];
/// Annoy's, which needs more trees for as much.
pub const THEIR_FORESTS: &[Rival] = &[annoy(&[&[("trees", 25)], &[("trees", 50)], &[("trees", 100)]])];
/// Our forest that builds and memory are compared by.
pub const OUR_FOREST: &[Recipe] = &[Recipe::forest(24)];
/// As many as [`OUR_FOREST`].
pub const THEIR_FOREST: &[Rival] = &[annoy(&[&[("trees", 24)]])];

/// Our exact index.
pub const OUR_FLAT: &[Recipe] = &[Recipe::flat()];
/// Faiss' exact index.
pub const THEIR_FLAT: &[Rival] =
    &[Rival { script: "ann_faiss", index: "flat", effort: Effort::None, settings: &[&[]] }];

/// Graphs over pixels in 8 bits.
pub const THEIR_INT8_SPARSE_GRAPHS: &[Rival] = &[
    graph(
        "ann_faiss",
        "hnsw-sq8",
        &[
            &[("m", 12), ("ef_construction", 200), ("rerank", 20)],
            &[("m", 16), ("ef_construction", 200), ("rerank", 20)],
            &[("m", 24), ("ef_construction", 200), ("rerank", 20)],
        ],
    ),
    graph("ann_usearch", "i8", SPARSE_GRAPHS),
];

/// Codes by several seeds.
const SEEDED_25: &[Setting] =
    &[&[("parts", 25), ("seed", 1)], &[("parts", 25), ("seed", 2)], &[("parts", 25), ("seed", 3)]];
const SEEDED_98: &[Setting] =
    &[&[("parts", 98), ("seed", 1)], &[("parts", 98), ("seed", 2)], &[("parts", 98), ("seed", 3)]];
const SEEDED_LISTS_25: &[Setting] = &[
    &[("lists", 256), ("parts", 25), ("seed", 1)],
    &[("lists", 256), ("parts", 25), ("seed", 2)],
    &[("lists", 256), ("parts", 25), ("seed", 3)],
];
const SEEDED_LISTS_98: &[Setting] = &[
    &[("lists", 256), ("parts", 98), ("seed", 1)],
    &[("lists", 256), ("parts", 98), ("seed", 2)],
    &[("lists", 256), ("parts", 98), ("seed", 3)],
];
const SEEDED_LISTS_50: &[Setting] = &[
    &[("lists", 256), ("parts", 50), ("seed", 1)],
    &[("lists", 256), ("parts", 50), ("seed", 2)],
    &[("lists", 256), ("parts", 50), ("seed", 3)],
];

/// Our indexes that memory and what is missed are compared by, with the libraries' of equal settings.
pub const SAME_IVF_FLAT: (&[Recipe], &[Rival]) =
    (&[Recipe::ivf(256)], &[lists("ann_faiss", "ivf-flat", &[&[("lists", 256)]])]);
/// Bytes in a graph, without the vectors.
pub const SAME_INT8_GRAPH: (&[Recipe], &[Rival]) =
    (&[Recipe::stored_hnsw(16, 200, Storage::Int8)], &[graph("ann_faiss", "hnsw-sq8", &[&GRAPH])]);
/// Codes of words, all compared.
pub const SAME_PQ_WORDS: (&[Recipe], &[Rival]) = (
    &[Recipe::codes((25, 8))],
    &[Rival { script: "ann_faiss", index: "pq", effort: Effort::None, settings: SEEDED_25 }],
);
/// Codes of pixels, all compared.
pub const SAME_PQ_MNIST: (&[Recipe], &[Rival]) = (
    &[Recipe::codes((98, 8))],
    &[Rival { script: "ann_faiss", index: "pq", effort: Effort::None, settings: SEEDED_98 }],
);
/// Codes of words in lists.
pub const SAME_IVF_PQ_WORDS: (&[Recipe], &[Rival]) =
    (&[Recipe::codes_in_lists(256, (25, 8))], &[lists("ann_faiss", "ivf-pq", SEEDED_LISTS_25)]);
/// Codes of pixels in lists.
pub const SAME_IVF_PQ_MNIST: (&[Recipe], &[Rival]) =
    (&[Recipe::codes_in_lists(256, (98, 8))], &[lists("ann_faiss", "ivf-pq", SEEDED_LISTS_98)]);
/// 4-bit codes of words in lists; faiss' of residuals, as ours are.
pub const SAME_FAST_SCAN_WORDS: (&[Recipe], &[Rival]) =
    (&[Recipe::codes_in_lists(256, (50, 4))], &[lists("ann_faiss", "fast-scan-residuals", SEEDED_LISTS_50)]);

/// Graphs over words in 8 bits: faiss' with and without exact re-ranking, and USearch's.
pub const THEIR_INT8_GRAPHS: &[Rival] = &[
    graph(
        "ann_faiss",
        "hnsw-sq8",
        &[
            &[("m", 16), ("ef_construction", 200), ("rerank", 20)],
            &[("m", 24), ("ef_construction", 200), ("rerank", 20)],
            &[("m", 32), ("ef_construction", 200), ("rerank", 20)],
            &[("m", 48), ("ef_construction", 200), ("rerank", 20)],
        ],
    ),
    graph("ann_usearch", "i8", DENSE_GRAPHS),
    graph("ann_hnswlib", "hnsw", DENSE_GRAPHS),
    graph("ann_faiss", "hnsw", DENSE_GRAPHS),
];

const LISTS: &[Setting] = &[&[("lists", 256)], &[("lists", 512)], &[("lists", 1024)], &[("lists", 2048)]];

/// Our inverted files of whole vectors.
pub const OUR_IVF_FLAT: &[Recipe] =
    &[Recipe::ivf(256), Recipe::ivf(512), Recipe::ivf(1024), Recipe::ivf(2048)];
/// Our inverted files of 98-byte codes of pixels.
pub const OUR_IVF_PQ_MNIST: &[Recipe] =
    &[Recipe::ivf_pq(256, (98, 8), 50), Recipe::ivf_pq(512, (98, 8), 50), Recipe::ivf_pq(1024, (98, 8), 50)];
/// Our inverted files of 25-byte codes of words.
pub const OUR_IVF_PQ_WORDS: &[Recipe] = &[
    Recipe::ivf_pq(256, (25, 8), 400),
    Recipe::ivf_pq(256, (25, 8), 800),
    Recipe::ivf_pq(256, (25, 8), 2000),
    Recipe::ivf_pq(256, (25, 8), 4000),
];
/// Our inverted files of 4-bit codes of pixels.
pub const OUR_FAST_SCAN_MNIST: &[Recipe] = &[
    Recipe::ivf_pq(256, (196, 4), 50),
    Recipe::ivf_pq(256, (196, 4), 100),
    Recipe::ivf_pq(512, (196, 4), 100),
];
/// Our inverted files of 4-bit codes of words.
pub const OUR_FAST_SCAN_WORDS: &[Recipe] = &[
    Recipe::ivf_pq(256, (50, 4), 400),
    Recipe::ivf_pq(256, (50, 4), 800),
    Recipe::ivf_pq(256, (50, 4), 2000),
    Recipe::ivf_pq(256, (50, 4), 4000),
];

/// Inverted files of whole vectors.
pub const THEIR_IVF_FLAT: &[Rival] = &[lists("ann_faiss", "ivf-flat", LISTS)];

/// Inverted files of 98-byte codes of pixels, with exact re-ranking.
pub const THEIR_IVF_PQ_MNIST: &[Rival] = &[lists(
    "ann_faiss",
    "ivf-pq",
    &[
        &[("lists", 256), ("parts", 98), ("rerank", 50)],
        &[("lists", 512), ("parts", 98), ("rerank", 50)],
        &[("lists", 1024), ("parts", 98), ("rerank", 50)],
    ],
)];

/// Inverted files of 25-byte codes of words, with exact re-ranking.
pub const THEIR_IVF_PQ_WORDS: &[Rival] = &[lists(
    "ann_faiss",
    "ivf-pq",
    &[
        &[("lists", 256), ("parts", 25), ("rerank", 400)],
        &[("lists", 256), ("parts", 25), ("rerank", 800)],
        &[("lists", 256), ("parts", 25), ("rerank", 2000)],
        &[("lists", 256), ("parts", 25), ("rerank", 4000)],
    ],
)];

/// Inverted files of 4-bit codes of pixels, 98 bytes a vector, with exact re-ranking.
pub const THEIR_FAST_SCAN_MNIST: &[Rival] = &[lists(
    "ann_faiss",
    "fast-scan",
    &[
        &[("lists", 256), ("parts", 196), ("rerank", 50)],
        &[("lists", 256), ("parts", 196), ("rerank", 100)],
        &[("lists", 512), ("parts", 196), ("rerank", 100)],
    ],
)];

/// Inverted files of 4-bit codes of words, 25 bytes a vector, with exact re-ranking.
pub const THEIR_FAST_SCAN_WORDS: &[Rival] = &[lists(
    "ann_faiss",
    "fast-scan",
    &[
        &[("lists", 256), ("parts", 50), ("rerank", 400)],
        &[("lists", 256), ("parts", 50), ("rerank", 800)],
        &[("lists", 256), ("parts", 50), ("rerank", 2000)],
        &[("lists", 256), ("parts", 50), ("rerank", 4000)],
    ],
)];

/// Inverted files of any kind over pixels: the fastest of them counts.
pub const OUR_LISTS_MNIST: &[Recipe] = &[
    Recipe::ivf(512),
    // Pixels are bytes, which lose nothing.
    Recipe::stored_ivf(256, Storage::Int8),
    Recipe::stored_ivf(512, Storage::Int8),
    Recipe::ivf_pq(256, (196, 4), 50),
];
/// Inverted files of any kind over words.
pub const OUR_LISTS_WORDS: &[Recipe] = &[
    Recipe::ivf(512),
    Recipe::ivf(1024),
    Recipe::ivf_pq(256, (50, 4), 400),
    Recipe::ivf_pq(256, (50, 4), 800),
];

/// ScaNN's lists of 4-bit codes of pixels.
pub const THEIR_LISTS_MNIST: &[Rival] = &[lists(
    "ann_scann",
    "tree-ah",
    &[
        &[("lists", 256), ("dims_per_part", 4), ("rerank", 25)],
        &[("lists", 256), ("dims_per_part", 4), ("rerank", 50)],
        &[("lists", 256), ("dims_per_part", 4), ("rerank", 100)],
        &[("lists", 512), ("dims_per_part", 4), ("rerank", 100)],
    ],
)];

/// ScaNN's lists of 4-bit codes of words.
pub const THEIR_LISTS_WORDS: &[Rival] = &[lists(
    "ann_scann",
    "tree-ah",
    &[
        &[("lists", 256), ("dims_per_part", 2), ("rerank", 200)],
        &[("lists", 256), ("dims_per_part", 2), ("rerank", 400)],
        &[("lists", 256), ("dims_per_part", 2), ("rerank", 800)],
        &[("lists", 256), ("dims_per_part", 2), ("rerank", 2000)],
    ],
)];
