"""Those who are timed: for each a function that gets ready and returns one epoch to call.

Every function takes (case, data, threads) and returns (epoch, steps, facts): `epoch()` trains once
through the data, `steps` is the number of training steps in it, `facts` say what exactly ran. A
library that is not there raises ImportError, a case that cannot be had from it UnavailableError.
Each imports its library itself: a process that times one of them holds no other. JAX and
scikit-learn take their number of threads from the process: its cores, its environment. What they
are held against without a library is in bare.py.
"""

import warnings
from importlib.metadata import version
from itertools import pairwise

import numpy as np

from parts.bare import blas_epoch, pass_epoch

EPOCHS_PER_FIT = 10


def chainrule_epoch(case, data, threads):
    """`fit` from the data as they are: one array, or, where most of it is 0, SciPy's CSR."""
    X, *targets = data
    if case.sparse:
        from scipy.sparse import csr_matrix

        X = csr_matrix(X)
    return fit_epoch(case, X, *targets, threads)


def dense_epoch(case, data, threads):
    """`fit` from one array, whatever is 0 in it."""
    return fit_epoch(case, *data, threads)


def bfloat16_epoch(case, data, threads):
    """`fit` from one array, with the factors of products rounded to bfloat16."""
    return fit_epoch(case, *data, threads, precision="bfloat16")


def fit_epoch(case, X, Y, labels, threads, **options_of_network):
    """All that `fit` does is in the time: checks of the data, shuffle, gather, history.

    A call of `fit` trains several epochs, as users' calls do: it checks the data once.
    """
    from chainrule.core import _core
    from parts.ours import fit_options, network, targets

    net = network(case, dtype=X.dtype, **options_of_network)
    y = targets(case, Y, labels)
    options = fit_options(case) | {"threads": threads}
    options["epochs"] = case.steps if case.full_batch else EPOCHS_PER_FIT
    steps = case.steps if case.full_batch else case.steps * EPOCHS_PER_FIT
    facts = {"version": version("chainrule")}
    facts |= {"BLAS": _core.blas_name(), "own kernels": _core.simd_name()}
    return lambda: net.fit(X, y, **options), steps, facts


