"""Frames and series give the bits of their float64 arrays, and are refused by the names of columns.

A class of plain Python stands in for what gives columns by name, so that this is tested without
pandas and polars too. What the packages themselves make is tested where they are installed.
"""

import copy
import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule.checks.arrays import as_inputs
from chainrule.checks.frames import Frame
from children import python
from model_files import header_of
from refusals import refuse

NAMES = ("mpg", "cut_Ideal", "doors", "price")
M = 30
EITHER = (TypeError, ValueError)


class PlainFrame:
    """What a frame is to the package: names, and a column for each."""

    def __init__(self, columns):
        self._columns = dict(columns)
        self.columns = list(self._columns)

    def __getitem__(self, name):
        return self._columns[name]


def columns():
    """Real columns of three types, none with more digits than any of them holds."""
    rng = np.random.default_rng(0)
    return {
        "mpg": rng.normal(size=M),
        "cut_Ideal": rng.random(M) < 0.5,
        "doors": rng.integers(2, 6, size=M),
        "price": rng.integers(99, size=M).astype(float),
    }


LABELS = np.arange(M) % 2


def floats(names=NAMES):
    """The same columns as a float64 array."""
    return np.stack([columns()[name].astype(float) for name in names], axis=1)


def pandas_frame(dtype=None):
    pandas = pytest.importorskip("pandas", reason="pandas makes these frames")
    if dtype == "pyarrow":
        pytest.importorskip("pyarrow", reason="pyarrow backs these columns")
    frame = pandas.DataFrame(columns())
    if dtype == "pyarrow":
        return frame.convert_dtypes(dtype_backend="pyarrow")
    if dtype == "nullable":
        return frame.astype({"cut_Ideal": "boolean", "doors": "Int64", "price": "Float64"})
    if dtype == "sparse":
        return frame.astype({"price": pandas.SparseDtype(float, 0.0)})
    return frame if dtype is None else frame.astype(dtype)


def objects():
    """Numbers as objects: of Python, of NumPy, decimals and fractions."""
    frame = pandas_frame(object)
    frame["price"] = [Decimal(n) for n in columns()["price"].tolist()]
    frame["doors"] = [Fraction(n) for n in columns()["doors"].tolist()]
    return frame


def polars_frame():
    return pytest.importorskip("polars", reason="polars makes these frames").DataFrame(columns())


def arrow_table():
    return pytest.importorskip("pyarrow", reason="pyarrow makes these tables").table(columns())


KINDS = {
    "a stand-in": lambda: PlainFrame(columns()),
    "lists in a stand-in": lambda: PlainFrame({k: v.tolist() for k, v in columns().items()}),
    "mixed": pandas_frame,
    "floats": lambda: pandas_frame("float64"),
    "nullable": lambda: pandas_frame("nullable"),
    "objects": lambda: pandas_frame(object),
    "decimals": objects,
    "pyarrow": lambda: pandas_frame("pyarrow"),
    "sparse columns": lambda: pandas_frame("sparse"),
    "polars": polars_frame,
    "a table of pyarrow": arrow_table,
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def test_missing_places_of_a_dictionary_of_pyarrow_are_missing():
    arrow = pytest.importorskip("pyarrow", reason="pyarrow makes these tables")
    numbers = [1, 2, None, 4]
    table = arrow.table({"n": arrow.array(numbers).dictionary_encode()})
    assert Frame("X", table).numbers(missing=True)[:, 0].tolist()[:2] == [1, 2]
    assert np.isnan(Frame("X", table).numbers(missing=True)[2, 0])
    refuse(lambda: Frame("X", table).numbers(), ValueError, ["column 'n' misses 1 of 4"])


def network(n_in=4, **options):
    options = {"hidden": "tanh", "init": "small", "seed": 1, **options}
    return cr.Network([n_in, 5, 2], **options)


def after_fit(net, *data, **options):
    """All that training made of a network."""
    history = net.fit(*data, epochs=3, batch_size=7, **options)
    return net.parameters.tobytes(), history.cost.tobytes(), history.validation_cost.tobytes()


def batches(x, y):
    return [(x, y), (x, y, np.arange(len(y)))]


# What is asked, as bytes, of a network and data.
ASKED = {
    "fit": lambda net, x, y: after_fit(net, x, y),
    "fit, split": lambda net, x, y: after_fit(net, x, y, validation_split=0.2),
    "fit, validation": lambda net, x, y: after_fit(net, x, y, validation_data=(x, y)),
    "fit, by batches": lambda net, x, y: after_fit(net, batches(x, y), validation_data=(x, y)),
    "fit, weighted": lambda net, x, y: after_fit(net, x, y, class_weight="balanced"),
    "fit, LBFGS": lambda net, x, y: net.fit(
        x, y, optimizer=cr.LBFGS(), epochs=3, validation_data=(x, y)
    ).cost.tobytes(),
    "evaluate": lambda net, x, y: net.evaluate(x, y),
    "feedforward": lambda net, x, y: net.feedforward(x).tobytes(),
    "a call": lambda net, x, y: net(x, threads=2).tobytes(),
    "a call, out": lambda net, x, y: net(x, out=np.empty((M, 2), "f4")).tobytes(),
    "backprop": lambda net, x, y: net.backprop(x, y).parameters.tobytes(),
    "trace": lambda net, x, y: [a.tobytes() for a in net.trace(x, y).delta],
    "jacobian": lambda net, x, y: net.jacobian(x).tobytes(),
    "diagnose": lambda net, x, y: str(cr.diagnose(net, x, y, validation_data=(x, y))),
    "range test": lambda net, x, y: cr.learning_rate_range(net, x, y, steps=9).costs.tobytes(),
    "check_gradient": lambda net, x, y: cr.check_gradient(net, x, y).errors,
    "numerical_gradient": lambda net, x, y: cr.numerical_gradient(net, x, y).parameters.tobytes(),
    "Perceptron": lambda net, x, y: repr(
        cr.Perceptron([0] * 4, 0).fit(x, y, mode="batch", learning_rate=1.0, max_epochs=5000)
    ),
}
every_question = pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)


