"""Item neighbours with implicit: the `k` most similar items of each item.

Input: {"users", "items", "k", "threads", "train"[, "model"]}: sizes, a file of lines `user item`, and `cosine` (the
default) or `tfidf`. One repetition is a fit from the user-item matrix. The check is the sum of all similarities, an item's
with itself left out: implicit counts an item among its neighbours, so it is asked for `k` + 1.
"""

import os

# One level of threads: implicit's own, as it asks for; before NumPy is imported, here or in peer.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import implicit  # noqa: E402
import numpy as np  # noqa: E402
from implicit.nearest_neighbours import CosineRecommender, TFIDFRecommender  # noqa: E402
from scipy.sparse import csr_matrix  # noqa: E402

from peer import serve  # noqa: E402

MODELS = {"cosine": CosineRecommender, "tfidf": TFIDFRecommender}


def prepare(config):
    users, items = np.loadtxt(config["train"], dtype=np.int64).T
    shape = (config["users"], config["items"])
    # implicit sums in the type of the matrix.
    train = csr_matrix((np.ones(len(users)), (users, items)), shape=shape)
    train.data[:] = 1.0
    Model = MODELS[config.get("model", "cosine")]

    def repeat():
        model = Model(K=config["k"] + 1, num_threads=config["threads"])
        model.fit(train, show_progress=False)
        return model.similarity.sum() - model.similarity.diagonal().sum()

    return repeat


if __name__ == "__main__":
    serve("implicit", implicit.__version__, prepare)
