"""Reading ratings with polars: read_csv, then dense ids for users and items.

Input: {"path", "threads", "delimiter"}; lines `user item rating time` without a header. Of the ways to dense ids, a join
with the distinct values in order of appearance was the fastest (categories of strings took as long, ranks twice). A
delimiter `::` is read as colons with empty columns between, since polars takes one byte. The check is the number of
users and items.
"""

import os
from importlib.metadata import version

from peer import serve


def prepare(config):
    os.environ["POLARS_MAX_THREADS"] = str(config["threads"])
    import polars as pl

    step = len(config["delimiter"])
    names = ["user", "item", "rating", "time"]
    columns = [f"column_{step * column}" for column in range(4)]
    types = dict(zip(columns, [pl.UInt32, pl.UInt32, pl.Float32, pl.Int64]))

    def repeat():
        frame = pl.read_csv(
            config["path"],
            has_header=False,
            separator=config["delimiter"][0],
            columns=columns,
            schema_overrides=types,
            quote_char=None,
        )
        frame.columns = names
        ids = 0
        for name in ["user", "item"]:
            distinct = frame.select(pl.col(name).unique(maintain_order=True)).with_row_index(f"{name}_id")
            frame = frame.join(distinct, on=name, how="left", maintain_order="left")
            ids += len(distinct)
        frame = frame.with_columns(pl.col("time") * 1000)
        return ids

    return repeat


if __name__ == "__main__":
    serve("polars", version("polars"), prepare)
