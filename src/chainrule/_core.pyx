"""The door into compiled code: Python hands over arrays, C runs the epochs.

Arrays are checked before they come here (`chainrule.arrays`); nothing here checks shapes again. The equations are in
`_equations.pxd`, the elementwise kernels in `csrc/`.
"""

import os
from time import perf_counter

from cpython.bytes cimport PyBytes_AsString
from libc.math cimport isfinite
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.string cimport memcpy

from chainrule._equations cimport (
    Descent, Layer, Net, Rows, Tape, add_gradient, backward, descend, feedforward as forward,
)
from chainrule._kernels cimport (
    CR_ACTIVATION_COUNT, CR_ACTIVATION_any, CR_COST_COUNT, activate as activate_rows, activate_prime as prime_rows,
    agreements, cost_sum, cr_activation_names, cr_aligned_alloc, cr_aligned_free, cr_blas_name, cr_cost_names,
    cr_cost_outputs, cr_few_long_rows, cr_open_blas, cr_philox, cr_select_simd, cr_shuffle, exponential, finite, gather,
    gemm as gemm_rows,
    one_hot, real,
)

cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1

ACTIVATIONS = tuple(cr_activation_names[i].decode() for i in range(CR_ACTIVATION_COUNT))
COSTS = tuple(cr_cost_names[i].decode() for i in range(CR_COST_COUNT))
# the one output activation a cost is for, or None
COST_OUTPUTS = {cr_cost_names[i].decode(): None if cr_cost_outputs[i] == CR_ACTIVATION_any
                else cr_activation_names[cr_cost_outputs[i]].decode() for i in range(CR_COST_COUNT)}

# Rows that go forward and back together: 512, or fewer where the network is so large that a signal would wait for them.
# Neither the data nor the number of threads decides, so that results depend on neither.
cdef enum:
    MOST_ROWS = 512, FEWEST_ROWS = 8
cdef double WORK_OF_A_TILE = 1.2e11

# A signal (Ctrl-C) is looked for each time this much arithmetic is done: some 20 to 200 ms.
cdef double WORK_BETWEEN_SIGNALS = 4e9
cdef double WORK_OF_A_LAYER = 2e4  # what a step costs beyond its arithmetic, for each layer

cdef enum Outcome:
    FINISHED, INTERRUPTED, DIVERGED


cdef class Plan:
    """What is computed: the layers, their activations, the cost, and where each W^l and b^l stands in the flat vector."""

    cdef Net net
    cdef readonly tuple sizes
    cdef readonly Py_ssize_t n_parameters, tile
    cdef readonly double flops  # of a forward and a backward pass of one sample

    def __cinit__(self, sizes, activations, cost, bint bias):
        cdef Py_ssize_t i, offset = 0
        cdef Layer *layer
        self.sizes = tuple(sizes)
        self.net.depth = len(self.sizes) - 1
        self.net.cost = COSTS.index(cost)
        self.net.layers = <Layer *> cr_aligned_alloc(self.net.depth * sizeof(Layer))
        if not self.net.layers:
            raise MemoryError
        for i in range(self.net.depth):
            layer = &self.net.layers[i]
            layer.n_in, layer.n_out = self.sizes[i], self.sizes[i + 1]
            layer.activation = ACTIVATIONS.index(activations[i])
            layer.weights = offset
            offset += layer.n_in * layer.n_out
            layer.biases = offset if bias else -1
            offset += layer.n_out if bias else 0
            self.flops += 6.0 * layer.n_in * layer.n_out
        self.net.n_parameters = self.n_parameters = offset
        self.tile = MOST_ROWS
        while self.tile > FEWEST_ROWS and self.tile * self.flops > WORK_OF_A_TILE:
            self.tile //= 2
        self.net.tile = self.tile

    def __dealloc__(self):
        cr_aligned_free(self.net.layers)


