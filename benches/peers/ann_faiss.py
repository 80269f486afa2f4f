"""Faiss: `flat`, `hnsw`, `hnsw-sq8`, `ivf-flat`, `ivf-sq8`, `pq`, `ivf-pq`,
`fast-scan` (4-bit codes) and `fast-scan-residuals`.

See ann.py. Effort is efSearch of graphs and nprobe of inverted files. For the cosine, vectors and queries are brought to
length 1 before the clock. Where a setting has `rerank`, that many of the best by codes are compared again by float32.
"""

import faiss

from ann import serve, unit

# What holds codes in place of vectors.
CODES = ("hnsw-sq8", "ivf-sq8", "pq", "ivf-pq", "fast-scan", "fast-scan-residuals")


def simd():
    options = faiss.get_compile_options().split()
    return " ".join(option for option in options if option.startswith(("AVX", "NEON", "SVE"))) or "generic"


class Faiss:
    def __init__(self, config):
        self.dim, self.metric = config["dim"], config["metric"]
        self.kind = faiss.METRIC_L2 if self.metric == "l2" else faiss.METRIC_INNER_PRODUCT

    def description(self, setting):
        """The setting in the words of faiss' factory."""
        lists, parts = setting.get("lists"), setting.get("parts")
        return {
            "flat": "Flat",
            "hnsw": f"HNSW{setting.get('m')},Flat",
            "hnsw-sq8": f"HNSW{setting.get('m')},SQ8",
            "ivf-flat": f"IVF{lists},Flat",
            "ivf-sq8": f"IVF{lists},SQ8",
            "pq": f"PQ{parts}x{setting.get('bits', 8)}",
            "ivf-pq": f"IVF{lists},PQ{parts}x{setting.get('bits', 8)}",
            "fast-scan": f"IVF{lists},PQ{parts}x4fs",
            "fast-scan-residuals": f"IVF{lists},PQ{parts}x4fsr",
        }[setting["index"]]

    def rows(self, vectors):
        return unit(vectors) if self.metric == "cosine" else vectors

    def build(self, rows, setting, threads):
        faiss.omp_set_num_threads(threads)
        index = faiss.index_factory(self.dim, self.description(setting), self.kind)
        if "ef_construction" in setting:
            index.hnsw.efConstruction = setting["ef_construction"]
        if "seed" in setting:
            for clustering in [index.pq.cp] + ([index.cp] if hasattr(index, "cp") else []):
                clustering.seed = setting["seed"]
        if not index.is_trained:
            index.train(rows)
        index.add(rows)
        return index

    def save(self, index, path):
        faiss.write_index(index, path)

    def load(self, path, vectors, setting):
        index = faiss.read_index(path)
        # The vectors for re-ranking lie beside the index: their bytes are counted apart.
        self.exact = faiss.IndexFlat(self.dim, self.kind) if setting["index"] in CODES else None
        if self.exact is not None:
            self.exact.add(self.rows(vectors))
        return index

    def searcher(self, index, k, effort, setting, threads):
        faiss.omp_set_num_threads(threads)
        rerank = setting.get("rerank")
        if effort is not None:
            inner = faiss.downcast_index(index)
            if hasattr(inner, "hnsw"):
                inner.hnsw.efSearch = effort
            elif hasattr(inner, "nprobe"):
                inner.nprobe = effort
        if rerank:
            index = faiss.IndexRefine(index, self.exact)
            index.k_factor = max(1.0, rerank / k)
        return lambda rows: index.search(rows, k)[1]


if __name__ == "__main__":
    serve("faiss-cpu", simd(), Faiss)
