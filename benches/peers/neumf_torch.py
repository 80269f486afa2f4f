"""One epoch of NeuMF with PyTorch, on pairs that were drawn before: 8 factors, three layers, the authors' sizes.

Input: {"users", "items", "batch", "lazy", "threads", "pairs", "device"}: `pairs` is a file of users, items and labels, 32 bits each.
The optimiser is Adam, fused, over everything; with `lazy` SparseAdam over the embeddings and fused Adam over the layers. The
check is the mean of the batches' losses.
"""

import time

import numpy as np
import torch
import torch.nn.functional as F
from peer import serve
from torch import nn


class NeuMf(nn.Module):
    def __init__(self, users, items, sparse, factors=8):
        super().__init__()
        table = lambda rows, dim: nn.Embedding(rows, dim, sparse=sparse)
        self.gmf = nn.ModuleList([table(users, factors), table(items, factors)])
        self.mlp = nn.ModuleList([table(users, 4 * factors), table(items, 4 * factors)])
        widths = [8 * factors, 4 * factors, 2 * factors, factors]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))
        self.head = nn.Linear(2 * factors, 1)
        for embedding in [*self.gmf, *self.mlp]:
            nn.init.normal_(embedding.weight, std=0.01)
        for layer in self.layers:
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        limit = (3 / (2 * factors)) ** 0.5
        nn.init.uniform_(self.head.weight, -limit, limit)
        nn.init.zeros_(self.head.bias)

    def forward(self, users, items):
        x = torch.cat([self.mlp[0](users), self.mlp[1](items)], 1)
        for layer in self.layers:
            x = F.relu(layer(x))
        return self.head(torch.cat([self.gmf[0](users) * self.gmf[1](items), x], 1))[:, 0]


def prepare(config):
    torch.set_num_threads(config["threads"])
    numbers = np.fromfile(config["pairs"], dtype="<i4")
    users, items, labels = np.split(numbers, 3)
    users, items = torch.from_numpy(users.astype(np.int64)), torch.from_numpy(items.astype(np.int64))
    labels, batch = torch.from_numpy(labels.view("<f4").copy()), config["batch"]
    device = config["device"]
    columns = (column.to(device).split(batch) for column in (users, items, labels))
    batches = list(zip(*columns))

    def repeat():
        torch.manual_seed(1)
        model = NeuMf(config["users"], config["items"], config["lazy"]).to(device)
        tables = [*model.gmf.parameters(), *model.mlp.parameters()]
        rest = [*model.layers.parameters(), *model.head.parameters()]
        if config["lazy"]:
            optimizers = [torch.optim.SparseAdam(tables, lr=0.001), torch.optim.Adam(rest, lr=0.001, fused=True)]
        else:
            optimizers = [torch.optim.Adam(tables + rest, lr=0.001, fused=True)]
        total = torch.zeros((), device=device)
        # Making the model is not what is compared.
        start = time.perf_counter()
        for users, items, labels in batches:
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss = F.binary_cross_entropy_with_logits(model(users, items), labels)
            loss.backward()
            for optimizer in optimizers:
                optimizer.step()
            total += loss.detach()
        mean = total.item() / len(batches)
        return {"seconds": time.perf_counter() - start, "check": mean}

    return repeat


if __name__ == "__main__":
    serve("torch", torch.__version__, prepare)
