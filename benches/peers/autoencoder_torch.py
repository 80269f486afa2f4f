"""One epoch of an autoencoder with PyTorch, densely: all cells of a batch's rows, and a mask for those learned from.

Input: {"rows", "columns", "hidden", "batch", "cells", "kind", "lambda", "threads", "device"}: `cells` is a file
of rows, columns and values, 32 bits each. `autorec` learns ratings by fused Adam; `cdae` interactions by Adagrad,
with a node of each row, the inputs of the file `kept` (rows and columns) times `scale`, and the others of the file
`drawn` beside the known cells, as often as they are there. The check is the mean over batches of the loss, which
is the mean over rows of the sum over cells.
"""

import time

import numpy as np
import torch
import torch.nn.functional as F
from peer import serve
from torch import nn


class Autoencoder(nn.Module):
    def __init__(self, rows, columns, hidden, kind):
        super().__init__()
        if kind == "autorec":
            draw, nodes = (lambda shape: torch.randn(shape) * 0.01), None
        else:
            limit = 4 * (6 / (columns + hidden)) ** 0.5
            draw = lambda shape: (2 * torch.rand(shape) - 1) * limit
            nodes = nn.Parameter(draw((rows, hidden)))
        self.encoder, self.decoder = nn.Parameter(draw((columns, hidden))), nn.Parameter(draw((columns, hidden)))
        self.hidden_bias, self.output_bias = nn.Parameter(torch.zeros(hidden)), nn.Parameter(torch.zeros(columns))
        self.nodes = nodes

    def forward(self, rows, inputs):
        sums = inputs @ self.encoder + self.hidden_bias
        if self.nodes is not None:
            sums = sums + F.embedding(rows, self.nodes)
        return torch.sigmoid(sums) @ self.decoder.T + self.output_bias

    def groups(self, decay):
        """The weights, which decay, and the rest."""
        rest = [self.hidden_bias, self.output_bias] + ([] if self.nodes is None else [self.nodes])
        return [{"params": [self.encoder, self.decoder], "weight_decay": decay}, {"params": rest}]


def ids(numbers):
    return torch.from_numpy(numbers.astype(np.int64))


def added(cells, rows, columns, values):
    """The cells with these values added, once for each time they are named."""
    return cells.index_put_((ids(rows), ids(columns)), values, accumulate=True)


def named(path):
    """Rows, columns and ones of a file of cells."""
    rows, columns = np.split(np.fromfile(path, dtype="<i4"), 2)
    return rows, columns, torch.ones(len(rows))


def finish(device):
    if device == "cuda":
        torch.cuda.synchronize()


def prepare(config):
    torch.set_num_threads(config["threads"])
    device, kind, batch = config["device"], config["kind"], config["batch"]
    empty = lambda: torch.zeros(config["rows"], config["columns"])
    rows, columns, values = np.split(np.fromfile(config["cells"], dtype="<i4"), 3)
    known = added(empty(), rows, columns, torch.from_numpy(values.view("<f4").copy()))
    if kind == "autorec":
        inputs, targets, mask = known, known, (known != 0).float()
    else:
        targets = (known != 0).float()
        inputs = added(empty(), *named(config["kept"])) * config["scale"]
        mask = added(targets.clone(), *named(config["drawn"]))
    inputs, targets, mask = inputs.to(device), targets.to(device), mask.to(device)
    filled = torch.nonzero(targets.any(1))[:, 0]

    def batches():
        order = filled[torch.randperm(len(filled), device=device)].split(batch)
        return [(own, inputs[own], targets[own], mask[own]) for own in order]

    def repeat():
        torch.manual_seed(1)
        model = Autoencoder(config["rows"], config["columns"], config["hidden"], kind).to(device)
        groups = model.groups(config["lambda"])
        if kind == "autorec":
            optimizer = torch.optim.Adam(groups, lr=0.001, fused=True)
        else:
            optimizer = torch.optim.Adagrad(groups, lr=0.1, eps=1.0)
        epoch = batches()
        total = torch.zeros((), device=device)
        # Making the model and its batches is not what is compared.
        finish(device)
        start = time.perf_counter()
        for own, inputs, targets, mask in epoch:
            optimizer.zero_grad()
            out = model(own, inputs)
            if kind == "autorec":
                loss = (((out - targets) * mask) ** 2).sum() / len(own)
            else:
                loss = F.binary_cross_entropy_with_logits(out, targets, weight=mask, reduction="sum") / len(own)
            loss.backward()
            optimizer.step()
            total += loss.detach()
        finish(device)
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "check": total.item() / len(epoch)}

    return repeat


if __name__ == "__main__":
    serve("torch", torch.__version__, prepare)
