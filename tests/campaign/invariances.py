"""Numbers of any size, shape and layout: what must be the same is, and nothing fails in silence.

Hypothesis draws the cases from the seed, and where one is lost looks for the smallest such.
"""

import copy
import pickle
import tempfile
import warnings
from collections.abc import Callable, Iterator

import numpy as np
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

import chainrule as cr
from campaign import Effort

OPTIMIZERS = {
    "SGD": lambda rate: cr.SGD(rate),
    "momentum": lambda rate: cr.SGD(rate, momentum=0.9),
    "RMSprop": cr.RMSprop,
    "Adagrad": cr.Adagrad,
    "Adam": cr.Adam,
    "AdamW": cr.AdamW,
    "Adamax": cr.Adamax,
    "Rprop": lambda rate: cr.Rprop(min(rate, 50.0)),
}
SMOOTH = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "gelu", "swish")
DTYPES = ("float32", "float64")
INPUTS = (
    "float32",
    "float64",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "int64",
    "float16",
    ">f4",
    ">f8",
)

EPOCHS = 5  # from which on the doctor says what stands still

small = st.integers(0, 2**32 - 1)


def tried(
    effort: Effort, whole: int, fast: int, case: Callable[..., str], **drawn
) -> Iterator[str]:
    """Yield what came of cases with arguments from the strategies `drawn`."""
    outcomes = []

    @seed(effort.seed)
    @settings(
        max_examples=effort.cases(whole, fast),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(**drawn)
    def run(**arguments):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcomes.append(case(**arguments))

    run()
    yield from outcomes


# ------------------------------------------------------------------------------ cases


@st.composite
def networks(draw, **options):
    """A network of any shape, with a hidden activation each."""
    sizes = draw(st.lists(st.integers(1, 40), min_size=2, max_size=5))
    given = {
        "sizes": sizes,
        "hidden": draw(
            st.lists(st.sampled_from(SMOOTH), min_size=len(sizes) - 2, max_size=len(sizes) - 2)
        ),
        "output": draw(st.sampled_from(["identity", "sigmoid"])),
        "bias": draw(st.booleans()),
        "dtype": draw(st.sampled_from(DTYPES)),
        "seed": draw(st.integers(0, 1000)),
    }
    return cr.Network(**given | options)


def samples(net, seed, m, scale=1.0):
    """Return X (m, n_1) and Y (m, n_L), from 0 to 1 times the scale."""
    rng = np.random.default_rng(seed)
    X, Y = (rng.random((m, n)) for n in (net.sizes[0], net.sizes[-1]))
    return (X * scale).astype(net.dtype), Y.astype(net.dtype)


def laid_out(array, how):
    """Return the numbers of a matrix otherwise in memory."""
    m, n = array.shape
    match how:
        case "Fortran's order":
            return np.asfortranarray(array)
        case "every third row":
            wide = np.zeros((3 * m, n), array.dtype)
            wide[::3] = array
            return wide[::3]
        case "every other column":
            wide = np.zeros((m, 2 * n), array.dtype)
            wide[:, ::2] = array
            return wide[:, ::2]
        case "from back to front":
            return np.ascontiguousarray(array[::-1, ::-1])[::-1, ::-1]
        case "unaligned":
            room = np.zeros(array.nbytes + 1, np.uint8)[1:]
            room[:] = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)
            return np.frombuffer(room.data, array.dtype).reshape(m, n)
        case "read only":
            still = array.copy()
            still.flags.writeable = False
            return still
        case "a transposed view":
            return np.ascontiguousarray(array.T).T
        case "a part of more":
            wide = np.zeros((m + 2, n + 3), array.dtype)
            wide[1:-1, 2:-1] = array
            return wide[1:-1, 2:-1]
        case _:
            return array.tolist()


LAYOUTS = (
    "Fortran's order", "every third row", "every other column", "from back to front", "unaligned",
    "read only", "a transposed view", "a part of more", "lists",
)  # fmt: skip


def outcome_of(call):
    """Return the bytes of what a call returns, or what it says."""
    try:
        return call()
    except (ValueError, cr.DivergenceError) as error:
        return f"{type(error).__name__}: {error}"