cdef class Workspace:
    """The memory of one call: sized once, 64-byte aligned, freed when the call ends. Also keeps an exception that a
    signal handler raised during the call."""

    cdef char *block
    cdef size_t reserved
    cdef Tape tape
    cdef void *x      # the gathered inputs of a tile, (rows, n_1)
    cdef void *y      # its targets, (rows, n_L)
    cdef double done  # the work since a signal was looked for
    cdef object error

    def __cinit__(self, Plan plan, Py_ssize_t rows, size_t itemsize, size_t extra_bytes=0):
        cdef Py_ssize_t i, depth = plan.net.depth
        cdef size_t bytes = extra_bytes + 3 * (depth * sizeof(void *) + 64)
        bytes += self.padded(rows * plan.net.layers[0].n_in * itemsize)
        for i in range(depth):  # z, a and delta of each layer; the targets are as wide as the last
            bytes += 4 * self.padded(rows * plan.net.layers[i].n_out * itemsize)
        self.block = <char *> cr_aligned_alloc(bytes)
        if not self.block:
            raise MemoryError(f"could not allocate {bytes} bytes to work in, for {rows} rows at a time")
        self.tape.z = <void **> self.reserve(depth * sizeof(void *))
        self.tape.a = <void **> self.reserve(depth * sizeof(void *))
        self.tape.delta = <void **> self.reserve(depth * sizeof(void *))
        self.x = self.reserve(rows * plan.net.layers[0].n_in * itemsize)
        self.y = self.reserve(rows * plan.net.layers[depth - 1].n_out * itemsize)
        for i in range(depth):
            self.tape.a[i] = self.reserve(rows * plan.net.layers[i].n_out * itemsize)
            self.tape.delta[i] = self.reserve(rows * plan.net.layers[i].n_out * itemsize)
            # hidden activations overwrite z; the cost may need the z of the output
            self.tape.z[i] = self.tape.a[i]
        self.tape.z[depth - 1] = self.reserve(rows * plan.net.layers[depth - 1].n_out * itemsize)

    def __dealloc__(self):
        cr_aligned_free(self.block)

    cdef size_t padded(self, size_t bytes) noexcept nogil:
        return (bytes + 63) // 64 * 64

    cdef void *reserve(self, size_t bytes) noexcept nogil:
        cdef void *place = self.block + self.reserved
        self.reserved += self.padded(bytes)
        return place

    cdef bint pause(self, double work) noexcept nogil:
        """Count work as done; look for a signal from time to time. Whether a handler raised."""
        self.done += work
        if self.done < WORK_BETWEEN_SIGNALS:
            return False
        self.done = 0
        return self.interrupted()

    cdef bint interrupted(self) noexcept nogil:
        with gil:
            try:
                PyErr_CheckSignals()
            except BaseException as error:
                self.error = error
                return True
        return False

    cdef int reraise(self) except -1:
        if self.error is not None:
            raise self.error
        return 0


cdef struct Samples:       # a data set and the order in which its rows are visited (NULL: as they stand)
    const void *x          # (m, n_1)
    const void *y          # (m, n_L), or NULL where labels has (m,)
    const int32_t *labels
    const int32_t *order
    Py_ssize_t m


cdef inline Rows inputs(const Samples *samples, Py_ssize_t start, Py_ssize_t rows, Py_ssize_t width,
                        real *room) noexcept nogil:
    """The inputs of the rows from `start` on: where they stand if together, else gathered into `room`."""
    cdef Rows x
    x.coming = 0
    if not samples.order:
        x.a = <const real *> samples.x + start * width
        return x
    gather[real](room, <const real *> samples.x, samples.order + start, rows, width)
    x.a = room
    if cr_few_long_rows(rows, width):
        x.x, x.order = samples.x, samples.order + start + rows
        x.coming = min(rows, samples.m - start - rows)
    return x


cdef inline const real *targets(const Samples *samples, Py_ssize_t start, Py_ssize_t rows,
                                Py_ssize_t width, real *room) noexcept nogil:
    """Their targets; labels become one-hot here, a tile at a time."""
    if samples.labels:
        one_hot[real](room, samples.labels if samples.order else samples.labels + start,
                samples.order + start if samples.order else <const int32_t *> NULL, rows, width)
        return room
    if not samples.order:
        return <const real *> samples.y + start * width
    gather[real](room, <const real *> samples.y, samples.order + start, rows, width)
    return room


