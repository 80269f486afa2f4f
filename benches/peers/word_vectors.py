"""Word vectors for the nearest-neighbour benchmarks: gensim's Skip-Gram with negative sampling on the movie reviews.

Usage: word_vectors.py REVIEWS.tsv OUT. Writes OUT.f32 (rows of little-endian 32-bit floats, the most frequent word first)
and OUT.json (words, dimension, gensim's version, the vectors' SHA-256). One worker and fixed seeds: the same versions on
the same kind of machine give the same vectors.
"""

import hashlib
import json
import os
import re
import sys

import gensim
import numpy as np
from gensim.models import Word2Vec

WORD = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*")

# Stated in full, so that no default of the library is a choice of ours.
PARAMETERS = dict(
    vector_size=100, window=5, min_count=2, sg=1, hs=0, negative=5, ns_exponent=0.75, sample=1e-3, alpha=0.025,
    min_alpha=1e-4, epochs=5, seed=1, workers=1, max_vocab_size=None, sorted_vocab=1,
)


class Reviews:
    """The reviews' words, a review at a time, as often as asked."""

    def __init__(self, path):
        self.path = path

    def __iter__(self):
        with open(self.path, encoding="utf-8") as file:
            for line in file:
                text = line.rstrip("\n").split("\t", 4)[-1].lower().replace("<br />", " ")
                yield WORD.findall(text)


def main(text, out):
    model = Word2Vec(Reviews(text), **PARAMETERS)
    vectors = np.ascontiguousarray(model.wv.vectors, dtype="<f4")
    written = out + ".f32.part"
    vectors.tofile(written)
    os.replace(written, out + ".f32")
    about = {
        "words": vectors.shape[0],
        "dim": vectors.shape[1],
        "gensim": gensim.__version__,
        "sha256": hashlib.sha256(vectors.tobytes()).hexdigest(),
    }
    with open(out + ".json", "w", encoding="utf-8") as file:
        json.dump(about, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
