"""EASE with NumPy on OpenBLAS in f32: gram matrix, inverse, weights, on lines `user item item ...`.

Input: {"users", "items", "lambda", "threads", "train"}. The gram matrix by SciPy's sparse product or by a dense one,
whichever was faster in a trial before the first repetition. The check is the sum of the weights' squares.
"""

import os
import sys
import time

# OpenBLAS reads its threads when NumPy is imported, which is before the configuration is known.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")

import numpy as np  # noqa: E402

from peer import lists, serve  # noqa: E402


def prepare(config):
    if int(os.environ["OPENBLAS_NUM_THREADS"]) != config["threads"]:
        sys.exit("OPENBLAS_NUM_THREADS differs from the threads asked for")
    train = lists(config["train"], config["users"], config["items"])

    def sparse():
        return (train.T @ train).toarray()

    def dense():
        x = train.toarray()
        return x.T @ x

    def seconds(function):
        start = time.perf_counter()
        function()
        return time.perf_counter() - start

    gram = min((sparse, dense), key=seconds)

    def repeat():
        g = gram()
        g[np.diag_indices_from(g)] += np.float32(config["lambda"])
        p = np.linalg.inv(g)
        weights = p / -np.diag(p)
        np.fill_diagonal(weights, 0.0)
        return np.square(weights).sum(dtype=float)

    return repeat


if __name__ == "__main__":
    serve("numpy", np.__version__, prepare)