cdef Samples samples_of(const real[:, ::1] X, const real[:, ::1] Y, const int32_t[::1] labels,
                        const int32_t[::1] order):
    cdef Samples samples
    samples.x = &X[0, 0]
    samples.y = NULL if Y is None else &Y[0, 0]
    samples.labels = NULL if labels is None else &labels[0]
    samples.order = NULL if order is None else &order[0]
    samples.m = X.shape[0] if order is None else order.shape[0]
    return samples


cdef inline const real *forward_tile(const Net *net, const real *parameters, const Samples *samples, Py_ssize_t start,
                                     Py_ssize_t m, Workspace work, Rows *x, double *cost) noexcept nogil:
    """Feed the m rows from `start` on forward and add their costs to `cost`. x <- their inputs; returns their targets."""
    cdef Py_ssize_t last = net.depth - 1, n_out = net.layers[last].n_out
    cdef const real *y = targets[real](samples, start, m, n_out, <real *> work.y)
    x[0] = inputs[real](samples, start, m, net.layers[0].n_in, <real *> work.x)
    forward[real](net, parameters, x, m, &work.tape)
    cost[0] += cost_sum[real](net.cost, <const real *> work.tape.z[last], <const real *> work.tape.a[last], y, m, n_out)
    return y


cdef int step(real *parameters, real *velocity, real *nabla, const Net *net, const Samples *samples,
              Py_ssize_t start, Py_ssize_t rows, double sample_work, Workspace work, const Descent *descent,
              double *cost) noexcept nogil:
    """One mini-batch: forward, BP1-BP4, update. `cost` is the sum of its costs before the update."""
    cdef Py_ssize_t done = 0, m
    cdef bint fused = descent.momentum == 0 and rows <= net.tile
    cdef double carried  # 0 for the first tile, whose gradient replaces what nabla holds; 1 for others, which add theirs
    cdef Rows x
    cdef const real *y
    cost[0] = 0
    while done < rows:
        m = min(rows - done, net.tile)
        y = forward_tile[real](net, parameters, samples, start + done, m, work, &x, cost)
        if not isfinite(cost[0]):
            return DIVERGED
        if work.pause(m * sample_work / 3):
            return INTERRUPTED
        backward[real](net, parameters, y, m, &work.tape)
        if work.pause(m * sample_work / 3):
            return INTERRUPTED
        if fused:
            add_gradient[real](parameters, net, &x, m, &work.tape, -descent.learning_rate / m,
                               1 - descent.learning_rate * descent.l2, 1)
            return FINISHED
        carried = 0 if done == 0 else 1
        add_gradient[real](nabla, net, &x, m, &work.tape, 1.0 / rows, carried, carried)
        done += m
        if work.pause(m * sample_work / 3):
            return INTERRUPTED
    descend[real](parameters, velocity, nabla, net, descent)
    return FINISHED


cdef int epoch(real *parameters, real *velocity, real *nabla, const Net *net, const Samples *samples,
               Py_ssize_t batch_size, double sample_work, Workspace work, const Descent *descent,
               double *cost) noexcept nogil:
    """Every sample once, in mini-batches; the last may be short. `cost` is the mean of the costs as they were seen."""
    cdef Py_ssize_t start = 0, rows
    cdef double batch_cost
    cdef int outcome
    cost[0] = 0
    while start < samples.m:
        rows = min(batch_size, samples.m - start)
        outcome = step[real](parameters, velocity, nabla, net, samples, start, rows, sample_work, work, descent,
                             &batch_cost)
        if outcome != FINISHED:
            return outcome
        cost[0] += batch_cost
        start += rows
        if work.pause(WORK_OF_A_LAYER * net.depth):
            return INTERRUPTED
    cost[0] /= samples.m
    return FINISHED if finite[real](parameters, net.n_parameters) else DIVERGED


cdef Py_ssize_t first_diverged(const real *parameters, const Net *net, const Tape *tape, Py_ssize_t m) noexcept nogil:
    """The number l of the first layer whose parameters, or else activations, are not finite; L if only the cost is not."""
    cdef Py_ssize_t i
    cdef const Layer *layer
    for i in range(net.depth):
        layer = &net.layers[i]
        if not finite[real](parameters + layer.weights, layer.n_in * layer.n_out):
            return i + 2
        if layer.biases >= 0 and not finite[real](parameters + layer.biases, layer.n_out):
            return i + 2
    for i in range(net.depth):
        if not finite[real](<const real *> tape.z[i], m * net.layers[i].n_out):
            return i + 2
    return net.depth + 1


