"""BPR matrix factorisation with implicit: some epochs from a fresh start, on lines `user item item ...`.

Input: {"users", "items", "factors", "epochs", "threads", "train"[, "learning_rate", "regularization"]}. The same
arithmetic: an item bias beside the factors, as many comparisons an epoch as there are events, the other item drawn by its
popularity and drawn anew where the user has it. The check is the share of 10,000 fixed comparisons of a user's item with an
item drawn uniformly that the model gets right.
"""

import os

# One level of threads: implicit's own, as it asks for; before NumPy is imported, here or in peer.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import implicit  # noqa: E402
import numpy as np  # noqa: E402
from implicit.cpu.bpr import BayesianPersonalizedRanking  # noqa: E402

from peer import lists, serve  # noqa: E402


def prepare(config):
    train = lists(config["train"], config["users"], config["items"])
    draw = np.random.default_rng(1)
    events = draw.integers(train.nnz, size=10_000)
    users = np.searchsorted(train.indptr, events, side="right") - 1
    better, worse = train.indices[events], draw.integers(config["items"], size=10_000)

    def repeat():
        model = BayesianPersonalizedRanking(
            factors=config["factors"],
            iterations=config["epochs"],
            learning_rate=config.get("learning_rate", 0.05),
            regularization=config.get("regularization", 0.005),
            num_threads=config["threads"],
            random_state=1,
        )
        model.fit(train, show_progress=False)
        gap = model.item_factors[better] - model.item_factors[worse]
        return (np.einsum("ij,ij->i", model.user_factors[users], gap) > 0).mean()

    return repeat


if __name__ == "__main__":
    serve("implicit", implicit.__version__, prepare)