@every_kind
@every_question
@pytest.mark.filterwarnings("ignore:.*still misclassified.*")
def test_a_frame_is_its_float64_array_everywhere(kind, asked):
    frame = kind()
    assert asked(network(), frame, LABELS) == asked(network(), floats(), LABELS)


@every_kind
def test_in_a_scaling_network_of_either_type(kind, dtype):
    nets = [network(dtype=dtype, input_scale=0.3) for _ in range(2)]
    ours, theirs = (after_fit(n, x, LABELS) for n, x in zip(nets, (kind(), floats()), strict=True))
    assert ours == theirs
    assert nets[0].input_names == NAMES


SLICES = {
    "every other row": lambda frame: frame[::2],
    "from the sixth on": lambda frame: frame[5:],
    "backward": lambda frame: frame[::-1],
    "one row": lambda frame: frame[3:4],
}


@pytest.mark.parametrize("part", SLICES.values(), ids=SLICES)
@pytest.mark.parametrize("name", [n for n in KINDS if "stand-in" not in n and "table" not in n])
def test_parts_of_a_frame(name, part):
    frame, array = part(KINDS[name]()), part(floats())
    net = network()
    outputs = net(frame)
    assert outputs.shape == (len(array), 2)
    assert outputs.tobytes() == network()(array).tobytes()
    assert after_fit(net, frame, part(LABELS)) == after_fit(network(), array, part(LABELS))


def test_other_parts_of_a_pandas_frame():
    frame, array = pandas_frame(), floats()
    net = network()
    for ours, theirs in (
        (frame.iloc[5:], array[5:]),
        (frame[frame["mpg"] > 0], array[array[:, 0] > 0]),
        (frame.sample(frac=1, random_state=0), array[frame.sample(frac=1, random_state=0).index]),
        (frame.iloc[7], array[7]),  # a series: one sample
    ):
        assert net(ours).tobytes() == net(np.ascontiguousarray(theirs)).tobytes()


def test_what_get_dummies_makes():
    pandas = pytest.importorskip("pandas", reason="pandas makes these frames")
    raw = pandas.DataFrame({"doors": columns()["doors"], "cut": ["Fair", "Good", "Ideal"] * 10})
    X = pandas.get_dummies(raw)
    net, same = network(), network()
    assert after_fit(net, X, LABELS) == after_fit(same, X.to_numpy(dtype=float), LABELS)
    assert net.input_names == ("doors", "cut_Fair", "cut_Good", "cut_Ideal")
    few = pandas.get_dummies(raw[:2])
    advice = "X.reindex(columns=list(net.input_names), fill_value=0)"
    refuse(lambda: net(few), ValueError, ["'cut_Ideal' is missing", advice], net)
    filled = few.reindex(columns=list(net.input_names), fill_value=0)
    assert net(filled).tobytes() == net(X[:2]).tobytes()


@pytest.mark.parametrize("kind", ["uint8", "int16", "float32", "float64"])
def test_a_frame_of_one_type_is_read_where_it_is(kind):
    pandas = pytest.importorskip("pandas", reason="pandas makes these frames")
    X = np.arange(60).reshape(15, 4).astype(kind)
    taken = as_inputs(pandas.DataFrame(X, columns=NAMES, copy=False), 4, np.dtype("f4"))
    assert np.shares_memory(taken, X)