def train(Plan plan, real[::1] parameters, real[::1] velocity, const real[:, ::1] X, const real[:, ::1] Y,
          const int32_t[::1] labels, const int32_t[::1] order, Py_ssize_t batch_size, bint shuffle, uint64_t seed,
          double learning_rate, double momentum, bint nesterov, double l2, Py_ssize_t epochs,
          uint64_t[::1] clock, costs, seconds):
    """Train for so many epochs; each one finished adds 1 to clock[0], and its mean cost and its seconds to the arrays.

    An epoch that is interrupted or diverges leaves no trace: parameters and velocity are put back to where it began.
    No Python code runs between an epoch's end and its entries, so that they belong together wherever a signal comes.
    Returns 0, or the layer where the cost stopped being finite; raises what a signal handler raised.

    parameters, velocity (n_parameters,); velocity None where momentum is 0. X (m, n_1); Y (m, n_L), or labels (m,).
    order: the rows to visit, in every epoch alike; None: as they stand, or shuffled anew in each epoch as
    (seed, clock[0]) says.
    """
    cdef Net *net = &plan.net
    cdef Descent descent
    cdef Samples samples = samples_of[real](X, Y, labels, order)
    cdef Py_ssize_t n = plan.n_parameters, e = 0, layer = 0, tile
    cdef size_t parameter_bytes = n * sizeof(real)
    cdef real *p = &parameters[0]
    cdef real *v = NULL if velocity is None else &velocity[0]
    cdef int outcome = FINISHED
    descent.learning_rate, descent.momentum, descent.l2, descent.nesterov = learning_rate, momentum, l2, nesterov
    batch_size = min(batch_size, samples.m)
    tile = min(batch_size, plan.tile)
    cdef bint needs_gradient = momentum != 0 or batch_size > plan.tile
    cdef size_t extra = (needs_gradient + 2) * (parameter_bytes + 64)
    extra += samples.m * sizeof(int32_t) + epochs * sizeof(double) + 128
    cdef Workspace work = Workspace(plan, tile, sizeof(real), extra)
    cdef real *nabla = <real *> work.reserve(parameter_bytes) if needs_gradient else NULL
    cdef real *saved_p = <real *> work.reserve(parameter_bytes)
    cdef real *saved_v = <real *> work.reserve(parameter_bytes) if v else NULL
    cdef int32_t *shuffled = <int32_t *> work.reserve(samples.m * sizeof(int32_t)) if shuffle else NULL
    cdef double *cost = <double *> work.reserve(epochs * sizeof(double))
    if shuffle:
        samples.order = shuffled
    cdef double started = perf_counter(), took
    with nogil:
        while e < epochs and outcome == FINISHED:
            memcpy(saved_p, p, parameter_bytes)
            if v:
                memcpy(saved_v, v, parameter_bytes)
            if shuffle:
                cr_shuffle(shuffled, samples.m, seed, clock[0])
            outcome = epoch[real](p, v, nabla, net, &samples, batch_size, plan.flops, work, &descent, &cost[e])
            if outcome == FINISHED:
                e += 1
                clock[0] += 1
                continue
            if outcome == DIVERGED:
                layer = first_diverged[real](p, net, &work.tape, tile)
            memcpy(p, saved_p, parameter_bytes)
            if v:
                memcpy(v, saved_v, parameter_bytes)
    took = (perf_counter() - started) / e if e else 0
    costs.extend([cost[i] for i in range(e)])
    seconds.extend([took] * e)
    work.reraise()
    return layer