def same(a, b):
    """Raise unless two outcomes are alike; say in a word what they are."""
    if a != b:
        raise AssertionError(f"{str(a)[:300]} is not {str(b)[:300]}")
    return "the same refusal" if isinstance(a, str) else "the same bits"


def all_of(net, X, Y, **options):
    """What a network says of samples, and what it learns of them."""
    nabla = net.backprop(X, Y)
    said = net(X).tobytes(), nabla.parameters.tobytes(), repr(net.evaluate(X, Y))
    one = net.copy()
    one.fit(X, Y, epochs=2, batch_size=5, **options)
    return *said, one.parameters.tobytes()


# ------------------------------------------------------------------------------ the same bits


def layouts(effort: Effort) -> Iterator[str]:
    def case(net, kind, m, exponent, how, of_targets, draw):
        X, Y = samples(net, draw, m)
        X = X.astype(float) * 2.0**exponent
        if np.dtype(kind).kind in "iu":
            X = np.clip(np.round(X), 0, np.iinfo(kind).max)
        plain = np.ascontiguousarray(X.astype(kind))
        other = (plain, laid_out(Y, how)) if of_targets else (laid_out(plain, how), Y)
        if how == "lists" and not of_targets:
            plain = np.array(other[0])
        options = {"optimizer": cr.Adam(1e-3), "threads": 1}
        return same(
            outcome_of(lambda: all_of(net, *other, **options)),
            outcome_of(lambda: all_of(net, plain, Y, **options)),
        )

    return tried(
        effort, 6000, 250, case,
        net=networks(), kind=st.sampled_from(INPUTS), m=st.integers(1, 40),
        exponent=st.integers(-160, 140), how=st.sampled_from(LAYOUTS), of_targets=st.booleans(),
        draw=small,
    )  # fmt: skip


def threads(effort: Effort) -> Iterator[str]:
    def case(net, m, batch_size, rule, draw):
        X, Y = samples(net, draw, m)
        both = []
        for count in (1, 2):
            one = net.copy()
            one.fit(
                X,
                Y,
                optimizer=OPTIMIZERS[rule](1e-3),
                epochs=2,
                batch_size=batch_size,
                threads=count,
            )
            said = one(X, threads=count), one.backprop(X, Y, threads=count).parameters
            both.append((one.parameters.tobytes(), *(each.tobytes() for each in said)))
        return same(*both)

    return tried(
        effort, 1500, 60, case,
        net=networks(), m=st.integers(1, 1500), batch_size=st.integers(1, 1500),
        rule=st.sampled_from(sorted(OPTIMIZERS)), draw=small,
    )  # fmt: skip


def copies(effort: Effort) -> Iterator[str]:
    def case(net, m, rule, way, draw):
        X, Y = samples(net, draw, m)
        net.fit(X, Y, optimizer=OPTIMIZERS[rule](1e-3), epochs=2, batch_size=7)
        match way:
            case "save":
                with tempfile.NamedTemporaryFile(suffix=".npz") as file:
                    net.save(file.name)
                    other = cr.load(file.name)
            case "pickle":
                other = pickle.loads(pickle.dumps(net))
            case "deepcopy":
                other = copy.deepcopy(net)
            case _:
                other = net.copy()
        both = []
        for one in (net, other):
            said = one(X).tobytes()
            one.fit(X, Y, epochs=2, batch_size=7)
            both.append((said, one.parameters.tobytes()))
        return same(*both)

    return tried(
        effort, 3000, 120, case,
        net=networks(), m=st.integers(1, 30), rule=st.sampled_from(sorted(OPTIMIZERS)),
        way=st.sampled_from(["save", "pickle", "deepcopy", "copy"]), draw=small,
    )  # fmt: skip


