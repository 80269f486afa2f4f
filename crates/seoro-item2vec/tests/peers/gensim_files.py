"""Shows that gensim and seoro read each other's files of vectors and name the same neighbours.

Usage, from the repository's root: python crates/seoro-item2vec/tests/peers/gensim_files.py. Needs gensim and cargo.
gensim writes vectors in both of word2vec's formats; seoro reads each, writes the other, binary, text and safetensors;
gensim reads those again. Vectors must be the same bits, and neighbours and cosines the same to 1e-5.
"""

import json
import struct
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from gensim.models import KeyedVectors

WORDS, DIM, ASKED = 2_000, 50, ["w0", "w7", "na\u00efve", "w1999"]


def seoro(source, target, word):
    command = ["cargo", "run", "--quiet", "--release", "-p", "seoro-item2vec", "--example", "files", "--"]
    done = subprocess.run([*command, source, target, word], check=True, capture_output=True, text=True)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    return [(name, float(cosine)) for name, cosine in lines]


def same(ours, theirs):
    # Near-equal cosines may change places.
    assert np.allclose([cosine for _, cosine in ours], [cosine for _, cosine in theirs], atol=1e-5), (ours, theirs)
    differ = {name for name, _ in ours} ^ {name for name, _ in theirs}
    last = theirs[-1][1]
    assert all(abs(dict([*ours, *theirs])[name] - last) < 1e-5 for name in differ), (ours, theirs)


def tensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        start, end = header["vectors"]["data_offsets"]
        numbers = np.frombuffer(file.read()[start:end], "<f4").reshape(header["vectors"]["shape"])
    return json.loads(header["__metadata__"]["names"]), numbers


def main():
    numbers = np.random.default_rng(1).normal(size=(WORDS, DIM)).astype(np.float32)
    names = [f"w{row}" if row != 7 * 7 else "na\u00efve" for row in range(WORDS)]
    vectors = KeyedVectors(DIM)
    vectors.add_vectors(names, numbers)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for binary, end in [(True, "bin"), (False, "txt")]:
            theirs = folder / f"gensim.{end}"
            vectors.save_word2vec_format(str(theirs), binary=binary)
            for target in ["bin", "txt", "safetensors"]:
                ours = folder / f"ours-from-{end}.{target}"
                for word in ASKED:
                    same(seoro(str(theirs), str(ours), word), vectors.most_similar(word, topn=10))
                if target == "safetensors":
                    again, found = tensors(ours)
                    assert again == names
                else:
                    read = KeyedVectors.load_word2vec_format(str(ours), binary=target == "bin")
                    assert read.index_to_key == names
                    found = read.vectors
                    for word in ASKED:
                        same(read.most_similar(word, topn=10), vectors.most_similar(word, topn=10))
                # gensim writes text with all digits of 32-bit floats: both ways keep the bits.
                assert np.array_equal(found, numbers), (end, target)
                print(f"gensim's .{end} -> seoro -> .{target} -> read again: the same")


main()