def gradient(Plan plan, const real[::1] parameters, const real[:, ::1] X, const real[:, ::1] Y,
             const int32_t[::1] labels, real[::1] nabla):
    """nabla (n_parameters,) <- the mean gradient over the m samples; returns their mean cost."""
    cdef Samples samples = samples_of[real](X, Y, labels, None)
    cdef Net *net = &plan.net
    cdef Workspace work = Workspace(plan, min(samples.m, plan.tile), sizeof(real))
    cdef Py_ssize_t start = 0, m
    cdef double cost = 0, carried = 0
    cdef const real *p = &parameters[0]
    cdef Rows x
    cdef const real *y
    with nogil:
        while start < samples.m and not work.pause(plan.tile * plan.flops):
            m = min(samples.m - start, plan.tile)
            y = forward_tile[real](net, p, &samples, start, m, work, &x, &cost)
            backward[real](net, p, y, m, &work.tape)
            add_gradient[real](&nabla[0], net, &x, m, &work.tape, 1.0 / samples.m, carried, carried)
            carried = 1
            start += m
    work.reraise()
    return cost / samples.m


def evaluate(Plan plan, const real[::1] parameters, const real[:, ::1] X, const real[:, ::1] Y,
             const int32_t[::1] labels):
    """The mean cost of the m samples, and how many of them have their largest output where their target is largest."""
    cdef Samples samples = samples_of[real](X, Y, labels, None)
    cdef Net *net = &plan.net
    cdef Workspace work = Workspace(plan, min(samples.m, plan.tile), sizeof(real))
    cdef Py_ssize_t start = 0, m, last = net.depth - 1
    cdef double cost = 0
    cdef size_t correct = 0
    cdef const real *p = &parameters[0]
    cdef Rows x
    cdef const real *y
    with nogil:
        while start < samples.m and not work.pause(plan.tile * plan.flops):
            m = min(samples.m - start, plan.tile)
            y = forward_tile[real](net, p, &samples, start, m, work, &x, &cost)
            correct += agreements[real](<const real *> work.tape.a[last], y, m, net.layers[last].n_out)
            start += m
    work.reraise()
    return cost / samples.m, correct


def feedforward(Plan plan, const real[::1] parameters, const real[:, ::1] X, real[:, ::1] out):
    """out (m, n_L) <- a^L of each row of X (m, n_1)."""
    cdef Py_ssize_t start = 0, m, n_out = out.shape[1], rows = X.shape[0]
    cdef Workspace work = Workspace(plan, min(rows, plan.tile), sizeof(real))
    cdef Rows x
    x.coming = 0
    with nogil:
        while start < rows and not work.pause(plan.tile * plan.flops):
            m = min(rows - start, plan.tile)
            x.a = &X[start, 0]
            work.tape.a[plan.net.depth - 1] = &out[start, 0]
            forward[real](&plan.net, &parameters[0], &x, m, &work.tape)
            start += m
    work.reraise()


def trace(Plan plan, const real[::1] parameters, const real[:, ::1] X, const real[:, ::1] Y,
          const int32_t[::1] labels, list z, list a, list delta):
    """z[i], a[i], delta[i] (m, n_l) <- what a forward and a backward pass leave at layer l = i + 2, for every sample."""
    cdef Samples samples = samples_of[real](X, Y, labels, None)
    cdef Net *net = &plan.net
    cdef Workspace work = Workspace(plan, min(samples.m, plan.tile), sizeof(real))
    cdef Py_ssize_t i, start = 0, m
    cdef const real *y
    cdef const real *p = &parameters[0]
    cdef real[:, ::1] view
    cdef Rows x
    while start < samples.m:
        m = min(samples.m - start, plan.tile)
        for i in range(net.depth):
            view = z[i]
            work.tape.z[i] = &view[start, 0]
            view = a[i]
            work.tape.a[i] = &view[start, 0]
            view = delta[i]
            work.tape.delta[i] = &view[start, 0]
        with nogil:
            x = inputs[real](&samples, start, m, net.layers[0].n_in, <real *> work.x)
            y = targets[real](&samples, start, m, net.layers[net.depth - 1].n_out, <real *> work.y)
            forward[real](net, p, &x, m, &work.tape)
            backward[real](net, p, y, m, &work.tape)
        start += m
        PyErr_CheckSignals()


