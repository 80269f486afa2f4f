"""What every peer shares: the conversation with the bench, and the files that carry its data.

A peer is started once. The first line of its input is a JSON object; it answers one JSON line that says who it is, then
one JSON line, with the seconds and a check value, for each line `go`; it ends with its input. A peer that takes commands
answers each line `{"command": argument}` by one JSON line of what the command returns instead.
"""

import json
import sys
import time

import numpy as np
from scipy.sparse import csr_matrix


def serve(name, version, prepare):
    """Runs the conversation; `prepare(config)` returns the function that does one repetition and returns its check,
    or a tuple that begins with it; or functions by name, which are the commands."""
    repeat = prepare(json.loads(sys.stdin.readline()))
    answer({"ready": True, "peer": name, "version": version})
    for line in sys.stdin:
        if isinstance(repeat, dict):
            ((command, argument),) = json.loads(line).items()
            answer(repeat[command](argument))
            continue
        if line.strip() != "go":
            raise SystemExit(f"expected the line go, found {line!r}")
        start = time.perf_counter()
        result = repeat()
        seconds = time.perf_counter() - start
        if isinstance(result, dict):
            # What took long was timed inside: all of it belongs to no comparison.
            answer(result)
            continue
        answer({"seconds": seconds, "check": float(result[0] if isinstance(result, tuple) else result)})


def answer(message):
    print(json.dumps(message), flush=True)


def vectors(path, dim):
    """Rows of little-endian 32-bit floats."""
    return np.fromfile(path, dtype="<f4").reshape(-1, dim)


def lists(path, users, items):
    """Lines `user item item ...` as a users by items matrix of ones."""
    rows, columns = [], []
    with open(path, encoding="utf-8") as file:
        for line in file:
            numbers = [int(word) for word in line.split()]
            rows.extend(numbers[:1] * (len(numbers) - 1))
            columns.extend(numbers[1:])
    matrix = csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(users, items))
    matrix.sort_indices()
    return matrix
