"""Propagation over a graph of users and items with PyTorch, and steps of LightGCN.

Input: {"kind", "users", "items", "edges", "dim", "layers", "threads", "device"}: `edges` is a file of users and items, 32 bits
each. The matrix is normalised by both nodes' degrees. `propagation` makes all nodes' mean of the layers of the first half of
`numbers`, and with `backward` its gradient where the second half weighs what comes out; the check is both, squared and
summed. `lightgcn` does a step of fused Adam for each batch of `triples`: rows of a user, an item of theirs and another, with
`lambda` on the embeddings that propagation starts from; the check is the mean loss. `triples` draws as many of them as there
are edges, a user uniformly, one of the user's items and another, and finds the rows that each `batch` names; the check is the
mean of the user, twice the positive and four times the negative.
"""

import time

import numpy as np
import torch
import torch.nn.functional as F
from peer import serve
from torch import nn


def adjacency(config):
    edges = torch.from_numpy(np.fromfile(config["edges"], dtype="<u4").astype(np.int64)).view(-1, 2)
    users, items = edges[:, 0], edges[:, 1] + config["users"]
    nodes = config["users"] + config["items"]
    places = torch.stack([torch.cat([users, items]), torch.cat([items, users])])
    scale = torch.bincount(places[0], minlength=nodes).float().rsqrt()
    weights = scale[places[0]] * scale[places[1]]
    return torch.sparse_coo_tensor(places, weights, (nodes, nodes)).coalesce().to_sparse_csr().to(config["device"])


def mean_of_layers(matrix, first, layers):
    found = [first]
    for _ in range(layers):
        found.append(matrix @ found[-1])
    return torch.stack(found, 1).mean(1)


def finish(device):
    if device == "cuda":
        torch.cuda.synchronize()


def propagation(config, matrix):
    device, layers = config["device"], config["layers"]
    numbers = torch.from_numpy(np.fromfile(config["numbers"], dtype="<f4")).view(2, -1, config["dim"]).to(device)

    def repeat():
        first = numbers[0].clone().requires_grad_(config["backward"])
        finish(device)
        start = time.perf_counter()
        last = mean_of_layers(matrix, first, layers)
        if config["backward"]:
            (last * numbers[1]).sum().backward()
        finish(device)
        seconds = time.perf_counter() - start
        check = last.detach().double().square().sum()
        if config["backward"]:
            check = check + first.grad.double().square().sum()
        return {"seconds": seconds, "check": check.item()}

    return repeat


def lightgcn(config, matrix):
    device, nodes = config["device"], config["users"] + config["items"]
    rows = np.fromfile(config["triples"], dtype="<u4").astype(np.int64)
    batches = torch.from_numpy(rows).view(-1, config["batch"], 3).to(device)

    def repeat():
        torch.manual_seed(1)
        first = nn.Parameter(torch.randn(nodes, config["dim"], device=device) * 0.1)
        optimizer = torch.optim.Adam([first], lr=0.001, fused=True)
        total = torch.zeros((), device=device)
        # Drawing the embeddings is not what is compared.
        finish(device)
        start = time.perf_counter()
        for batch in batches:
            optimizer.zero_grad()
            last = mean_of_layers(matrix, first, config["layers"])
            users, better, worse = (F.embedding(batch[:, side], last) for side in range(3))
            loss = F.softplus((users * worse).sum(1) - (users * better).sum(1)).mean()
            squares = F.embedding(batch, first).square().sum()
            loss = loss + config["lambda"] / 2 * squares / config["batch"]
            loss.backward()
            optimizer.step()
            total += loss.detach()
        finish(device)
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "check": total.item() / len(batches)}

    return repeat


def triples(config, _):
    edges = np.fromfile(config["edges"], dtype="<u4").astype(np.int64).reshape(-1, 2)
    users, items = config["users"], config["items"]
    known = np.sort(edges[:, 0] * items + edges[:, 1])
    counts = np.bincount(edges[:, 0], minlength=users)
    starts, active = np.cumsum(counts) - counts, np.flatnonzero(counts)
    rng = np.random.default_rng(1)

    def check(named, places):
        return (named[places].reshape(-1, 3) * [1, 2, 4]).sum()

    def repeat():
        start = time.perf_counter()
        drawn = active[rng.integers(len(active), size=len(edges))]
        better = known[starts[drawn] + (rng.random(len(drawn)) * counts[drawn]).astype(np.int64)] % items
        worse, left = np.empty_like(drawn), np.arange(len(drawn))
        while len(left):
            worse[left] = rng.integers(items, size=len(left))
            pairs = drawn[left] * items + worse[left]
            places = np.minimum(np.searchsorted(known, pairs), len(known) - 1)
            left = left[known[places] == pairs]
        rows = np.stack([drawn, users + better, users + worse], 1)
        batch = config["batch"]
        parts = [np.unique(rows[at : at + batch], return_inverse=True) for at in range(0, len(rows), batch)]
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "check": sum(check(*part) for part in parts) / len(rows)}

    return repeat


def prepare(config):
    torch.set_num_threads(config["threads"])
    kinds = {"propagation": propagation, "lightgcn": lightgcn, "triples": triples}
    return kinds[config["kind"]](config, None if config["kind"] == "triples" else adjacency(config))


if __name__ == "__main__":
    serve("torch", torch.__version__, prepare)
