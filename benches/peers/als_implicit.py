"""iALS with implicit: some iterations from a fresh start, on lines `user item item ...`.

Input: {"users", "items", "factors", "iterations", "threads", "regularization", "alpha", "conjugate_gradient", "init_std",
"train"}. Both sides' vectors start from N(0, init_std^2 / factors), as ours do.
The same objective as ours with unobserved weight 1 and a constant penalty, `sum c (p - s)^2 + regularization (|X|^2 + |Y|^2)`,
`c` being `1 + alpha` where there was an interaction and 1 elsewhere (implicit takes the whole of c as its alpha). Exact
Cholesky solves, or three conjugate gradient steps, which is implicit's default. The check is the objective at the end.
"""

import os

# One level of threads: implicit's own, as it asks for; before NumPy is imported, here or in peer.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import implicit  # noqa: E402
import numpy as np  # noqa: E402
from implicit.cpu.als import AlternatingLeastSquares  # noqa: E402

from peer import lists, serve  # noqa: E402


class Objective:
    """The objective as a number, computed when asked for: after the clock has stopped."""

    def __init__(self, train, model, confidence):
        self.train, self.model, self.confidence = train, model, confidence

    def __float__(self):
        """In f64, with the sum over every cell taken through the gram matrices."""
        cells = self.train.tocoo()
        x, y = self.model.user_factors.astype(float), self.model.item_factors.astype(float)
        scores = np.einsum("ij,ij->i", x[cells.row], y[cells.col])
        observed = (self.confidence * (1 - scores) ** 2 - scores**2).sum()
        penalty = self.model.regularization * ((x**2).sum() + (y**2).sum())
        return float(observed + ((x.T @ x) * (y.T @ y)).sum() + penalty)


def prepare(config):
    train = lists(config["train"], config["users"], config["items"])
    confidence = 1 + config["alpha"]

    def start(rng, rows):
        scale = config["init_std"] / config["factors"] ** 0.5
        return rng.normal(scale=scale, size=(rows, config["factors"])).astype(np.float32)

    def repeat():
        rng = np.random.default_rng(1)
        model = AlternatingLeastSquares(
            factors=config["factors"],
            regularization=config["regularization"],
            alpha=confidence,
            iterations=config["iterations"],
            num_threads=config["threads"],
            use_cg=config["conjugate_gradient"],
            random_state=1,
        )
        model.user_factors = start(rng, config["users"])
        model.item_factors = start(rng, config["items"])
        model.fit(train, show_progress=False)
        return Objective(train, model, confidence)

    return repeat


if __name__ == "__main__":
    serve("implicit", implicit.__version__, prepare)