@pytest.mark.parametrize(
    ("types", "kept"),
    [
        (["bool"], "uint8"),
        (["bool", "uint8"], "uint8"),
        (["int8"], "int16"),
        (["uint8", "int16"], "int16"),
        (["bool", "float32"], "float32"),
        (["int32", "float32"], "float64"),
        (["uint16"], "uint16"),
        (["int64", "uint64"], "float64"),
        (["float16"], "float64"),
        (["longdouble"], "float64"),
    ],
)
def test_columns_are_kept_in_the_smallest_type_that_holds_them(types, kept):
    values = np.arange(6) % 2
    frame = PlainFrame({kind: values.astype(kind) for kind in types})
    taken = as_inputs(frame, len(types), np.dtype("f4"))
    assert taken.dtype == kept
    assert np.array_equal(taken, np.stack([values] * len(types), axis=1))


# ---------------------------------------------------------------- names


def reordered(frame, names):
    return PlainFrame({name: frame[name] for name in names})


@pytest.fixture
def net():
    """A network trained on a frame."""
    trained = network()
    trained.fit(PlainFrame(columns()), LABELS, optimizer=cr.SGD(0.1, momentum=0.5))
    return trained


def test_the_first_fit_names_the_inputs_in_any_order():
    names = NAMES[::-1]
    net = network()
    assert net.input_names is None
    net(PlainFrame(columns()))  # which is no fit
    assert net.input_names is None
    assert after_fit(net, reordered(columns(), names), LABELS) == after_fit(
        network(), floats(names), LABELS
    )
    assert net.input_names == names


def test_arrays_pass_and_frames_may_come_later(net):
    net.evaluate(floats(), LABELS)
    net.fit(floats(), LABELS)
    assert net.input_names == NAMES
    late = network()
    late.fit(floats(), LABELS)
    assert late.input_names is None
    late.fit(PlainFrame(columns()), LABELS)
    assert late.input_names == NAMES


MISNAMED = {
    "reordered": (
        reordered(columns(), ("mpg", "doors", "cut_Ideal", "price")),
        ["'doors' is out of place, at 1 where 'cut_Ideal' belongs", "X[list(net.input_names)]"],
    ),
    "one missing": (reordered(columns(), NAMES[:3]), ["'price' is missing: give what is missing"]),
    "one unknown": (
        PlainFrame(columns() | {"id": ["a"] * M}),
        ["'id' is unknown", "X[list(net.input_names)]"],
    ),
    "another": (
        PlainFrame({"MPG" if k == "mpg" else k: v for k, v in columns().items()}),
        ["'mpg' is missing, 'MPG' is unknown"],
    ),
    "all others": (PlainFrame(dict.fromkeys("abcdefgh", LABELS)), ["'f' and 2 more are unknown"]),
    "text for what is missing": (
        PlainFrame({"mpg": columns()["mpg"], "cut": ["Fair"] * M}),
        ["column 'cut' holds text: one-hot encode it, `pandas.get_dummies(X)`"],
    ),
}


@pytest.mark.parametrize(("frame", "fragments"), MISNAMED.values(), ids=MISNAMED)
@pytest.mark.parametrize("name", [name for name in ASKED if name != "Perceptron"])
def test_other_names_are_refused(net, frame, fragments, name):
    kind = TypeError if "text" in fragments[0] else ValueError
    if name == "fit, by batches":  # those before it, if there are any, are kept
        refuse(lambda: net.fit([(frame, LABELS)]), kind, ["X must", *fragments], None)
    else:
        refuse(lambda: ASKED[name](net, frame, LABELS), kind, ["X must", *fragments], net)
    assert net.input_names == NAMES


def test_validation_data_have_the_names_of_the_data():
    frame, other = PlainFrame(columns()), reordered(columns(), NAMES[::-1])
    fragments = ["validation X", "'price' is out of place", "X_val[list(X.columns)]"]
    for optimizer in (cr.SGD(0.1), cr.LBFGS()):
        net = network()
        options = {"optimizer": optimizer, "validation_data": (other, LABELS)}
        refuse(lambda: net.fit(frame, LABELS, **options), ValueError, fragments, net)  # noqa: B023
        assert net.input_names is None
    diagnose = {"validation_data": (other, LABELS)}
    refuse(lambda: cr.diagnose(net, frame, LABELS, **diagnose), ValueError, fragments, net)
    net.fit(floats(), LABELS, validation_data=(other, LABELS))
    assert net.input_names is None  # they are of what is trained on


@pytest.mark.parametrize("options", [{"validation_split": 0.2}, {"optimizer": cr.LBFGS()}])
def test_every_way_of_training_names_the_inputs(options):
    net = network()
    net.fit(PlainFrame(columns()), LABELS, **options)
    assert net.input_names == NAMES


def test_batches_name_the_inputs():
    frame, other = PlainFrame(columns()), reordered(columns(), NAMES[::-1])
    net = network()
    net.fit([(floats(), LABELS), (frame, LABELS)], epochs=2, validation_data=(frame, LABELS))
    assert net.input_names == NAMES
    for options in ({}, {"validation_data": (other, LABELS)}):
        net = network()
        wrong = frame if options else other
        with pytest.raises(ValueError, match="out of place") as caught:
            net.fit([(frame, LABELS), (wrong, LABELS)], **options)
        assert "of epoch 0)" in caught.value.__notes__[0]
        # The batch before the wrong one is kept, as before any exception of an iterable.
        assert net.input_names == (None if options else NAMES)