def divided(effort: Effort) -> Iterator[str]:
    """Two fits are one; trainer steps over the same rows are both."""

    def case(net, m, batch_size, rule, first, draw):
        X, Y = samples(net, draw, m)
        options = {"optimizer": OPTIMIZERS[rule](1e-3), "threads": 1}
        whole, parts, steps = net.copy(), net.copy(), net.copy()
        whole.fit(X, Y, epochs=4, batch_size=batch_size, shuffle=False, **options)
        for epochs in (first, 4 - first):
            parts.fit(X, Y, epochs=epochs, batch_size=batch_size, shuffle=False, **options)
        trainer = steps.trainer(**options)
        for _ in range(4):
            for start in range(0, m, batch_size):
                trainer.step(X[start : start + batch_size], Y[start : start + batch_size])
            trainer.end_epoch()
        same(whole.parameters.tobytes(), parts.parameters.tobytes())
        return same(whole.parameters.tobytes(), steps.parameters.tobytes())

    return tried(
        effort, 3000, 100, case,
        net=networks(), m=st.integers(1, 60), batch_size=st.integers(1, 60),
        rule=st.sampled_from(sorted(OPTIMIZERS)), first=st.integers(0, 4), draw=small,
    )  # fmt: skip


def common_factors(effort: Effort) -> Iterator[str]:
    """A power of two: of all sample weights, and of W^2 against W^3 around a relu."""

    def case(net, m, exponent, draw):
        X, Y = samples(net, draw, m)
        weights = np.random.default_rng(draw + 1).random(m) + 0.1
        both = []
        for factor in (1.0, 2.0**exponent):
            one = net.copy()
            one.fit(
                X,
                Y,
                optimizer=cr.Adam(1e-3),
                epochs=2,
                batch_size=7,
                sample_weight=weights * factor,
            )
            both.append(one.parameters.tobytes())
        same(*both)
        if len(net.sizes) == 2:
            return "the same bits"
        other = cr.Network(
            net.sizes, hidden="relu", output="identity", bias=net.bias, dtype=net.dtype, seed=1
        )
        before = other(X).tobytes()
        k = max(-20, min(20, exponent))
        other.weights[0][:] *= 2.0**k
        if other.bias:
            other.biases[0][:] *= 2.0**k
        other.weights[1][:] /= 2.0**k
        return same(other(X).tobytes(), before)

    return tried(
        effort, 3000, 120, case,
        net=networks(), m=st.integers(1, 30), exponent=st.integers(-900, 900), draw=small,
    )  # fmt: skip


# ------------------------------------------------------------------------------ within rounding


