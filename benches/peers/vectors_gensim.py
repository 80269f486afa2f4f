"""Files of word vectors with gensim: word2vec's binary format, written or read.

Input: {"what": "save" or "load", "vectors": a file in that format, "out": where to write}. The check is the sum of all
numbers.
"""

import gensim
import numpy as np
from gensim.models import KeyedVectors

from peer import serve


class Total:
    """A sum that is taken when asked for: after the clock has stopped."""

    def __init__(self, vectors=None, path=None):
        self.vectors, self.path = vectors, path

    def __float__(self):
        vectors = self.vectors or KeyedVectors.load_word2vec_format(self.path, binary=True)
        return float(vectors.vectors.astype(np.float64).sum())


def prepare(config):
    def load():
        return Total(KeyedVectors.load_word2vec_format(config["vectors"], binary=True))

    if config["what"] == "load":
        return load
    kept = load()

    def save():
        kept.vectors.save_word2vec_format(config["out"], binary=True)
        return Total(path=config["out"])

    return save


serve("gensim", gensim.__version__, prepare)