@pytest.mark.parametrize("optimizer", [cr.SGD(0.1), cr.LBFGS()])
def test_a_fit_that_does_nothing_names_nothing(optimizer):
    frame = PlainFrame(columns())
    net = network()
    net.fit(frame, LABELS, epochs=0, optimizer=optimizer)
    assert net.input_names is None
    refuse(lambda: net.fit(frame, LABELS[1:], optimizer=optimizer), ValueError, ["samples"], net)
    assert net.input_names is None
    net.parameters[0] = np.nan
    with pytest.raises(cr.DivergenceError):
        net.fit(frame, LABELS, optimizer=optimizer)
    assert net.input_names is None


def test_names_are_there_while_training():
    seen = []
    network().fit(
        PlainFrame(columns()), LABELS, callbacks=lambda net, _: seen.append(net.input_names)
    )
    assert set(seen) == {NAMES}


def test_an_interrupt_before_the_first_epoch_takes_them_back():
    class Stop:
        def on_train_begin(self, net):
            assert net.input_names == NAMES
            raise KeyboardInterrupt

    net = network()
    with pytest.raises(KeyboardInterrupt):
        net.fit(PlainFrame(columns()), LABELS, callbacks=Stop())
    assert net.input_names is None


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))]
)
def test_copies_have_the_names(net, copied):
    twin = copied(net)
    assert twin.input_names == NAMES
    refuse(lambda: twin(PlainFrame(dict.fromkeys("abcd", LABELS))), ValueError, ["missing"], twin)


def test_the_average_has_the_names():
    net = network()
    net.fit(PlainFrame(columns()), LABELS, average=0.9)
    assert net.averaged().input_names == NAMES


def test_they_are_read_only(net):
    with pytest.raises(AttributeError, match="input_names"):
        net.input_names = NAMES


# ---------------------------------------------------------------- files


def test_names_are_in_the_file(net, tmp_path):
    path = tmp_path / "net.npz"
    net.save(path)
    assert header_of(path)["input_names"] == list(NAMES)
    back = cr.load(path)
    assert back.input_names == NAMES
    refuse(lambda: back(MISNAMED["reordered"][0]), ValueError, MISNAMED["reordered"][1], back)
    for one in (net, back):
        one.fit(PlainFrame(columns()), LABELS, optimizer=cr.SGD(0.1, momentum=0.5))
    assert back.parameters.tobytes() == net.parameters.tobytes()


@pytest.mark.parametrize("name", ["", "prix (€)", "a\nb", '"', "\x00", "\ud800"])
def test_any_string_is_a_name(name, tmp_path):
    net = network(1)
    net.fit(PlainFrame({name: columns()["mpg"]}), LABELS)
    net.save(tmp_path / "net.npz")
    assert cr.load(tmp_path / "net.npz").input_names == (name,)


def test_a_file_without_names_is_as_before(tmp_path):
    """A frame without names makes the bytes that its array makes."""
    pandas = pytest.importorskip("pandas", reason="pandas makes these frames")
    for name, x in {"array": floats(), "frame": pandas.DataFrame(floats())}.items():
        net = network()
        net.fit(x, LABELS)
        net.save(tmp_path / name)
        assert "input_names" not in header_of(tmp_path / name)
        assert cr.load(tmp_path / name).input_names is None
    assert (tmp_path / "array").read_bytes() == (tmp_path / "frame").read_bytes()


# ---------------------------------------------------------------- names that are no strings


def numbered(names):
    pandas = pytest.importorskip("pandas", reason="pandas makes these frames")
    return pandas.DataFrame(floats(), columns=names)


def test_the_numbers_of_a_frame_of_an_array_are_no_names():
    net = network()
    net.fit(numbered(None), LABELS)
    assert net.input_names is None
    net.fit(numbered(range(4)), LABELS)
    assert net.input_names is None
    named = network()
    named.fit(PlainFrame(columns()), LABELS)
    assert named(numbered(None)).tobytes() == named(floats()).tobytes()


def test_other_names_count_as_strings():
    years = numbered([1990, 1991, 2000, 2001])
    net = network()
    net.fit(years, LABELS)
    assert net.input_names == ("1990", "1991", "2000", "2001")
    assert net(years).tobytes() == net(floats()).tobytes()
    advice = "X[list(net.input_names)], after X.columns = X.columns.astype(str)"
    other = years[[1991, 1990, 2000, 2001]]
    refuse(lambda: net(other), ValueError, ["'1991' is out of place, at 0", advice], net)
    other.columns = other.columns.astype(str)
    assert net(other[list(net.input_names)]).tobytes() == net(years).tobytes()
    net = network()
    net.fit(numbered([("a", 1), ("a", 2), ("b", 1), ("b", 2)]), LABELS)
    assert net.input_names[0] == "('a', 1)"


