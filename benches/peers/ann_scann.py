"""ScaNN: an inverted file of anisotropic 4-bit codes, with exact re-ranking. See ann.py; effort is leaves_to_search.

For the cosine, vectors and queries are brought to length 1 before the clock and compared by inner products.
"""

import os

import scann

from ann import serve, unit

SPACES = {"l2": "squared_l2", "cosine": "dot_product", "ip": "dot_product"}

# The library's advice for anisotropic quantisation.
THRESHOLD = 0.2

# Where a search says nothing; every search here does.
RERANK = 100


class Scann:
    def __init__(self, config):
        self.metric, self.k = config["metric"], config["k"]

    def rows(self, vectors):
        return unit(vectors) if self.metric == "cosine" else vectors

    def build(self, rows, setting, threads):
        builder = scann.scann_ops_pybind.builder(rows, self.k, SPACES[self.metric])
        builder.set_n_training_threads(threads)
        builder = builder.tree(
            num_leaves=setting["lists"], num_leaves_to_search=1, training_sample_size=min(len(rows), 100_000)
        )
        builder = builder.score_ah(setting["dims_per_part"], anisotropic_quantization_threshold=THRESHOLD)
        return builder.reorder(RERANK).build()

    def save(self, index, path):
        os.makedirs(path)
        # By relative paths, since the folder is renamed.
        index.serialize(path, relative_path=True)

    def load(self, path, vectors, setting):
        return scann.scann_ops_pybind.load_searcher(path)

    def searcher(self, index, k, effort, setting, threads):
        batch = index.search_batched if threads == 1 else index.search_batched_parallel
        how = {"pre_reorder_num_neighbors": setting["rerank"], "leaves_to_search": effort}
        return lambda rows: batch(rows, final_num_neighbors=k, **how)[0]


if __name__ == "__main__":
    serve("scann", "by the processor's flags", Scann)
