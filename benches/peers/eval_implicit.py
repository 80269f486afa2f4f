"""Full ranking of a dot-product model with implicit's `ranking_metrics_at_k`: precision, MAP, NDCG and AUC at k.

Input: as for eval_torch.py. The check is ndcg@k, the mean over users with test items.
"""

import os

# One level of threads: implicit's own, as it asks for; before NumPy is imported, here or in peer.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import implicit  # noqa: E402
from implicit.cpu.matrix_factorization_base import MatrixFactorizationBase  # noqa: E402
from implicit.evaluation import ranking_metrics_at_k  # noqa: E402

from peer import lists, serve, vectors  # noqa: E402


class Vectors(MatrixFactorizationBase):
    """A model that is given its vectors."""

    def fit(self, user_items, show_progress=True, callback=None):
        raise NotImplementedError("the vectors are given")

    def save(self, fileobj_or_path):
        raise NotImplementedError("nothing to save")


def prepare(config):
    threads, dim = config["threads"], config["dim"]
    model = Vectors(num_threads=threads)
    model.user_factors = vectors(config["user_vectors"], dim)
    model.item_factors = vectors(config["item_vectors"], dim)
    train = lists(config["train"], config["users"], config["items"])
    test = lists(config["test"], config["users"], config["items"])

    def repeat():
        metrics = ranking_metrics_at_k(model, train, test, K=config["k"], show_progress=False, num_threads=threads)
        return metrics["ndcg"]

    return repeat


if __name__ == "__main__":
    serve("implicit", implicit.__version__, prepare)
