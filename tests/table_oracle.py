"""The preparation of tables in plain loops over rows, written from the definitions.

Columns are lists of Python values; None is missing. Each function returns lists of inputs, one for
each row.
"""

import math
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np


def number(train, asked, bins=0, indicators=True):
    there = [float(x) for x in train if x is not None]
    q25, median, q75 = np.quantile(there, [0.25, 0.5, 0.75])
    low, high = min(there), max(there)
    spread = q75 - q25 or (high - low) / 2
    scale = 1 / spread if spread else 0
    edges = sorted({float(np.quantile(there, t / bins)) for t in range(bins + 1)}) if bins else []
    rows = []
    for x in asked:
        z = 0 if x is None else scale * (float(x) - median)
        row = [z / math.sqrt(1 + (z / 3) ** 2)]
        if indicators and len(there) < len(train):
            row.append(float(x is None))
        for begin, end in pairwise(edges):
            if x is None or x <= begin:
                row.append(0)
            else:
                row.append(1 if x >= end else (float(x) - begin) / (end - begin))
        rows.append(row)
    return rows


def category(train, asked, least_count=1):
    known = sorted({x for x in train if x is not None and train.count(x) >= least_count})
    if len(known) == 2 and all(x in known for x in train):
        return [[{known[0]: -1, known[1]: 1}.get(x, 0)] for x in asked]
    return [[float(x == each) for each in known] for x in asked]


def date(train, asked, bins=0):
    def utc(x):
        return x.astimezone(UTC).replace(tzinfo=None) if x is not None and x.tzinfo else x

    train, asked = [utc(x) for x in train], [utc(x) for x in asked]
    begin = min(x for x in train if x is not None)

    def days(x):
        return None if x is None else (x - begin).total_seconds() / 86400

    rows = number([days(x) for x in train], [days(x) for x in asked], bins)
    for part in (lambda x: x.month, datetime.weekday):
        known = [None if x is None else part(x) for x in train]
        if len(set(known) - {None}) > 1:
            found = category(known, [None if x is None else part(x) for x in asked])
            rows = [row + more for row, more in zip(rows, found, strict=True)]
    return rows


def joined(*columns):
    return np.hstack([np.array(rows, float) for rows in columns])
