"""Networks as SQL, computed by SQLite in float64, held against what they say."""

import math
import sqlite3

import numpy as np
import pytest

import chainrule as cr
from chainrule.convert import to_sql
from random_networks import HIDDEN, draw_network

HAD = [each for each in HIDDEN if each != "gelu"]
KNOWS_MATERIALIZED = sqlite3.sqlite_version_info >= (3, 35)


@pytest.fixture
def base():
    """A database, with functions that SQLite has only where it was compiled so."""
    made = sqlite3.connect(":memory:")
    made.create_function("EXP", 1, lambda x: None if x is None else math.exp(x))
    made.create_function("LN", 1, lambda x: None if x is None else math.log(x))
    yield made
    made.close()


def fill(base, X, table="t", columns=None):
    """A table with X, its rows in another order, and a row of NULLs at the end of `id`."""
    columns = columns or [f"x{k + 1}" for k in range(X.shape[1])]
    listed = ", ".join('"' + each.replace('"', '""') + '"' for each in ("id", *columns))
    base.execute(f'DROP TABLE IF EXISTS "{table}"')
    base.execute(f'CREATE TABLE "{table}" ({listed})')
    rows = [(i, *map(float, x)) for i, x in enumerate(X)] + [(len(X), *[None] * X.shape[1])]
    marks = ", ".join("?" * len(rows[0]))
    base.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows[::-1])


def asked(base, text):
    return base.execute(f"SELECT * FROM ({text}) ORDER BY 1").fetchall()


def test_100_networks(base):
    """To 1e-13 of the largest output, in float64; of float32 networks to its rounding."""
    for seed in range(100):
        net, X = draw_network(seed, hidden=HAD, outputs=["softmax", *HAD], largest=7)
        if "exponential" not in (net.output, *net.hidden):  # others bear any numbers
            X[0] *= 1000
            net.weights[0][:] *= 1 + 50 * (seed % 2)
        wide = cr.Network(
            net.sizes, hidden=net.hidden, output=net.output, cost=net.cost, bias=net.bias,
            dtype="float64", input_scale=net.input_scale, input_shift=net.input_shift,
            output_scale=net.output_scale, output_shift=net.output_shift, seed=0,
            trainable_scale=net.scale.size > 0,
        )  # fmt: skip
        wide.parameters = net.parameters
        fill(base, X)
        rows = asked(base, to_sql(net, table="t", keep=["id"], materialized=KNOWS_MATERIALIZED))
        assert rows.pop()[1:] == (None,) * (len(rows[0]) - 1)
        if net.answers == "classes":
            assert [row[1] for row in rows] == wide.predict(X).tolist()
        said = np.array([row[-net.sizes[-1] :] for row in rows])
        wanted = wide(X.astype(np.float64))
        if "step" not in (net.output, *net.hidden):
            assert abs(said - wanted).max() <= 1e-13 * max(1, abs(wanted).max()), seed


def test_standard_sql_alone_says_the_same(base):
    cost = {"output": "softmax", "cost": "log_likelihood"}
    net = cr.Network([3, 3, 3], hidden="tanh", dtype="float64", input_shift=1.0, seed=0, **cost)
    X = np.random.default_rng(0).normal(size=(5, 3))
    fill(base, X)
    text = to_sql(net, table="t", keep=["id"])
    assert "MATERIALIZED" not in text
    said = np.array([row[2:] for row in asked(base, text)[:-1]])
    np.testing.assert_allclose(said, net(X), atol=1e-14)


def test_it_becomes_a_view(base):
    net, X = draw_network(0, hidden=["relu"], outputs=["identity"], largest=4)
    fill(base, X)
    base.execute(f"CREATE VIEW said AS {to_sql(net, table='t', keep=['id'])}")
    assert len(base.execute("SELECT * FROM said").fetchall()) == len(X) + 1


def test_names_that_need_quoting(base):
    net = cr.Network([2, 3, 1], hidden="tanh", output="identity", dtype="float64", seed=0)
    X = np.array([[0.5, -1.0]])
    odd, table = ['a "b"', "select"], "z2"  # which is also a step's name
    fill(base, X, table, odd)
    text = to_sql(net, table=table, columns=odd, keep=["id"], name='the "answer"')
    rows = base.execute(text)
    assert [each[0] for each in rows.description] == ["id", 'the "answer"']
    assert dict(rows.fetchall())[0] == pytest.approx(net(X)[0, 0], abs=1e-15)
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        base.execute(to_sql(net, table=table, columns=["a", "select"]))
    fill(base, X, table, odd)
    rows = base.execute(to_sql(net, table=("main", table), columns=odd))
    assert len(rows.fetchall()) == 2


def test_a_column_to_keep_may_have_a_step_s_name(base):
    net = cr.Network([1, 2, 1], hidden="tanh", output="identity", dtype="float64", seed=0)
    fill(base, np.array([[0.25]]), columns=["z2_1"])
    text = to_sql(net, table="t", columns=["z2_1"], keep=["z2_1", "id"])
    rows = base.execute(text).fetchall()
    assert rows[1] == (0.25, 0, pytest.approx(net([0.25])[0], abs=1e-15))


