"""Reading ratings with pandas' C engine: read_csv, then factorize users and items.

Input: {"path", "threads", "delimiter"}; lines `user item rating time` without a header. The C engine has one thread and
takes one byte as a delimiter, so `::` is read as colons with empty columns between. The check is the number of users and
items.
"""

import pandas as pd

from peer import serve


def prepare(config):
    step = len(config["delimiter"])
    columns = [step * column for column in range(4)]
    types = dict(zip(columns, ["uint32", "uint32", "float32", "int64"]))

    def repeat():
        frame = pd.read_csv(
            config["path"], sep=config["delimiter"][0], header=None, engine="c", usecols=columns, dtype=types
        )
        users, user_names = pd.factorize(frame[columns[0]])
        items, item_names = pd.factorize(frame[columns[1]])
        times = frame[columns[3]] * 1000
        assert len(users) == len(items) == len(times)
        return len(user_names) + len(item_names)

    return repeat


if __name__ == "__main__":
    serve("pandas", pd.__version__, prepare)
