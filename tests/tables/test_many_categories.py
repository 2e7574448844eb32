"""Tables of many categories become sparse rows: the dense ones with the zeros left out."""

import numpy as np
import pytest

import chainrule as cr
import table_oracle as oracle
from chainrule.checks.sparse_rows import SparseRows
from chainrule.tables.preparation import Preparation


def columns(m=1500, n=600):
    rng = np.random.default_rng(0)
    codes = [f"c{i}" for i in rng.permutation(np.arange(m) % n)]
    return {
        "size": rng.normal(size=m).tolist(),
        "code": [None if i == 3 else code for i, code in enumerate(codes)],
        "sex": rng.choice(["f", "m"], m).tolist(),
        "town": [f"t{i}" for i in rng.integers(0, 40, m)],
        "age": [None if i == 5 else float(age) for i, age in enumerate(rng.integers(0, 99, m))],
        "owner": (rng.random(m) < 0.5).tolist(),
    }


def as_table(made):
    return np.array([np.array(values, object) for values in made.values()]).T


def dense(rows):
    full = np.zeros(rows.shape, np.float32)
    where = np.repeat(np.arange(len(rows)), np.diff(rows.indptr))
    full[where, rows.indices] = rows.data
    return full


def expected(train, asked):
    numbers = ("size", "age")
    return oracle.joined(
        *[
            (oracle.number if name in numbers else oracle.category)(train[name], asked[name])
            for name in train
        ]
    )


def test_sparse_rows_are_what_the_definitions_say():
    made = columns()
    prep = Preparation.learn(as_table(made))
    some = {name: values[:40] for name, values in made.items()}
    some["town"][0], some["sex"][1], some["age"][2] = "never seen", None, None
    rows = prep.transform(as_table(some))
    assert isinstance(rows, SparseRows)
    assert rows.dtype == np.float32
    assert rows.shape == (40, prep.width)
    np.testing.assert_allclose(dense(rows), expected(made, some), rtol=1e-6, atol=1e-6)
    again = Preparation.of(prep.state()).transform(as_table(made), np.arange(3, 9))
    np.testing.assert_allclose(dense(again)[3:], dense(rows)[6:9], rtol=0)


def test_a_network_reads_them_as_it_reads_dense_ones():
    made = columns()
    prep = Preparation.learn(as_table(made))
    rows = prep.transform(as_table(made))
    net = cr.Network([prep.width, 8, 2], seed=1)
    y = np.arange(len(rows)) % 2
    net.fit(rows, y, epochs=1, batch_size=32)
    np.testing.assert_allclose(net(rows), net(dense(rows)), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("n", "kind"), [(300, np.ndarray), (600, SparseRows)])
def test_few_categories_are_dense(n, kind):
    made = columns(n=n)
    assert type(Preparation.learn(as_table(made)).transform(as_table(made))) is kind
