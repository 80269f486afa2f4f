"""What every nearest-neighbour peer shares: vectors, cached indexes, and the commands `build` and `search`.

Input: {"base", "queries": [path, path], "dim", "metric", "k", "cache", "key", "out"}: files of little-endian 32-bit floats,
the two halves of the queries; `ip`, `cosine` or `l2`; a folder for built indexes, and what names the data in it; the file
that answers are written to, rows of `k` little-endian 64-bit row numbers, -1 where one is missing.

`{"build": {"setting": {...}, "threads": n, "fresh": false}}` makes an index the current one, from the cache where it is
there and not asked for fresh; the answer has the seconds (of the build, or null) and the bytes of the file.
`{"search": {"setting": {...}, "effort": n, "half": 0, "first": m, "threads": 1, "singly": false}}` searches the current
index for the first `m` queries (all, where null) of a half in one call, or singly in a call for each; the answer has the
seconds, without the conversion of queries and answers. A peer's script says how its library does each in a class with:

    rows(vectors) -> what build and search take, made before the clock starts
    build(rows, setting, threads) -> index        save(index, path), load(path, vectors, setting) -> index
    searcher(index, k, effort, setting, threads) -> a function from rows to row numbers; effort is set before the clock starts
"""

import hashlib
import importlib.metadata
import json
import os
import shutil
import time

import numpy as np

import peer

# Which keys of a setting belong to searches alone: an index is built and kept without them.
AT_SEARCH = ("rerank",)


def version(package, simd):
    """The library's version, how it was built, and which instructions it says it uses."""
    wheel = importlib.metadata.distribution(package).read_text("WHEEL") or ""
    built = "wheel" if "manylinux" in wheel else "compiled here"
    return f"{importlib.metadata.version(package)} ({built}; {simd})"


def unit(rows):
    """Rows of length 1, rows of zeros as they are."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1).astype(np.float32)


def size(path):
    """Of a file, or of all files of a folder."""
    if os.path.isdir(path):
        return sum(os.path.getsize(os.path.join(path, name)) for name in os.listdir(path))
    return os.path.getsize(path)


class Server:
    def __init__(self, package, library, config):
        self.package, self.library, self.config = package, library, config
        self.base = peer.vectors(config["base"], config["dim"])
        self.halves = [peer.vectors(path, config["dim"]) for path in config["queries"]]
        self.index, self.held, self.asked = None, None, {}

    def path(self, setting):
        told = json.dumps([importlib.metadata.version(self.package), setting], sort_keys=True)
        name = "-".join([self.package, self.config["key"], hashlib.sha256(told.encode()).hexdigest()[:16]])
        return os.path.join(self.config["cache"], name)

    def build(self, asked):
        setting = {key: value for key, value in asked["setting"].items() if key not in AT_SEARCH}
        path, seconds = self.path(setting), None
        if asked["fresh"] or not os.path.exists(path):
            self.index = self.held = None
            rows = self.library.rows(self.base)
            start = time.perf_counter()
            self.index = self.library.build(rows, setting, asked["threads"])
            seconds = time.perf_counter() - start
            if asked["fresh"]:
                return {"seconds": seconds, "bytes": 0}
            self.keep(path)
        # What was built is searched as others will find it.
        if self.held != path:
            self.index = None
            self.index, self.held = self.library.load(path, self.base, setting), path
        return {"seconds": seconds, "bytes": size(path)}

    def keep(self, path):
        """Writes to a temporary name and renames."""
        os.makedirs(self.config["cache"], exist_ok=True)
        part = f"{path}.{os.getpid()}.part"
        self.library.save(self.index, part)
        if os.path.isdir(path):
            shutil.rmtree(path)
        os.replace(part, path)

    def search(self, asked):
        key = (asked["half"], asked["first"])
        if key not in self.asked:
            self.asked[key] = self.library.rows(self.halves[asked["half"]][: asked["first"]])
        queries, k = self.asked[key], self.config["k"]
        calls = [queries[row : row + 1] for row in range(len(queries))] if asked["singly"] else [queries]
        ask = self.library.searcher(self.index, k, asked["effort"], asked["setting"], asked["threads"])
        start = time.perf_counter()
        found = [ask(call) for call in calls]
        seconds = time.perf_counter() - start
        self.write([row for rows in found for row in rows], k)
        return {"seconds": seconds}

    def write(self, found, k):
        rows = np.full((len(found), k), -1, dtype="<i8")
        for row, ids in zip(rows, found):
            row[: len(ids)] = ids
        rows.tofile(self.config["out"])


def serve(package, simd, make):
    """Runs the conversation; `make(config)` returns the library's side."""

    def prepare(config):
        server = Server(package, make(config), config)
        return {"build": server.build, "search": server.search}

    peer.serve(package, version(package, simd), prepare)
