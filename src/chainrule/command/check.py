"""The command ``chainrule check``: whether the core computes on this machine what it should.

Each check compares the compiled kernels with plain loops (`naive`), or a way of training with
another that has to come to the same bits; for float32 and float64, and for each instruction set
that this processor has. As the set is chosen when the core is loaded, the others have a process of
their own.
"""

import io
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule import optimizers
from chainrule.activations import ACTIVATIONS
from chainrule.checks.options import check_name
from chainrule.checks.threads import available_cores
from chainrule.command import naive
from chainrule.core import _core
from chainrule.costs import COSTS
from chainrule.network import Network
from chainrule.tables.loading import load
from chainrule.version import __version__

INSTRUCTION_SETS = (
    "baseline",
    "avx2",
    "avx512",
    "avx512bf16",
)  # each processor has those before its best
DTYPES = ("float32", "float64")


class Outcome(NamedTuple):
    """What a check compared, and how far apart it was, beside how far it may be."""

    compared: str
    error: float
    bound: float

    @property
    def passed(self) -> bool:
        """Whether it is within the bound; NaN is not."""
        return self.error <= self.bound

    def __str__(self):
        error = (
            "the same bits" if self.bound == 0 else f"error {self.error:.1e} <= {self.bound:.0e}"
        )
        return f"{self.compared}: {error if self.passed else self._failure}"

    @property
    def _failure(self):
        if self.bound == 0:
            return f"FAILED, {self.error:.0f} numbers have other bits"
        return f"FAILED, error {self.error:.1e}, above {self.bound:.0e}"


def largest_error(pairs: Iterable[tuple]) -> float:
    """Return the largest |got - expected|, over the largest |expected| of its pair; or NaN."""
    errors = []
    for got, expected in pairs:
        got, expected = np.asarray(got, float), np.asarray(expected, float)
        errors.append(np.max(abs(got - expected)) / np.max(abs(expected)))
    return float(np.max(errors))


def different_bits(one: NDArray, other: NDArray) -> int:
    """Return how many numbers of two arrays of a kind are not the same to the last bit."""
    kind = f"u{one.itemsize}"
    return int((one.view(kind) != other.view(kind)).sum())


def of_dtype(dtype: str, single: float, double: float) -> float:
    """Return the bound for float32, or for float64."""
    return single if dtype == "float32" else double


# ---------------------------------------------------------------- kernels


def products(dtype: str) -> Outcome:
    """Compare C = op(A) op(B), of shapes that fill no vector, small and large."""
    rng = np.random.default_rng(0)
    shapes = [(1, 1, 1), (1, 7, 13), (37, 1, 41), (13, 17, 31), (64, 48, 257), (257, 263, 259)]
    pairs = []
    for m, n, k in shapes:
        a, b = rng.normal(size=(m, k)).astype(dtype), rng.normal(size=(k, n)).astype(dtype)
        expected = naive.product(a.astype(float), b.astype(float))
        for trans_a, trans_b in ((False, False), (True, False), (False, True)):
            c = np.empty((m, n), dtype)
            op_a = np.ascontiguousarray(a.T) if trans_a else a
            op_b = np.ascontiguousarray(b.T) if trans_b else b
            _core.gemm(op_a, op_b, c, trans_a, trans_b)
            pairs.append((c, expected))
    compared = f"matrix products of {len(shapes)} shapes, plain and transposed, with loops"
    return Outcome(compared, largest_error(pairs), of_dtype(dtype, 1e-5, 1e-14))


def activations(dtype: str) -> Outcome:
    """Compare σ(z), and δ ⊙ σ'(z), at z from -9 to 9."""
    z = np.linspace(-9, 9, 303).reshape(3, 101).astype(dtype)
    pairs = []
    for name, kind in ACTIVATIONS.items():
        a, delta = np.empty_like(z), np.ones_like(z)
        _core.activate(kind().compiled, z, a)
        scale = np.maximum(1, abs(a))  # e^9 is large
        pairs.append((a / scale, naive.activated(name, z.astype(float)) / scale))
        if name not in naive.JUMPS | {"softmax"}:
            _core.activation_prime(kind().compiled, z, a, delta)
            smooth = abs(z) > 1e-4  # z = 0 is where some have a kink
            slopes = naive.slope(name, z.astype(float))
            pairs.append(((delta / scale)[smooth], (slopes / scale)[smooth]))
    compared = f"{len(ACTIVATIONS)} activations and their slopes with their formulas"
    return Outcome(compared, largest_error(pairs), of_dtype(dtype, 2e-6, 1e-8))


