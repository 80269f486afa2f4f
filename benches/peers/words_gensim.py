"""Word2Vec with gensim, by its fastest path: one file of text, read by its own threads.

Input: {"corpus", "skip_gram", "dim", "threads", "window", "negatives", "alpha", "subsampling", "min_count", "epochs",
"rates", "pairs"}, and where they are given "hierarchical", "max_words", "seed", and "out": where vectors are written, in
word2vec's binary format. Each repetition learns anew; the vocabulary is counted before the clock starts. The check is
Spearman's correlation of cosines with the judgements of the pairs whose words are known; 0 without pairs.
"""

import time

import gensim
import numpy as np
from gensim.models import Word2Vec
from scipy.stats import spearmanr

from peer import serve


def agreement(vectors, pairs):
    known = [(a, b, judged) for a, b, judged in pairs if a in vectors and b in vectors]
    if not known:
        return 0.0
    cosines = [float(np.dot(vectors.get_vector(a, norm=True), vectors.get_vector(b, norm=True))) for a, b, _ in known]
    return float(spearmanr(cosines, [judged for _, _, judged in known])[0])


def prepare(config):
    first, last = config["rates"]

    def repeat():
        # Anew each time: gensim's own way to begin again keeps what was learned.
        model = Word2Vec(
            vector_size=config["dim"], window=config["window"], min_count=config["min_count"],
            sg=int(config["skip_gram"]), hs=int(config.get("hierarchical", False)), negative=config["negatives"],
            ns_exponent=config["alpha"], sample=config["subsampling"], alpha=first, min_alpha=last,
            epochs=config["epochs"], seed=config.get("seed", 1), workers=config["threads"], cbow_mean=1,
            shrink_windows=True, max_final_vocab=config.get("max_words"),
        )
        model.build_vocab(corpus_file=config["corpus"])
        start = time.perf_counter()
        model.train(
            corpus_file=config["corpus"], total_examples=model.corpus_count, total_words=model.corpus_total_words,
            epochs=config["epochs"], start_alpha=first, end_alpha=last,
        )
        seconds = time.perf_counter() - start
        if "out" in config:
            model.wv.save_word2vec_format(config["out"], binary=True)
        return {"seconds": seconds, "check": agreement(model.wv, config["pairs"])}

    return repeat


serve("gensim", f"{gensim.__version__} (fast version {gensim.models.word2vec.FAST_VERSION})", prepare)