@pytest.mark.parametrize(
    "classes", [["it's", "no"], [3, 17], [False, True], ["", "\\'; DROP TABLE t --"]]
)
@pytest.mark.parametrize("n", [1, 2])
def test_classes_by_their_names(base, classes, n):
    output, cost = ("sigmoid", "cross_entropy") if n == 1 else ("softmax", "log_likelihood")
    net = cr.Network([2, n], output=output, cost=cost, dtype="float64", seed=0)
    net.classes = classes
    net.biases[0][:] = 0
    X = np.random.default_rng(0).normal(size=(20, 2)) * 3
    fill(base, X)
    rows = asked(base, to_sql(net, table="t", keep=["id"]))
    assert [row[1] for row in rows[:-1]] == net.predict(X).tolist()
    assert len(set(net.predict(X).tolist())) == 2
    assert rows[-1][1:] == (None,) * (1 + n)
    assert len(rows[0]) == 2 + n


def test_a_margin_has_its_level_at_0(base):
    net = cr.Network([2, 1], output="identity", cost="hinge", dtype="float64", seed=0)
    X = np.random.default_rng(0).normal(size=(20, 2))
    fill(base, X)
    rows = asked(base, to_sql(net, table="t", keep=["id"]))
    assert [row[1] for row in rows[:-1]] == net.predict(X).tolist()


def test_several_labels_are_outputs_alone(base):
    net = cr.Network([2, 3], cost="cross_entropy", dtype="float64", seed=0)
    X = np.ones((1, 2))
    fill(base, X)
    rows = base.execute(to_sql(net, table="t", name="p"))
    assert [each[0] for each in rows.description] == ["p_1", "p_2", "p_3"]
    np.testing.assert_allclose(rows.fetchall()[1], net(X)[0], atol=1e-15)


def test_the_columns_are_those_that_the_network_knows():
    net = cr.Network([2, 1], output="identity", seed=0)
    assert '"t"."x2"' in to_sql(net, table="a")
    net._input_names = ("rooms", "age")
    assert '"t"."rooms"' in to_sql(net, table="a")


def test_whole_numbers_in_a_column_are_divided_as_doubles(base):
    net = cr.Network([1, 1], output="softsign", dtype="float64", init="zeros", seed=0)
    net.weights[0][:] = 1
    base.execute("CREATE TABLE t (x1 INTEGER)")
    base.execute("INSERT INTO t VALUES (1)")
    assert base.execute(to_sql(net, table="t")).fetchall() == [(0.5,)]


def test_it_is_written_whole(tmp_path):
    net = cr.Network([2, 1], output="identity", seed=0)
    net._input_names = ("größe", "age")
    text = to_sql(net, tmp_path / "net.sql", table="a")
    assert (tmp_path / "net.sql").read_text(encoding="utf-8") == text


OWN = type("Own", (), {"value": lambda s, z: z, "slope": lambda s, z, a: z * 0 + 1})


@pytest.mark.parametrize(
    ("make", "options", "kind", "fragment"),
    [
        (lambda: cr.Network([100, 50, 1], seed=0), {}, ValueError, "up to 4096 weights"),
        (lambda: cr.Network([300, 1], seed=0), {}, ValueError, "256 neurons a layer; got 300"),
        (lambda: cr.Network([2, 2], hidden="gelu", output="gelu", seed=0), {}, ValueError, "gelu"),
        (lambda: cr.Network([2, 2], output=OWN(), seed=0), {}, TypeError, "of your own, Own"),
        (
            lambda: cr.Ensemble([cr.Network([2, 1], seed=k) for k in range(2)]),
            {},
            ValueError,
            "to_sql holds one network, not an ensemble of 2",
        ),
        (
            lambda: cr.Network([8, 20, 20, 1], seed=0),
            {},
            ValueError,
            "give materialized=True",
        ),
        (lambda: cr.Network([2, 1], seed=0), {"columns": ["a"]}, ValueError, "2 names, one an inp"),
        (lambda: cr.Network([2, 1], seed=0), {"columns": "ab"}, TypeError, "a list of names"),
        (lambda: cr.Network([2, 1], seed=0), {"columns": ["a", "a"]}, ValueError, "different nam"),
        (lambda: cr.Network([2, 1], seed=0), {"columns": ["a", ""]}, ValueError, "got ''"),
        (lambda: cr.Network([2, 1], seed=0), {"table": "a\0b"}, ValueError, "may have"),
        (lambda: cr.Network([2, 1], seed=0), {"table": ()}, ValueError, "table"),
        (lambda: cr.Network([2, 1], seed=0), {"table": 5}, TypeError, "table must be a list of na"),
        (lambda: cr.Network([2, 1], seed=0), {"table": "\ud800"}, ValueError, "a name in SQL must"),
        (lambda: cr.Network([2, 1], seed=0), {"name": 5}, TypeError, "name must be a string; got"),
        (lambda: cr.Network([2, 1], seed=0), {"materialized": 1}, TypeError, "True or False"),
        (lambda: cr.Network([2, 1], seed=0), {"keep": "id"}, TypeError, "a list of names"),
        (
            lambda: cr.Network([2, 1], seed=0),
            {"keep": ["Prediction"]},
            ValueError,
            "two columns of one name",
        ),
    ],
)
def test_what_is_refused(tmp_path, make, options, kind, fragment):
    with pytest.raises(kind, match=fragment):
        to_sql(make(), tmp_path / "a", **{"table": "t"} | options)
    assert list(tmp_path.iterdir()) == []