def close(a, b, net, terms):
    """Raise unless two results differ by roundings of so many terms of size 1 at most."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    bound = 8 * terms * np.finfo(net.dtype).eps
    size = max(1.0, float(np.abs(b).max(initial=0)))
    worst = float(np.abs(a - b).max(initial=0))
    if not worst <= bound * size:
        raise AssertionError(f"they differ by {worst:.3g}, more than {bound * size:.3g}")
    return "the same bits" if worst == 0 else "within rounding"


def largest_path(net):
    """Bound how the sizes of the terms of a sum grow from layer to layer."""
    grows = 1.0
    for W in net.weights:
        grows *= max(1.0, float(np.abs(W).sum(axis=1).max()))
    return grows * sum(net.sizes)


def rows_apart(effort: Effort) -> Iterator[str]:
    """Rows all at once, in two parts, one by one, in another order."""

    def case(net, m, cut, draw):
        X, _ = samples(net, draw, m)
        whole, terms = net(X), largest_path(net)
        cut, order = cut % m, np.random.default_rng(draw).permutation(m)
        parts = [net(part) for part in (X[:cut], X[cut:]) if len(part)]
        close(np.concatenate(parts), whole, net, terms)
        close(np.array([net(row) for row in X]), whole, net, terms)
        return close(net(X[order]), whole[order], net, terms)

    return tried(
        effort, 4000, 150, case, net=networks(), m=st.integers(1, 200), cut=small, draw=small
    )


def hidden_units(effort: Effort) -> Iterator[str]:
    """Hidden units in another order, with their weights."""

    def case(net, m, draw):
        X, Y = samples(net, draw, m)
        rng, other = np.random.default_rng(draw), net.copy()
        for i, n in enumerate(net.sizes[1:-1]):
            order = rng.permutation(n)
            other.weights[i][:] = other.weights[i][order].copy()
            if net.bias:
                other.biases[i][:] = other.biases[i][order].copy()
            other.weights[i + 1][:] = other.weights[i + 1][:, order].copy()
        close(other.backprop(X, Y).weights[-1].sum(), net.backprop(X, Y).weights[-1].sum(), net,
              100 * largest_path(net))  # fmt: skip
        return close(other(X), net(X), net, largest_path(net))

    return tried(effort, 4000, 150, case, net=networks(), m=st.integers(1, 50), draw=small)


def repeated_rows(effort: Effort) -> Iterator[str]:
    """Rows that stand twice against weights of 2; rows of a full batch in another order."""

    def case(net, m, draw):
        X, Y = samples(net, draw, m)
        rng, terms = np.random.default_rng(draw), 10 * m * largest_path(net)
        times = rng.integers(1, 4, m)
        want = net.backprop(np.repeat(X, times, axis=0), np.repeat(Y, times, axis=0))
        got = net.backprop(X, Y, sample_weight=times)
        close(got.parameters, want.parameters, net, terms)
        order, both = rng.permutation(m), []
        for rows in (np.arange(m), order):
            one = net.copy()
            one.fit(X[rows], Y[rows], optimizer=cr.SGD(0.1), epochs=1, batch_size=m, shuffle=False)
            both.append(one.parameters)
        return close(*both, net, terms)

    return tried(effort, 3000, 120, case, net=networks(), m=st.integers(1, 60), draw=small)


# ------------------------------------------------------------------------------ never in silence


def no_silence(effort: Effort) -> Iterator[str]:
    """Inputs, targets and rates of any size: it moves and stays finite, or somebody says so."""

    def case(dtype, hidden, rule, of_x, of_y, rate, batch_size, draw):
        net = cr.Network([3, 4, 1], hidden=hidden, output="identity", dtype=dtype, seed=draw % 100)
        rng, before = np.random.default_rng(draw), net.parameters.copy()
        X, y = rng.normal(size=(12, 3)) * 10.0**of_x, rng.normal(size=(12, 1)) * 10.0**of_y
        try:
            net.fit(
                X, y, optimizer=OPTIMIZERS[rule](10.0**rate), epochs=EPOCHS, batch_size=batch_size
            )
        except cr.DivergenceError as error:
            if not np.isfinite(net.parameters).all():
                raise AssertionError("not finite after DivergenceError") from error
            return "DivergenceError"
        except ValueError as error:
            if not np.array_equal(net.parameters, before):
                raise AssertionError("changed by what was refused") from error
            return "refused"
        states = [net.parameters, *net.optimizer_state.values(), np.array(net.history.cost)]
        if not all(np.isfinite(each).all() for each in states):
            raise AssertionError("not finite, without a word")
        with tempfile.NamedTemporaryFile(suffix=".npz") as file:
            net.save(file.name)
        if not np.array_equal(net.parameters, before):
            return "trained, and can be saved"
        try:
            findings = cr.diagnose(net, X, y)
        except ValueError:
            return "stands still, and the doctor says why it cannot look"
        if not findings:
            raise AssertionError("stands still without a word")
        return "stands still, and the doctor says why"

    return tried(
        effort, 12_000, 400, case,
        dtype=st.sampled_from(DTYPES), hidden=st.sampled_from(SMOOTH),
        rule=st.sampled_from(sorted(OPTIMIZERS)), of_x=st.integers(-45, 40),
        of_y=st.integers(-45, 40), rate=st.integers(-30, 15),
        batch_size=st.sampled_from([1, 5, 12]), draw=small,
    )  # fmt: skip


ROWS = {
    "samples in any layout, of any type and size, against a plain copy": layouts,
    "two threads against one": threads,
    "saved, pickled, copied, and trained on": copies,
    "two fits, or single steps, against one fit": divided,
    "a power of two in all weights, or between two layers": common_factors,
    "rows in parts, one by one, in another order": rows_apart,
    "hidden units in another order": hidden_units,
    "rows that repeat against weights; a full batch in another order": repeated_rows,
    "inputs, targets and rates of any size": no_silence,
}
