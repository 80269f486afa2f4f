"""hnswlib's graph. See ann.py; effort is ef. Its inner-product space builds the graph by inner products themselves."""

import hnswlib

from ann import serve


def simd():
    # hnswlib picks its distances by what the compiler may use and the processor has.
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        flags = next((line.split() for line in file if line.startswith("flags")), [])
    return "distances by " + next((name for name in ("avx512f", "avx", "sse") if name in flags), "plain code")


class Hnswlib:
    def __init__(self, config):
        self.dim, self.space = config["dim"], config["metric"]

    def rows(self, vectors):
        return vectors

    def build(self, rows, setting, threads):
        index = hnswlib.Index(space=self.space, dim=self.dim)
        index.init_index(len(rows), M=setting["m"], ef_construction=setting["ef_construction"], random_seed=1)
        index.add_items(rows, num_threads=threads)
        return index

    def save(self, index, path):
        index.save_index(path)

    def load(self, path, vectors, setting):
        index = hnswlib.Index(space=self.space, dim=self.dim)
        index.load_index(path)
        return index

    def searcher(self, index, k, effort, setting, threads):
        index.set_ef(effort)
        return lambda rows: index.knn_query(rows, k, num_threads=threads)[0]


if __name__ == "__main__":
    serve("hnswlib", simd(), Hnswlib)
