"""Steps of MF-BPR with PyTorch on one table, on triples that were drawn before.

Input: {"rows", "dim", "batch", "lazy", "threads", "triples", "device"}: `triples` is a file of batches, each the rows of users, of their
items and of other items, 32 bits each. The optimiser is fused Adam, or SparseAdam with `lazy`. The check is the mean loss.
"""

import time

import numpy as np
import torch
import torch.nn.functional as F
from peer import serve
from torch import nn


def prepare(config):
    torch.set_num_threads(config["threads"])
    rows = np.fromfile(config["triples"], dtype="<u4").astype(np.int64)
    batches = torch.from_numpy(rows).view(-1, 3 * config["batch"]).to(config["device"])

    def repeat():
        torch.manual_seed(1)
        table = nn.Embedding(config["rows"], config["dim"], sparse=config["lazy"], device=config["device"])
        nn.init.normal_(table.weight, std=0.1)
        if config["lazy"]:
            optimizer = torch.optim.SparseAdam(table.parameters(), lr=0.001)
        else:
            optimizer = torch.optim.Adam(table.parameters(), lr=0.001, fused=True)
        total = torch.zeros((), device=config["device"])
        # Drawing the table is not what is compared.
        start = time.perf_counter()
        for batch in batches:
            optimizer.zero_grad()
            users, better, worse = table(batch).view(3, config["batch"], -1)
            loss = -F.logsigmoid((users * (better - worse)).sum(1)).mean()
            loss.backward()
            optimizer.step()
            total += loss.detach()
        mean = total.item() / len(batches)
        return {"seconds": time.perf_counter() - start, "check": mean}

    return repeat


if __name__ == "__main__":
    serve("torch", torch.__version__, prepare)
