"""Full ranking of a dot-product model with PyTorch: blocks of users times all items, train masked, topk.

Input: {"users", "items", "dim", "k", "threads", "user_vectors", "item_vectors", "train", "test"[, "block"]}: sizes, files of
little-endian floats, files of lines `user item item ...`. The check is ndcg@k, the mean over users with test
items; recall@k is computed beside it.
"""

import numpy as np
import torch
from peer import lists, serve, vectors


def prepare(config):
    torch.set_num_threads(config["threads"])
    users, items, k = config["users"], config["items"], config["k"]
    # Of 16, 32, 64, 128, 256 and 1024 the fastest block on two threads.
    block = config.get("block", 64)
    user_vectors = torch.from_numpy(vectors(config["user_vectors"], config["dim"]))
    item_vectors = torch.from_numpy(vectors(config["item_vectors"], config["dim"])).T
    train = lists(config["train"], users, items)
    test = lists(config["test"], users, items)
    wanted = torch.from_numpy(np.diff(test.indptr).astype(np.int64))
    rows, columns = test.nonzero()
    test_keys = torch.from_numpy(np.sort(rows.astype(np.int64) * items + columns))
    discounts = 1 / torch.log2(torch.arange(2, k + 2, dtype=torch.float64))
    ideals = torch.cat([torch.zeros(1, dtype=torch.float64), torch.cumsum(discounts, 0)])
    starts = train.indptr
    hidden_columns = torch.from_numpy(train.indices.astype(np.int64))
    hidden_rows = torch.from_numpy(np.repeat(np.arange(users), np.diff(starts)))
    scores = torch.empty(block, items)

    @torch.inference_mode()
    def repeat():
        recall, ndcg = 0.0, 0.0
        for first in range(0, users, block):
            last = min(first + block, users)
            batch = torch.mm(user_vectors[first:last], item_vectors, out=scores[: last - first])
            hidden = slice(starts[first], starts[last])
            batch[hidden_rows[hidden] - first, hidden_columns[hidden]] = -torch.inf
            best = torch.topk(batch, k).indices + torch.arange(first, last)[:, None] * items
            found = torch.searchsorted(test_keys, best).clamp_(max=len(test_keys) - 1)
            hits = (test_keys[found] == best).double()
            counts = wanted[first:last]
            asked = counts > 0
            recall += (hits.sum(1)[asked] / counts[asked]).sum().item()
            ndcg += ((hits @ discounts)[asked] / ideals[counts.clamp(max=k)][asked]).sum().item()
        n = (wanted > 0).sum().item()
        return ndcg / n, recall / n

    return repeat


if __name__ == "__main__":
    serve("torch", torch.__version__, prepare)
