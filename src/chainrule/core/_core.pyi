"""Types of the compiled core; its functions are documented in `_core.pyx`."""

from array import array
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Real: TypeAlias = NDArray[Any]  # float32 or float64, the same for all arrays of a call
Inputs: TypeAlias = Any  # (m, n_1) of one of INPUTS: an array, a SparseRows, or a RowsOf one
Labels: TypeAlias = NDArray[np.int32]
Activation: TypeAlias = tuple[Any, float]  # name or object, parameter (any where it has none)
Cost: TypeAlias = tuple[Any, Sequence[float]]  # name or object, parameters

ACTIVATIONS: tuple[str, ...]
COSTS: tuple[str, ...]
COST_OUTPUTS: dict[str, str | None]
COST_LOWS: dict[str, int]
OPTIMIZERS: tuple[str, ...]
INPUTS: tuple[str, ...]
GIVEN: tuple[str, ...]

class Plan:
    sizes: tuple[int, ...]
    n_parameters: int
    tile: int
    flops: float
    scales_inputs: bool
    shifts_inputs: bool
    bfloat16: bool
    calls_python: bool
    user_activations: list[Any]  # of each layer, the object or None
    user_cost: Any  # likewise
    def __init__(
        self,
        sizes: Sequence[int],
        activations: Sequence[Activation],
        cost: Cost,
        bias: bool,
        scaling: NDArray[np.float64] | None = None,
        output_scaling: NDArray[np.float64] | None = None,
        trainable_scale: bool = False,
        bfloat16: bool = False,
        stripe: int = 1,
    ) -> None: ...

class Recipe:
    keep_average: float
    def __init__(
        self,
        optimizer: str,
        *,
        beta1: float = 0,
        beta2: float = 0,
        epsilon: float = 0,
        epsilon_hat: bool = False,
        decay: float = 0,
        nesterov: bool = False,
        least: float = 0,
        most: float = 0,
        l1: float = 0,
        l2: float = 0,
        l2_of_batch: float = 0,
        clip_value: float = 0,
        clip_norm: float = 0,
        max_norm: float = 0,
        average: float = 0,
        dropout: NDArray[np.float64] | None = None,
        factors: NDArray[np.float64] | None = None,
        epsilons: NDArray[np.float64] | None = None,
    ) -> None: ...

class Stream:
    def __init__(self, following: Callable[[], tuple | None]) -> None: ...

class Data:
    def __init__(
        self,
        X: Inputs | None = None,
        Y: Real | None = None,
        labels: Labels | None = None,
        weights: Real | None = None,
        output_weights: Real | None = None,
        order: Labels | None = None,
        *,
        batch_size: int,
        drop_last: bool = False,
        shuffle: bool = False,
        seed: int = 0,
        draw: Callable[[], Labels] | None = None,
        stream: Stream | None = None,
        exponent: int = 0,
        in_blocks: bool = False,
    ) -> None: ...

class TrainingState:
    overflown: bool
    def __init__(
        self,
        s: Real | None,
        t: Real | None,
        average: Real | None,
        steps: NDArray[np.uint64],
        epochs: NDArray[np.float64],
        clock: NDArray[np.uint64],
    ) -> None: ...

class Log:
    def __init__(
        self,
        finished: NDArray[np.uint64],
        costs: array[float],
        learning_rates: array[float],
        seconds: array[float],
        delta_norms: array[float] | None = None,
        saturation: array[float] | None = None,
        gradient_norms: array[float] | None = None,
        objectives: array[float] | None = None,
        penalties: array[float] | None = None,
    ) -> None: ...

class Turn:
    def __init__(self) -> None: ...
    def call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any: ...
    def begin(self) -> None: ...
    def go_on(self) -> None: ...
    def end(self) -> None: ...
    def check_free(self, instead: str, but_for_callbacks: bool = False) -> None: ...

class Hooks:
    kept_batches: bool
    def __init__(
        self,
        begin: Callable[[int], object] | None,
        end: Callable[[int, float], object] | None,
    ) -> None: ...

