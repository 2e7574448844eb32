"""Networks with matching data, on which differences are near derivatives."""

import numpy as np

import chainrule
import oracle

# A relu has no derivative at 0, and rounding may put a z near 0 on the other side of it. Rows where
# a relu layer has |z| below KINK are not drawn; likewise for the kinks of the others and of costs.
KINK = 1e-3


def targets_for(cost, rng, rows, n_out, reach=(-np.inf, np.inf)):
    """Targets a cost is defined for: probabilities, one-hot rows, counts, or numbers in reach."""
    n, name = n_out // oracle.outputs_per_target(cost), oracle.name_of(cost)
    if name == "cross_entropy":
        return rng.random((rows, n))
    if name == "log_likelihood":
        return oracle.one_hot(rng.integers(n, size=rows), n)
    if name == "poisson":
        return rng.poisson(2.0, size=(rows, n))
    if name == "hinge":
        return rng.choice([-1, 1], size=(rows, n))
    y, (low, high) = rng.normal(size=(rows, n)), reach
    if np.isfinite(low) and np.isinf(high):
        return low + np.abs(y)  # not at the edge, where outputs of a relu are too
    return np.clip(y, low, high)


def rows_off_the_kink(twin, x):
    """True for the rows of x where no z of the network is within KINK of its activation's kink."""
    keep = np.full(len(x), True)
    for z, activation in zip(oracle.feedforward(twin, x)[0], twin.activations, strict=True):
        for kink in oracle.KINKS.get(oracle.name_of(activation), []):
            keep &= np.abs(z - kink).min(axis=1) > KINK
    return keep


def is_off_the_kink(twin, x, y):
    """Whether no output is within KINK of where the cost has a kink."""
    distance = oracle.KINK_DISTANCE.get(oracle.name_of(twin.cost))
    a = oracle.feedforward(twin, x)[1][-1]
    return distance is None or distance(a, y, *oracle.parameters_of(twin.cost)).min() > KINK


def draw_problem(sizes, rows, seed=0, *, cost="quadratic", dtype="float64", **options):
    """(net, X, Y) with random parameters, no z on a kink, and no layer's gradient all zero."""
    net = chainrule.Network(sizes, cost=cost, dtype=dtype, seed=seed, **options)
    for attempt in range(50):
        rng = np.random.default_rng([seed, attempt])
        for w in net.weights:
            w[...] = rng.normal(0, w.shape[1] ** -0.5, w.shape)
        for b in net.biases:
            b[...] = rng.normal(size=b.shape)
        twin = oracle.copy_of(net)
        x = rng.normal(size=(2 * rows + 50, sizes[0])).astype(dtype)
        x = np.ascontiguousarray(x[rows_off_the_kink(twin, x)][:rows])
        y = targets_for(cost, rng, rows, sizes[-1], net._output.reach).astype(dtype)
        alive = len(x) == rows and all(g.any() for g in oracle.backprop(twin, x, y)[0])
        alive = alive and is_off_the_kink(twin, x, y)
        if alive:  # a relu layer may be dead on every row
            return net, x, y
    raise AssertionError("no data found with a gradient in every layer")