def sklearn_epoch(case, data, threads):
    """`partial_fit` is one shuffled epoch without the stopping rules of `fit`."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from threadpoolctl import threadpool_info

    warnings.filterwarnings("ignore")
    X, Y, labels = data
    options = {
        "hidden_layer_sizes": case.sizes[1:-1],
        "activation": "logistic" if case.hidden == "sigmoid" else case.hidden,
        "solver": case.optimizer,
        "batch_size": case.batch,
        "learning_rate_init": case.learning_rate,
        "alpha": 0,
        "momentum": 0,
        "nesterovs_momentum": False,
    }
    if case.output == "softmax":
        model, classes = MLPClassifier(**options), np.arange(case.sizes[-1])

        def epoch():
            model.partial_fit(X, labels, classes=classes)
    else:  # identity output: the nearest it has to sigmoid with the quadratic cost
        model, target = MLPRegressor(**options), Y if Y.shape[1] > 1 else Y[:, 0]

        def epoch():
            model.partial_fit(X, target)

    kernels = {pool["architecture"] for pool in threadpool_info() if "architecture" in pool}
    facts = {"version": version("scikit-learn"), "BLAS kernels": " + ".join(sorted(kernels))}
    return epoch, case.samples // case.batch, facts


def torch_bfloat16_epoch(case, data, threads):
    """The same under `autocast`: products of bfloat16, parameters and optimiser in float32."""
    return torch_epoch(case, data, threads, bfloat16=True)


def torch_epoch(case, data, threads, *, bfloat16=False):
    """Eager mode, whole data as one tensor, indexed by a permutation: its quickest plain loop."""
    import torch

    torch.set_num_threads(threads)
    X, Y, labels = data
    dtype = torch.float32 if X.dtype == np.float32 else torch.float64
    nonlinear = {"sigmoid": torch.nn.Sigmoid, "tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}
    layers = []
    for n_in, n_out in pairwise(case.sizes):
        layers += [torch.nn.Linear(n_in, n_out, dtype=dtype), nonlinear[case.hidden]()]
    layers.pop()
    if case.output == "sigmoid":
        layers.append(torch.nn.Sigmoid())
    net = torch.nn.Sequential(*layers)
    kind = torch.optim.SGD if case.optimizer == "sgd" else torch.optim.Adam
    optimizer = kind(net.parameters(), case.learning_rate)
    x_all = torch.from_numpy(X)
    if case.output == "softmax":
        y_all, cost = torch.from_numpy(labels), torch.nn.functional.cross_entropy
    else:
        y_all = torch.from_numpy(Y)

        def cost(a, y):
            return 0.5 * ((a - y) ** 2).sum(1).mean()

    def cost_of(x, y):
        return cost(net(x), y)

    def rounded_cost_of(x, y):
        with torch.autocast("cpu", torch.bfloat16):
            return cost(net(x), y)

    forward = rounded_cost_of if bfloat16 else cost_of

    def step(x, y):
        optimizer.zero_grad(set_to_none=True)
        forward(x, y).backward()
        optimizer.step()

    def epoch():
        if case.full_batch:
            for _ in range(case.steps):
                step(x_all, y_all)
            return
        order = torch.randperm(case.samples)
        for start in range(0, case.steps * case.batch, case.batch):
            rows = order[start : start + case.batch]
            step(x_all[rows], y_all[rows])

    capability = torch.backends.cpu.get_cpu_capability()
    return epoch, case.steps, {"version": version("torch"), "own kernels": capability}


def jax_epoch(case, data, threads):
    """The whole epoch, permutation and gather included, as one compiled `scan`."""
    import jax
    import jax.numpy as jnp
    import optax

    X, Y, labels = data
    if X.dtype == np.float64:
        jax.config.update("jax_enable_x64", True)
    activation = {"sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh, "relu": jax.nn.relu}[case.hidden]
    rng = np.random.default_rng(1)
    params = []
    for n_in, n_out in pairwise(case.sizes):
        weights = rng.standard_normal((n_in, n_out)) / np.sqrt(n_in)
        params.append((jnp.asarray(weights.astype(X.dtype)), jnp.zeros(n_out, X.dtype)))
    kind = optax.sgd if case.optimizer == "sgd" else optax.adam
    optimizer = kind(case.learning_rate)
    softmax = case.output == "softmax"
    x_all, y_all = jnp.asarray(X), jnp.asarray(labels if softmax else Y)

    def loss(params, a, y):
        for w, b in params[:-1]:
            a = activation(a @ w + b)
        w, b = params[-1]
        z = a @ w + b
        if softmax:
            return optax.softmax_cross_entropy_with_integer_labels(z, y).mean()
        a = jax.nn.sigmoid(z) if case.output == "sigmoid" else z
        return 0.5 * ((a - y) ** 2).sum(1).mean()

    def step(carry, x, y):
        params, state = carry
        updates, state = optimizer.update(jax.grad(loss)(params, x, y), state, params)
        return (optax.apply_updates(params, updates), state), None

    @jax.jit
    def run(params, state, key):
        start = (params, state)
        if case.full_batch:
            return jax.lax.scan(lambda c, _: step(c, x_all, y_all), start, None, case.steps)[0]
        order = jax.random.permutation(key, case.samples)[: case.steps * case.batch]
        batches = order.reshape(case.steps, case.batch)
        return jax.lax.scan(lambda c, rows: step(c, x_all[rows], y_all[rows]), start, batches)[0]

    held = {"carry": (params, optimizer.init(params)), "key": jax.random.PRNGKey(0)}

    def epoch():
        held["key"], key = jax.random.split(held["key"])
        held["carry"] = jax.block_until_ready(run(*held["carry"], key))

    return epoch, case.steps, {"version": version("jax"), "optax": version("optax")}


OURS, BLAS, PASS, DENSE = "chainrule", "blas", "pass", "dense"
BFLOAT16, TORCH_BFLOAT16 = "bfloat16", "torch-bfloat16"
PEERS = {"sklearn": "scikit-learn", "torch": "PyTorch", "jax": "JAX"}
EPOCHS = {
    OURS: chainrule_epoch,
    DENSE: dense_epoch,
    BLAS: blas_epoch,
    PASS: pass_epoch,
    "sklearn": sklearn_epoch,
    "torch": torch_epoch,
    "jax": jax_epoch,
    BFLOAT16: bfloat16_epoch,
    TORCH_BFLOAT16: torch_bfloat16_epoch,
}