class Blocks:
    layer: int
    overflown: bool
    def __init__(
        self,
        plan: Plan,
        parameters: Real,
        recipe: Recipe,
        state: TrainingState,
        data: Data,
        log: Log,
        epochs: int,
        threads: int = 1,
        cores: int = 0,
    ) -> None: ...
    def take(self, samples: tuple[Any, ...], exponent: int) -> None: ...
    def begin_epoch(self) -> None: ...
    def block_gradient(
        self, nabla: Real, start: int, rows: int, place: int, seed: int, counted: float
    ) -> float: ...
    def follow(self, nabla: Real, rate: float, counted: float, first: int, end: int) -> None: ...
    def end_epoch(self, cost: float, rate: float, seconds: float) -> int: ...
    def put_back(self) -> None: ...

class NumberCode:
    def __init__(
        self,
        median: NDArray[np.float64],
        scale: NDArray[np.float64],
        edges: NDArray[np.float64],
        start: NDArray[np.int64],
        marked: NDArray[np.int64],
        first: NDArray[np.int64],
        bend: float,
        far: float,
    ) -> None: ...
    def encode(
        self, x: NDArray[np.float64], out: NDArray[np.float32]
    ) -> tuple[int, int] | None: ...

class Stepper:
    steps_done: int
    samples_done: int
    layer: int
    epoch_is_over: bool
    def __init__(
        self,
        plan: Plan,
        parameters: Real,
        recipe: Recipe,
        carried: dict[str, NDArray],
        state: TrainingState,
        seed: int,
        *,
        limit: float,
        low: float,
        high: float,
        takes_labels: bool,
        chooses: bool,
        threads: int = 1,
        cores: int = 0,
    ) -> None: ...
    def begin_epoch(
        self,
        rates: NDArray[np.float64],
        steps: int,
        steps_done: int = 0,
        samples_done: int = 0,
    ) -> None: ...
    def end_epoch(self) -> None: ...
    def owns(self, state: object) -> bool: ...
    def step(
        self,
        X: object,
        Y: object,
        given: int = 0,
        actions: object = None,
        sample_weight: object = None,
    ) -> Any: ...
    def step_by(
        self, samples: tuple[Any, ...], given: int = 0, exponent: int = 0
    ) -> float | None: ...
    def apply(self, nabla: Real) -> int: ...