# ---------------------------------------------------------------- refusals


def with_column(name, values):
    return PlainFrame(columns() | {name: values})


DATES = np.arange(M).astype("M8[D]")
ESTIMATORS = (
    "or give the table as it is to TabularClassifier or TabularRegressor of chainrule.sklearn"
)
REFUSED = {
    "text": (
        {"cut": ["Fair", None] * 15, "color": np.array(["D"] * M)},
        TypeError,
        [
            "columns 'cut', 'color' hold text: one-hot encode them, `pandas.get_dummies(X)`; "
            + ESTIMATORS
        ],
    ),
    "numbers as text": ({"a": ["1.5"] * M}, TypeError, ["column 'a' holds text: one-hot"]),
    "text among numbers": ({"a": [1] * (M - 1) + ["x"]}, TypeError, ["column 'a' holds text"]),
    "bytes": ({"a": [b"x"] * M}, TypeError, ["column 'a' holds text"]),
    "dates": ({"when": DATES}, TypeError, ["column 'when' holds dates: make numbers of it"]),
    "dates as objects": ({"when": DATES.astype(object)}, TypeError, ["'when' holds dates"]),
    "durations": (
        {"a": DATES - DATES[0], "b": (DATES - DATES[0]).astype(object)},
        TypeError,
        ["columns 'a', 'b' hold durations", "X['a'].dt.total_seconds()"],
    ),
    "lists": ({"a": [[1, 2]] * M}, TypeError, ["column 'a' holds lists", "a column of its own"]),
    "ragged": ({"a": np.array([[1]] * 29 + [0], object)}, TypeError, ["column 'a' holds lists"]),
    "records": ({"a": np.zeros(M, "f4,f4")}, TypeError, ["column 'a' holds lists"]),
    "complex": ({"a": [1j] * M}, TypeError, ["column 'a' holds complex numbers", "imaginary"]),
    "anything": ({"a": [object()] * M}, TypeError, ["'a' holds values of type object", "leave it"]),
    "of two kinds": (
        {"cut": ["Fair"] * M, "when": DATES},
        TypeError,
        ["column 'cut' holds text", "; column 'when' holds dates", ESTIMATORS],
    ),
    "of many columns": (
        {f"a{i}": ["x"] * M for i in range(9)},
        TypeError,
        ["columns 'a0', 'a1', 'a2', 'a3', 'a4', 'a5' and 3 more hold text"],
    ),
    "missing": (
        {"brthord": [None] * 7 + [1] * 23},
        ValueError,
        ["column 'brthord' misses 7 of 30: impute them, for example by the median"],
    ),
    "NaN": (
        {"a": [np.nan] + [0.5] * 29, "b": [1] * 28 + [float("nan"), None]},
        ValueError,
        ["column 'a' misses 1 of 30, column 'b' misses 2: impute them"],
    ),
    "nothing at all": ({"a": [None] * M}, ValueError, ["column 'a' misses 30 of 30"]),
    "missing in many": (
        {f"a{i}": [None] * M for i in range(9)},
        ValueError,
        ["column 'a5' misses 30, and 3 more columns miss some: impute"],
    ),
    "infinite": (
        {"a": [0.0] * 7 + [-np.inf] * 23},
        ValueError,
        ["X must be finite; row 7 (counted from 0) of column 'a' is -inf"],
    ),
    "too large": (
        {"a": [0.0] * 29 + [1e300]},
        ValueError,
        ["row 29 (counted from 0) of column 'a' is 1e+300, too large for float32"],
    ),
    "beyond float64": ({"a": [10**400] * M}, ValueError, ["row 0", "column 'a' is inf"]),
    "too short": ({"a": [0.0] * 7}, ValueError, ["column 'mpg' has 30 rows, column 'a' 7"]),
}