def costs(dtype: str) -> Outcome:
    """Compare the cost, and δ^L, of outputs drawn at random."""
    rng = np.random.default_rng(1)
    pairs: list[tuple[Any, Any]] = []
    for name in COSTS:
        output = _core.COST_OUTPUTS[name] or "identity"
        net = Network([4, 4], output=output, cost=name, dtype=dtype, seed=0)
        x = rng.normal(size=(11, 4)).astype(dtype)
        y = rng.integers(2, size=(11, 4 // COSTS[name]().outputs_per_target)).astype(dtype)
        plain = naive.NaiveNetwork(net)
        pairs.append((net.evaluate(x, y)["cost"], plain.cost(x.astype(float), y)))
        z = plain.forward(x.astype(float))[0][-1]
        pairs.append((net.trace(x, y).delta[-1], plain.output_delta(z, y.astype(float))))
    compared = f"{len(COSTS)} costs and their δ with their formulas"
    return Outcome(compared, largest_error(pairs), of_dtype(dtype, 2e-5, 1e-7))


# ---------------------------------------------------------------- passes


def networks(dtype: str) -> list[tuple[Network, NDArray, NDArray]]:
    """Return small networks with inputs and targets."""
    rng = np.random.default_rng(2)
    kinds: list[dict[str, Any]] = [
        {"hidden": ["tanh", "sigmoid"], "output": "identity"},
        {"hidden": ["gelu", "swish"], "output": "softmax", "cost": "log_likelihood"},
        {"hidden": ["softplus", "elu"], "output": "sigmoid", "cost": "cross_entropy"},
    ]
    made = []
    for kind in kinds:
        x = rng.normal(size=(9, 5)).astype(dtype)
        y = np.eye(3, dtype=dtype)[rng.integers(3, size=9)]
        made.append((Network([5, 7, 6, 3], **kind, dtype=dtype, seed=0), x, y))
    return made


def equations(dtype: str) -> Outcome:
    """Compare BP1 to BP4 of whole networks with loops, and with differences of the cost."""
    pairs = []
    for net, x, y in networks(dtype):
        plain, got = naive.NaiveNetwork(net), net.backprop(x, y).parameters
        x, y = x.astype(float), y.astype(float)
        pairs += [(got, plain.backprop(x, y)), (got, plain.differences(x, y))]
        pairs.append((net(x), plain.forward(x)[1][-1]))
    compared = f"outputs and BP1-BP4 of {len(pairs) // 3} networks with loops and differences"
    return Outcome(compared, largest_error(pairs), of_dtype(dtype, 2e-6, 1e-8))


def tiles(dtype: str) -> Outcome:
    """Compare the gradient over more samples than a tile holds with the mean of its parts."""
    net = Network([33, 29, 5], hidden="tanh", dtype=dtype, seed=0)
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(1300, 33)), rng.normal(size=(1300, 5))
    parts = [net.backprop(x[i : i + 13], y[i : i + 13]).parameters for i in range(0, 1300, 13)]
    error = largest_error([(net.backprop(x, y).parameters, np.mean(parts, axis=0, dtype=float))])
    return Outcome(
        "gradient of 1300 samples with 100 parts of it", error, of_dtype(dtype, 2e-6, 1e-14)
    )


def sparse(dtype: str) -> Outcome:
    """Compare training on inputs that are mostly 0 with that on the rows of what is not."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(320, 90)) * (rng.random((320, 90)) < 0.1)
    y = rng.normal(size=(320, 3))
    rows, columns = np.nonzero(x)
    begins = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=320))])
    csr: Any = SimpleNamespace(
        format="csr", shape=x.shape, data=x[rows, columns], indices=columns, indptr=begins
    )
    kinds: Any = {"hidden": "tanh", "output": "identity"}
    nets = [Network([90, 17, 3], **kinds, dtype=dtype, seed=0) for _ in range(2)]
    for net, inputs in zip(nets, (csr, x), strict=True):
        net.fit(inputs, y, optimizer=optimizers.Adam(), epochs=2, batch_size=64)
    pairs = [(nets[0].parameters, nets[1].parameters), (nets[0](csr), nets[1](x))]
    compared = "training on sparse inputs with the same inputs dense"
    return Outcome(compared, largest_error(pairs), of_dtype(dtype, 2e-5, 1e-12))


# ---------------------------------------------------------------- training


def steps(dtype: str) -> Outcome:
    """Compare five steps of each optimiser, one by one."""
    pairs = []
    for name, step in naive.STEPS.items():
        settings = {"momentum": 0.9, "nesterov": True} if name == "SGD" else {}
        rule = getattr(optimizers, name)(0.01, **settings)
        _, x, y = networks(dtype)[0]
        carried: dict[str, Any] = {}
        kinds: Any = {"hidden": "tanh", "output": "identity", "bias": False}  # biases do not decay
        net = Network([5, 7, 3], **kinds, dtype=dtype, seed=0)
        for t in range(1, 6):
            w, g = net.parameters.astype(float), net.backprop(x, y).parameters.astype(float)
            net.fit(x, y, optimizer=rule, epochs=1, batch_size=len(x), shuffle=False)
            pairs.append((net.parameters - w, step(carried, w, g, 0.01, t) - w))
    compared = f"5 steps of {len(naive.STEPS)} optimisers with NumPy"
    return Outcome(compared, largest_error(pairs), of_dtype(dtype, 1e-4, 1e-12))


def trained(dtype: str, threads: int = 1, epochs: int = 2, net: Network | None = None) -> Network:
    """Return a network of some size after some epochs, or some more of the one given."""
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(900, 61)), rng.integers(7, size=900)
    if net is None:
        kinds: Any = {"hidden": "relu", "output": "softmax", "cost": "log_likelihood"}
        net = Network([61, 83, 7], **kinds, dtype=dtype, seed=0)
    rule = optimizers.Adam(0.003)
    net.fit(x, y, optimizer=rule, epochs=epochs, batch_size=300, dropout=0.1, threads=threads)
    return net


def threads(dtype: str) -> Outcome:
    """Compare training by one thread with that by several."""
    counts = sorted({2, 3, available_cores()} - {1})
    alone = trained(dtype).parameters
    several = [trained(dtype, threads=count).parameters for count in counts]
    different = sum(different_bits(alone, each) for each in several)
    numbers = ", ".join(map(str, counts))
    return Outcome(f"training with 1 thread and with {numbers}", different, 0)


def files(dtype: str) -> Outcome:
    """Compare training that goes on from a file with one that never stopped."""
    with TemporaryDirectory() as folder:
        path = os.path.join(folder, "net.npz")
        trained(dtype).save(path)
        again = trained(dtype, net=load(path))
    different = different_bits(trained(dtype, epochs=4).parameters, again.parameters)
    return Outcome("training from a file on with training without a stop", different, 0)


CHECKS: tuple[Callable[[str], Outcome], ...] = (
    products, activations, costs, equations, tiles, sparse, steps, threads, files,
)  # fmt: skip


# ---------------------------------------------------------------- all of them


def check_here() -> int:
    """Do all checks in this process, print a line for each, and return how many failed."""
    failed = 0
    for dtype in DTYPES:
        for check in CHECKS:
            outcome = check(dtype)
            print(f"{_core.simd_name():8} {dtype}  {outcome}", flush=True)
            failed += not outcome.passed
    return failed


def run_checks(simd: str | None = None) -> int:
    """Do all checks for each instruction set, and say how they went; return the status.

    Parameters
    ----------
    simd : str, optional
        The instruction set to check alone; all that this processor has by default.

    Returns
    -------
    int
        0 if all checks passed, else 1.
    """
    _write_unicode()
    best, began = _core.simd_name(), time.perf_counter()
    sets = INSTRUCTION_SETS[: INSTRUCTION_SETS.index(best) + 1]
    if simd is not None:
        sets = (check_name("instruction set of this processor", simd, sets),)
    failed = [each for each in sets if not (_passes(each) if each != best else check_here() == 0)]
    number = len(sets) * len(DTYPES) * len(CHECKS)
    took = time.perf_counter() - began
    here = (
        f"chainrule {__version__}, {best}, {available_cores()} cores, BLAS {_core.blas_name()}, "
        f"NumPy {np.__version__}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}"
    )
    if not failed:
        print(f"all {number} checks passed in {took:.1f} s: {here}")
        return 0
    print(
        f"FAILED with {', '.join(failed)}: the core is not to be trusted on this machine. "
        f"Please report the lines above, with this one: {here}"
    )
    return 1


def _passes(name: str) -> bool:
    """Return whether all checks pass with this instruction set, in a process that is loaded so."""
    code = "import sys; from chainrule.command.check import check_here; sys.exit(check_here() > 0)"
    environment = os.environ | {"CHAINRULE_SIMD": name, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    if done.returncode not in (0, 1):
        print(f"{name:8} FAILED, its process ended with {done.returncode}")
    return done.returncode == 0


def _write_unicode():
    """Let stdout take a δ, whatever the terminal's encoding; what it has no letter for is a ?."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
