"""Propagation over a graph of users and items with PyTorch, and steps of LightGCN.

Input: {"kind", "users", "items", "edges", "dim", "layers", "threads", "device"}: `edges` is a file of users and items, 32 bits
each. The matrix is normalised by both nodes' degrees. `propagation` makes all nodes' mean of the layers of the first half of
`numbers`, and with `backward` its gradient where the second half weighs what comes out; the check is both, squared and
summed. `lightgcn` does a step of fused Adam for each batch of `triples`: rows of a user, an item of theirs and another, with
`lambda` on the embeddings that propagation starts from; the check is the mean loss.
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


def prepare(config):
    torch.set_num_threads(config["threads"])
    return {"propagation": propagation, "lightgcn": lightgcn}[config["kind"]](config, adjacency(config))


if __name__ == "__main__":
    serve("torch", torch.__version__, prepare)