@pytest.mark.parametrize(("added", "kind", "fragments"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("name", [name for name in ASKED if name != "fit, by batches"])
@pytest.mark.filterwarnings("ignore:.*still misclassified.*")
def test_what_is_no_number_is_told_by_the_names_of_columns(added, kind, fragments, name):
    frame = PlainFrame(columns() | added)
    net = network(len(frame.columns))
    in_float64 = name in ("check_gradient", "numerical_gradient", "Perceptron")
    if in_float64 and added is REFUSED["too large"][0]:
        return
    ask = ASKED[name]
    if name == "Perceptron":
        perceptron = cr.Perceptron([0] * len(frame.columns), 0)
        refuse(lambda: perceptron.fit(frame, LABELS), kind, fragments)
    else:
        refuse(lambda: ask(net, frame, LABELS), kind, fragments, net)
    assert net.input_names is None


def test_text_in_an_array_leads_to_the_estimators_of_tables():
    for X in (np.array([[1.5, "a"]], object), [["a", 2]], np.array([["a", "b"]])):
        refuse(lambda X=X: network(2).fit(X, [0]), TypeError, ["real numbers", ESTIMATORS])
    with pytest.raises(TypeError) as error:
        network(1).fit(np.array([[None]]), [0])
    assert "Tabular" not in str(error.value)


def test_names_that_are_there_twice():
    frame = PlainFrame(columns())
    frame.columns = ["mpg", "doors", "mpg", "price"]
    refuse(lambda: network().fit(frame, LABELS), ValueError, ["more than one", "'mpg'"])
    frame = numbered([1, "1", 2, 3])
    refuse(lambda: network().fit(frame, LABELS), ValueError, ["more than one", "'1'"])


def test_no_columns_and_no_rows():
    refuse(lambda: network()(PlainFrame({})), ValueError, ["X has no columns"])
    empty = PlainFrame({name: np.zeros(0) for name in NAMES})
    refuse(lambda: network()(empty), ValueError, ["at least one sample", "(0, 4)"])


def test_a_frame_alone_is_no_iterable_of_batches():
    refuse(lambda: network().fit(PlainFrame(columns())), TypeError, ["PlainFrame. Targets?"])


def test_the_validation_frame_is_called_so():
    text = with_column("cut", ["Fair"] * M)
    fragments = ["validation X must hold", "column 'cut' holds text", "get_dummies(X_val)"]
    net = network(5)
    given = with_column("cut", LABELS)
    refuse(
        lambda: net.fit(given, LABELS, validation_data=(text, LABELS)), TypeError, fragments, net
    )


# Series by what makes them of pandas, and what the message says of the column.
OF_PANDAS = {
    "str": (lambda pd: pd.Series(["a", None] * 15), "holds text"),
    "string": (lambda pd: pd.Series(["a", None] * 15, dtype="string"), "holds text"),
    "category": (lambda pd: pd.Series(["a", "b"] * 15, dtype="category"), "holds categories: one-"),
    "numbers as category": (lambda pd: pd.Series(LABELS, dtype="category"), "holds categories"),
    "dates": (lambda pd: pd.date_range("2020", periods=M), "holds dates"),
    "dates of a zone": (lambda pd: pd.date_range("2020", periods=M, tz="UTC"), "holds dates"),
    "periods": (lambda pd: pd.period_range("2020-01-01", periods=M), "holds dates"),
    "durations": (lambda pd: pd.to_timedelta(range(M), unit="D"), "holds durations"),
    "intervals": (lambda pd: pd.interval_range(0, M), "holds values of type Interval"),
    "Int64": (lambda pd: pd.Series([pd.NA] + [1] * 29, dtype="Int64"), "misses 1 of 30"),
    "boolean": (lambda pd: pd.Series([pd.NA] + [True] * 29, dtype="boolean"), "misses 1 of 30"),
    "objects": (lambda pd: pd.Series([pd.NA, None, np.nan] * 10, dtype=object), "misses 30 of"),
    "no times": (lambda pd: pd.Series([pd.NaT] * M, dtype=object), "misses 30 of 30"),
}


@pytest.mark.parametrize(("made", "fragment"), OF_PANDAS.values(), ids=OF_PANDAS)
def test_columns_of_pandas_that_are_no_numbers(made, fragment):
    pandas = pytest.importorskip("pandas", reason="pandas makes these frames")
    frame = pandas.DataFrame(columns())
    frame["a"] = pandas.Series(made(pandas))
    refuse(lambda: network(5)(frame), EITHER, [f"column 'a' {fragment}"])


OF_POLARS = {
    "String": (lambda pl: pl.Series(["a", None] * 15), "holds text", "X.to_dummies(['a'])"),
    "Categorical": (
        lambda pl: pl.Series(["a", "b"] * 15, dtype=pl.Categorical),
        "holds categories",
        "X.to_dummies(['a'])",
    ),
    "Enum": (
        lambda pl: pl.Series(["a", "b"] * 15, dtype=pl.Enum(["a", "b"])),
        "holds categories",
        "X.to_dummies(['a'])",
    ),
    "Date": (lambda pl: pl.Series(DATES.astype(object)), "holds dates", "year"),
    "Duration": (
        lambda pl: pl.Series((DATES - DATES[0]).astype(object)),
        "holds durations",
        "total_seconds()",
    ),
    "List": (lambda pl: pl.Series([[1, 2]] * M), "holds lists", "a column of its own"),
    "Array": (
        lambda pl: pl.Series([[1, 2]] * M, dtype=pl.Array(pl.Int64, 2)),
        "holds lists",
        "a column of its own",
    ),
    "Struct": (lambda pl: pl.Series([{"a": 1}] * M), "holds lists", "a column of its own"),
    "null": (lambda pl: pl.Series([None] * M), "misses 30 of 30", "impute"),
    "an integer": (lambda pl: pl.Series([None] + [1] * 29), "misses 1 of 30", "impute"),
    "a truth value": (lambda pl: pl.Series([None] + [True] * 29), "misses 1 of 30", "impute"),
    "a float": (lambda pl: pl.Series([None, np.nan] + [0.5] * 28), "misses 2 of 30", "impute"),
}


@pytest.mark.parametrize(("made", "fragment", "advice"), OF_POLARS.values(), ids=OF_POLARS)
def test_columns_of_polars_that_are_no_numbers(made, fragment, advice):
    polars = pytest.importorskip("polars", reason="polars makes these frames")
    frame = polars_frame().with_columns(made(polars).alias("a"))
    refuse(lambda: network(5)(frame), EITHER, [f"column 'a' {fragment}", advice])


def test_a_column_that_becomes_no_array():
    class Wide:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("cannot convert i128")

    frame = with_column("a", Wide())
    fragments = ["column 'a' does not become an array: cannot convert i128"]
    refuse(lambda: network(5)(frame), TypeError, fragments)


def test_a_frame_yet_to_be_computed():
    refuse(lambda: network()(polars_frame().lazy()), TypeError, ["LazyFrame", "collect()"])


def test_columns_called_as_what_frames_can_do():
    """Frames of pandas have their columns as attributes, too."""
    pandas = pytest.importorskip("pandas", reason="pandas makes these frames")
    frame = pandas.DataFrame(floats(), columns=["collect", "column_names", "to_dummies", "dtypes"])
    assert network()(frame).tobytes() == network()(floats()).tobytes()


# ---------------------------------------------------------------- targets and weights

TARGETS = np.random.default_rng(3).integers(9, size=(M, 2))


def pandas_series(values, dtype):
    pandas = pytest.importorskip("pandas", reason="pandas makes these series")
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow", reason="pyarrow backs these series")
    # an index of its own, to which nothing is aligned
    return pandas.Series(values, dtype=dtype, index=range(7, 7 + len(values)))


def polars_series(values, dtype):
    polars = pytest.importorskip("polars", reason="polars makes these series")
    return polars.Series(values, dtype=getattr(polars, dtype))


WHOLE = {
    "int64": lambda values: pandas_series(values, "int64"),
    "bool": lambda values: pandas_series(values, "bool"),
    "Int64": lambda values: pandas_series(values, "Int64"),
    "boolean": lambda values: pandas_series(values, "boolean"),
    "object": lambda values: pandas_series(values, "object"),
    "int64[pyarrow]": lambda values: pandas_series(values, "int64[pyarrow]"),
    "polars.Int64": lambda values: polars_series(values, "Int64"),
    "polars.UInt8": lambda values: polars_series(values, "UInt8"),
}
REAL = {
    "float64": lambda values: pandas_series(values, "float64"),
    "Float64": lambda values: pandas_series(values, "Float64"),
    "object": lambda values: pandas_series(values, "object"),
    "double[pyarrow]": lambda values: pandas_series(values, "double[pyarrow]"),
    "polars.Float64": lambda values: polars_series(values, "Float64"),
}


@pytest.mark.parametrize("series", WHOLE.values(), ids=WHOLE)
def test_a_series_of_labels(series):
    y = series(LABELS.tolist())
    for asked in (ASKED["fit, validation"], ASKED["evaluate"], ASKED["fit, by batches"]):
        assert asked(network(), floats(), y) == asked(network(), floats(), LABELS)
    ours, theirs = (cr.Perceptron([0] * 4, 0) for _ in range(2))
    X = floats() + 100 * LABELS[:, None]
    assert repr(ours.fit(X, y, mode="batch")) == repr(theirs.fit(X, LABELS, mode="batch"))


@pytest.mark.parametrize("series", REAL.values(), ids=REAL)
def test_a_series_of_numbers(series):
    y = np.random.default_rng(4).normal(size=M)
    nets = [cr.Network([4, 5, 1], output="identity", seed=1) for _ in range(2)]
    weights = [series(np.arange(M).tolist()), np.arange(M) * 1.0]
    for net, targets, weight in zip(nets, (series(y.tolist()), y), weights, strict=True):
        net.fit(floats(), targets, epochs=3, sample_weight=weight)
    assert nets[0].parameters.tobytes() == nets[1].parameters.tobytes()
    ours, theirs = (
        nets[0].evaluate(floats(), targets, sample_weight=weight)
        for targets, weight in zip((series(y.tolist()), y), weights, strict=True)
    )
    assert ours == theirs


def test_a_frame_of_targets():
    for frame in (
        PlainFrame({"a": TARGETS[:, 0], "b": TARGETS[:, 1].astype(float)}),
        PlainFrame({"b": TARGETS[:, 0].tolist(), "a": [*map(Decimal, TARGETS[:, 1].tolist())]}),
    ):
        net = network(output="identity")
        assert after_fit(net, floats(), frame, validation_data=(floats(), frame)) == after_fit(
            network(output="identity"), floats(), TARGETS, validation_data=(floats(), TARGETS)
        )
        assert net.input_names is None
    nets = [cr.Network([4, 5, 1], output="identity", seed=1) for _ in range(2)]
    nets[0].fit(floats(), PlainFrame({"price": TARGETS[:, 0]}))
    nets[1].fit(floats(), TARGETS[:, 0])
    assert nets[0].parameters.tobytes() == nets[1].parameters.tobytes()


MISSING = {
    "NaN": lambda: pandas_series([np.nan, None] + [1] * 28, "float64"),
    "Int64": lambda: pandas_series([None, None] + [1] * 28, "Int64"),
    "boolean": lambda: pandas_series([None, None] + [True] * 28, "boolean"),
    "object": lambda: pandas_series([None, np.nan] + [1] * 28, "object"),
    "pyarrow": lambda: pandas_series([None, None] + [1] * 28, "int64[pyarrow]"),
    "polars.Int64": lambda: polars_series([None, None] + [1] * 28, "Int64"),
    "polars.Boolean": lambda: polars_series([None, None] + [True] * 28, "Boolean"),
    "polars.Float64": lambda: polars_series([None, np.nan] + [1] * 28, "Float64"),
}


@pytest.mark.parametrize("series", MISSING.values(), ids=MISSING)
def test_a_series_that_misses_values(series):
    net, given = network(), series()
    misses = ["misses 2 of 30 values: leave those samples out"]
    refuse(lambda: net.fit(floats(), given), ValueError, ["y", *misses], net)
    refuse(lambda: net.evaluate(floats(), given), ValueError, ["y", *misses], net)
    weighted = {"sample_weight": given}
    refuse(
        lambda: net.fit(floats(), LABELS, **weighted), ValueError, ["sample_weight", *misses], net
    )
    refuse(
        lambda: net.fit(floats(), LABELS, validation_data=(floats(), given)),
        ValueError,
        ["validation y", *misses],
        net,
    )


def test_a_frame_of_targets_that_misses_values():
    y = PlainFrame({"a": [1.0] * M, "b": [None] + [1] * 29})
    refuse(
        lambda: network().fit(floats(), y),
        ValueError,
        ["y", "row 0", "column 'b'", "misses 1 of 60"],
    )


def test_a_series_of_text_is_taken_as_its_array_is():
    net = network()
    net.fit(floats(), pandas_series(["a", "b"] * 15, "object"), epochs=1)
    assert net.classes.tolist() == ["a", "b"]
    y = pandas_series(["a", "b", "c"] * 10, "object")
    refuse(lambda: network().fit(floats(), y), ValueError, ["y holds 3 classes, 'a', 'b', 'c'"])


# ---------------------------------------------------------------- sparse matrices of any format

FORMATS = ["bsr", "coo", "csc", "dia", "dok", "lil"]


@pytest.mark.parametrize("kind", ["matrix", "array"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_sparse_matrix_of_any_format_is_its_csr(name, kind):
    dense = floats() * (np.random.default_rng(1).random((M, 4)) < 0.4)
    given = getattr(sparse, f"{name}_{kind}")(dense)
    rows = sparse.csr_array(dense)
    for asked in ("fit, validation", "fit, by batches", "fit, LBFGS", "evaluate", "a call",
                  "jacobian", "backprop", "trace", "diagnose", "range test"):  # fmt: skip
        ask = ASKED[asked]
        assert ask(network(), given, LABELS) == ask(network(), rows, LABELS), asked
    assert given.format == name


def test_what_stands_twice_in_coo_is_summed_up():
    rows, cols = [0, 0, 1, 0], [3, 1, 2, 3]
    given = sparse.coo_array(([1.0, 2.0, 3.0, 4.0], (rows, cols)), shape=(2, 4))
    assert network()(given).tobytes() == network()(given.tocsr()).tobytes()
    assert np.allclose(network()(given), network()(given.toarray()), atol=1e-6)


def test_a_sparse_matrix_that_does_not_fit():
    for given in (sparse.coo_array(floats()[:, :3]), sparse.csc_matrix(floats().T)):
        refuse(lambda: network()(given), ValueError, ["X must be (samples, 4)"])  # noqa: B023
    broken = sparse.coo_array(np.where(floats() > 90, np.inf, floats()))
    refuse(lambda: network()(broken), ValueError, ["X.data must be finite"])


# ---------------------------------------------------------------- without those packages


def test_nothing_of_them_is_imported():
    code = """
import sys
import chainrule
import numpy as np
class Frame:
    columns = ["a", "b"]
    def __getitem__(self, name):
        return [1, None] if name == "a" else ["x", "y"]
net = chainrule.Network([2, 1])
try:
    net.fit(Frame(), [0, 1])
except TypeError as error:
    print("holds text" in str(error))
print(not {"pandas", "polars", "pyarrow", "scipy"} & set(sys.modules))
"""
    assert python("-c", code).split() == ["True", "True"]