def gemm(const real[:, ::1] A, const real[:, ::1] B, real[:, ::1] C, bint trans_a=False, bint trans_b=False,
         double alpha=1.0, double beta=0.0):
    """C (m, n) <- alpha op(A) op(B) + beta C, where op(A) is A (m, k) or the transpose of A (k, m), and so for B."""
    cdef Py_ssize_t m, k, n, inner
    m, k = (A.shape[1], A.shape[0]) if trans_a else (A.shape[0], A.shape[1])
    inner, n = (B.shape[1], B.shape[0]) if trans_b else (B.shape[0], B.shape[1])
    if k != inner or C.shape[0] != m or C.shape[1] != n:
        raise ValueError(f"op(A) is {m} x {k}, op(B) is {inner} x {n} and C is {C.shape[0]} x {C.shape[1]}: "
                         "the inner sizes must agree and C must take the outer ones")
    if m and n:
        gemm_rows[real](trans_a, trans_b, m, n, k, alpha, &A[0, 0], A.shape[1], &B[0, 0], B.shape[1],
                        beta, &C[0, 0], C.shape[1])


def activate(str name, const real[:, ::1] Z, real[:, ::1] A):
    """A <- σ(Z), both (m, n); softmax goes row by row."""
    activate_rows[real](ACTIVATIONS.index(name), &A[0, 0], &Z[0, 0], Z.shape[0], Z.shape[1])


def activation_prime(str name, const real[:, ::1] A, real[:, ::1] delta):
    """delta <- delta ⊙ σ'(Z), all (m, n), computed from A = σ(Z)."""
    prime_rows[real](ACTIVATIONS.index(name), &delta[0, 0], &A[0, 0], A.shape[0], A.shape[1])


def exp(const real[::1] x, real[::1] out):
    """out <- e^x."""
    exponential[real](&out[0], &x[0], x.shape[0])


def all_finite(const real[::1] x):
    """Whether x holds neither NaN nor infinity."""
    return finite[real](&x[0], x.shape[0]) if x.shape[0] else True


def shuffled(Py_ssize_t n, uint64_t seed, uint64_t stream, int32_t[::1] order):
    """order (n,) <- the order in which epoch number `stream` of a network with this seed visits n rows."""
    cr_shuffle(&order[0], n, seed, stream)


def swap_by(const double[::1] draws, int32_t[::1] order):
    """Shuffle order (n,) by draws (n - 1,) from [0, 1): for i = n-1 ... 1 swap i and int(draws[n-1-i] * (i + 1))."""
    cdef Py_ssize_t i, j, n = order.shape[0]
    for i in range(n - 1, 0, -1):
        j = <Py_ssize_t> (draws[n - 1 - i] * (i + 1))
        order[i], order[j] = order[j], order[i]


def philox(counter, key):
    """The four words of one block of Philox4x32-10."""
    cdef uint32_t c[4]
    cdef uint32_t k[2]
    cdef uint32_t out[4]
    c[0], c[1], c[2], c[3] = counter
    k[0], k[1] = key
    cr_philox(out, c, k)
    return out[0], out[1], out[2], out[3]


def blas_path():
    """The BLAS library inside the package, or None in a build that links another or has none."""
    folder = os.path.dirname(os.path.abspath(__file__))
    for name in sorted(os.listdir(folder)):
        if name.startswith("libchainrule_blas."):
            return os.path.join(folder, name)
    return None


def blas_name():
    """What `gemm` runs on."""
    return cr_blas_name().decode()


def simd_name():
    """The SIMD variant of the elementwise kernels in use."""
    return _simd


cdef str start(variant, blas):
    """Select the kernels and load the BLAS; the two settings are for tests and for comparing."""
    cdef const char *selected
    cdef const char *problem
    cdef bytes text
    if variant is None:
        selected = cr_select_simd(NULL)
    else:
        text = variant.encode()
        selected = cr_select_simd(PyBytes_AsString(text))
    if not selected:
        raise ImportError(f"CHAINRULE_SIMD={variant}: this processor or build has no such variant "
                          "(known: baseline, avx2, avx512)")
    if blas not in (None, "plain"):
        raise ImportError(f"CHAINRULE_BLAS={blas}: expected 'plain' or nothing")
    if blas != "plain":
        path = blas_path()
        text = os.fsencode(path or "")
        problem = cr_open_blas(PyBytes_AsString(text) if path else NULL)
        if problem:
            raise ImportError(f"could not load the BLAS library {path}: {problem.decode()}")
    return selected.decode()


_simd = start(os.environ.get("CHAINRULE_SIMD") or None, os.environ.get("CHAINRULE_BLAS") or None)
