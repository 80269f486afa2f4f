"""One epoch of an autoencoder with PyTorch, densely: all cells of a batch's rows, and a mask for those learned from.

Input: {"rows", "columns", "hidden", "batch", "cells", "kind", "lambda", "threads", "device"}: `cells` is a file
of rows, columns and values, 32 bits each. `autorec` learns ratings by fused Adam; `cdae` interactions by Adagrad,
with a node of each row, its inputs dropped with the probability `corruption`, and `negatives` cells drawn beside each
known one. Batches are made within the clock. The check is the mean over batches of the loss, which is the mean over
rows of the sum over cells.
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


def weighted(known, draws):
    """How often each cell counts: known ones once, the others as often as they are drawn, so often in each row."""
    rows, columns = known.shape
    rows = torch.repeat_interleave(torch.arange(rows, device=known.device), draws)
    drawn = rows * columns + torch.randint(columns, (len(rows),), device=known.device)
    known = known.flatten()
    return known.scatter_add(0, drawn, 1 - known[drawn]).view(-1, columns)


def finish(device):
    if device == "cuda":
        torch.cuda.synchronize()


def prepare(config):
    torch.set_num_threads(config["threads"])
    device, kind, batch = config["device"], config["kind"], config["batch"]
    rows, columns, values = np.split(np.fromfile(config["cells"], dtype="<i4"), 3)
    known = torch.zeros(config["rows"], config["columns"])
    values = torch.from_numpy(values.view("<f4").copy()) if kind == "autorec" else torch.ones(len(rows))
    known[ids(rows), ids(columns)] = values
    known = known.to(device)
    counts = (known != 0).sum(1)
    filled = torch.nonzero(counts)[:, 0]
    # So many draws that what falls on known cells, and is left out, is made up for.
    share = (counts / config["columns"]).clamp(max=0.99)
    draws = (counts * config.get("negatives", 0) / (1 - share)).round().long()

    def batches():
        for own in filled[torch.randperm(len(filled), device=device)].split(batch):
            targets = known[own]
            if kind == "autorec":
                yield own, targets, targets, (targets != 0).float()
            else:
                yield own, F.dropout(targets, config["corruption"]), targets, weighted(targets, draws[own])

    def repeat():
        torch.manual_seed(1)
        model = Autoencoder(config["rows"], config["columns"], config["hidden"], kind).to(device)
        groups = model.groups(config["lambda"])
        if kind == "autorec":
            optimizer = torch.optim.Adam(groups, lr=0.001, fused=True)
        else:
            optimizer = torch.optim.Adagrad(groups, lr=0.1, eps=1.0, fused=True)
        total, steps = torch.zeros((), device=device), 0
        # Making the model is not what is compared.
        finish(device)
        start = time.perf_counter()
        for own, inputs, targets, mask in batches():
            optimizer.zero_grad()
            out = model(own, inputs)
            if kind == "autorec":
                loss = (((out - targets) * mask) ** 2).sum() / len(own)
            else:
                loss = F.binary_cross_entropy_with_logits(out, targets, weight=mask, reduction="sum") / len(own)
            loss.backward()
            optimizer.step()
            total, steps = total + loss.detach(), steps + 1
        finish(device)
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "check": total.item() / steps}

    return repeat


if __name__ == "__main__":
    serve("torch", torch.__version__, prepare)
