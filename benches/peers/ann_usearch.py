"""USearch's graph; an index is named by how it stores vectors: `f32`, `bf16` or `i8`. See ann.py; effort is expansion_search."""

import numpy as np
from usearch.index import Index

from ann import serve

SPACES = {"l2": "l2sq", "cosine": "cos", "ip": "ip"}


class Usearch:
    def __init__(self, config):
        self.dim, self.metric = config["dim"], SPACES[config["metric"]]

    def rows(self, vectors):
        return vectors

    def build(self, rows, setting, threads):
        index = Index(
            ndim=self.dim,
            metric=self.metric,
            dtype=setting["index"],
            connectivity=setting["m"],
            expansion_add=setting["ef_construction"],
        )
        index.add(np.arange(len(rows), dtype=np.uint64), rows, threads=threads)
        return index

    def save(self, index, path):
        index.save(path)

    def load(self, path, vectors, setting):
        return Index.restore(path)

    def searcher(self, index, k, effort, setting, threads):
        index.expansion_search = effort
        return lambda rows: index.search(rows, k, threads=threads).keys


def simd():
    return Index(ndim=8, metric="cos", dtype="f32").hardware_acceleration


if __name__ == "__main__":
    serve("usearch", simd(), Usearch)
