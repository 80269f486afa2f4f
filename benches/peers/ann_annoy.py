"""Annoy's forest. See ann.py; effort is search_k.

Annoy takes one vector at a time: vectors and queries are lists before the clock starts, one call each within it.
"""

import annoy

from ann import serve

SPACES = {"l2": "euclidean", "cosine": "angular", "ip": "dot"}


# Its setup asks for the processor's instructions; what its documentation says of AVX is not what is compiled.
SIMD = "compiled here with -march=native"


class Annoy:
    def __init__(self, config):
        self.dim, self.space = config["dim"], SPACES[config["metric"]]

    def empty(self):
        return annoy.AnnoyIndex(self.dim, self.space)

    def rows(self, vectors):
        return vectors.tolist()

    def build(self, rows, setting, threads):
        index = self.empty()
        index.set_seed(1)
        for row, vector in enumerate(rows):
            index.add_item(row, vector)
        index.build(setting["trees"], n_jobs=threads)
        return index

    def save(self, index, path):
        index.save(path)

    def load(self, path, vectors, setting):
        index = self.empty()
        index.load(path)
        return index

    def searcher(self, index, k, effort, setting, threads):
        return lambda rows: [index.get_nns_by_vector(query, k, search_k=effort) for query in rows]


if __name__ == "__main__":
    serve("annoy", SIMD, Annoy)