def restore(
    pairs: list[tuple[NDArray, NDArray]],
    state: dict[str, NDArray] | None = None,
    before: dict[str, NDArray] | None = None,
) -> None: ...
def train(
    plan: Plan,
    parameters: Real,
    recipe: Recipe,
    state: TrainingState,
    data: Data,
    log: Log,
    rates: NDArray[np.float64],
    epochs: int = 1,
    hooks: Hooks | None = None,
    threads: int = 1,
    cores: int = 0,
) -> int: ...
def gradient(
    plan: Plan,
    parameters: Real,
    X: Inputs,
    Y: Real | None,
    labels: Labels | None,
    nabla: Real,
    weights: Real | None = None,
    output_weights: Real | None = None,
    threads: int = 1,
    cores: int = 0,
    given: int = 0,
    by_inputs: Real | None = None,
) -> float: ...
def total_penalty(plan: Plan, parameters: Real, l1: float, l2: float) -> float: ...
def evaluate(
    plan: Plan,
    parameters: Real,
    X: Inputs,
    Y: Real | None,
    labels: Labels | None,
    weights: Real | None = None,
    output_weights: Real | None = None,
    threads: int = 1,
    cores: int = 0,
) -> tuple[float, float, float]: ...
def feedforward(
    plan: Plan, parameters: Real, X: Inputs, out: Real, threads: int = 1, cores: int = 0
) -> None: ...
def feedforward_one(
    plan: Plan | None, parameters: Real, x: object, out: object | None
) -> NDArray | None: ...
def mean_of_one(
    nets: tuple[Any, ...], shares: NDArray[np.float64], x: object, in_float32: bool
) -> NDArray | None: ...
def jacobian_one(plan: Plan | None, parameters: Real, x: object) -> NDArray | None: ...
def first_activations(plan: Plan, X: Inputs, out: Real) -> None: ...
def trace(
    plan: Plan,
    parameters: Real,
    X: Inputs,
    Y: Real | None,
    labels: Labels | None,
    z: list[Real],
    a: list[Real],
    delta: list[Real],
) -> None: ...
def sample_gradients(
    plan: Plan, parameters: Real, X: Inputs, Y: Real | None, labels: Labels | None, nabla: Real
) -> None: ...
def jacobian(plan: Plan, parameters: Real, A: Real, out: Real) -> None: ...
def sensitivity(
    plan: Plan, parameters: Real, x: Real, by_parameter: Real, by_input: Real
) -> None: ...
def parameter_jacobian(plan: Plan, parameters: Real, X: Real, out: Real) -> None: ...
def numerical_gradient(
    plan: Plan,
    parameters: NDArray[np.float64],
    X: Inputs,
    Y: NDArray[np.float64] | None,
    labels: Labels | None,
    indices: NDArray[np.int64],
    step: float,
    central: bool,
    nabla: NDArray[np.float64],
) -> tuple[float, int]: ...
def accept(
    parameters: Real,
    w: Real,
    clock: NDArray[np.uint64],
    state: dict[str, Real],
    carried: dict[str, Real],
    log: Log,
    cost: float,
    seconds: float,
) -> None: ...
def diverged_layer(
    plan: Plan,
    parameters: Real,
    X: Inputs,
    Y: Real | None,
    labels: Labels | None,
    weights: Real | None = None,
    output_weights: Real | None = None,
) -> int: ...
def add_gram(J: NDArray[np.float64], A: NDArray[np.float64], alpha: float) -> None: ...
def solve_positive_definite(A: NDArray[np.float64], x: NDArray[np.float64]) -> bool: ...
def is_ready(x: object, dtype: object, limit: float) -> bool: ...
def labels_of(y: object, n: int) -> Labels | None: ...
def read_order(given: object, out: Labels, seen: NDArray[np.uint8]) -> bool: ...
def rows_of_one(Y: Real, low: float) -> int: ...
def gemm(
    A: Real,
    B: Real,
    C: Real,
    trans_a: bool = False,
    trans_b: bool = False,
    alpha: float = 1.0,
    beta: float = 0.0,
) -> None: ...
def activate(activation: Activation, Z: Real, A: Real) -> None: ...
def activation_prime(activation: Activation, Z: Real, A: Real, delta: Real) -> None: ...
def bp1(activation: Activation, cost: Cost, Z: Real, A: Real, Y: Real, delta: Real) -> None: ...
def bp2(
    activation: Activation, W: Real, delta_following: Real, Z: Real, A: Real, delta: Real
) -> None: ...
def bp3(delta: Real, nabla_b: Real) -> None: ...
def bp4(delta: Real, A: Real, nabla_w: Real) -> None: ...
def multiply(x: Real, y: Real) -> None: ...
def add_scaled(total: NDArray[np.float64], x: Real, scale: float) -> None: ...
def blend(x: Real, y: Real, tau: float) -> None: ...
def encode_categories(
    places: Labels, start: NDArray[np.int64], signed: NDArray[np.int64], out: NDArray[np.float32]
) -> None: ...
def all_finite(x: Real) -> bool: ...
def all_below(x: Real, limit: float) -> bool: ...
def shuffled(n: int, seed: int, stream: int, order: Labels) -> None: ...
def has_sorted_rows(columns: Labels, begins: NDArray[np.int64]) -> bool: ...
def swap_by(draws: NDArray[np.float64], order: Labels) -> None: ...
def philox(counter: Sequence[int], key: Sequence[int]) -> tuple[int, int, int, int]: ...
def blas_path() -> str | None: ...
def blas_name() -> str: ...
def simd_name() -> str: ...
