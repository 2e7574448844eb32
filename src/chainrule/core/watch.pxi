# How the layers learn: what fit(record="layers") sees on the way.

# Of each epoch's rows one in eight is looked at, whole tiles if they are small: it costs little, and is enough.
cdef enum:
    ONE_IN = 8, ROWS_AT_ONCE = 32

cdef double SATURATED = 0.05  # a unit is saturated where |σ'| is below this share of its largest value, or of 1

cdef struct Watch:
    bint layers, gradient       # what is watched: ‖δ^l‖ and saturation; ‖∂C/∂p‖
    Py_ssize_t steps
    double gradient_norm        # the sum over the steps of the norm of the whole gradient
    Py_ssize_t seen, looked_at  # rows of this epoch
    double weight               # of those looked at
    void *delta                 # the sums of δ^l over those looked at, one layer after another, (n_2 + ... + n_L,)
    void *slopes                # σ' of a layer, (rows, widest)
    Py_ssize_t *saturated       # how often a unit was saturated, by layer


cdef Py_ssize_t n_units(const Net *net) noexcept nogil:
    """n_2 + ... + n_L."""
    cdef Py_ssize_t i, total = 0
    for i in range(net.depth):
        total += net.layers[i].n_out
    return total


cdef void reset(Watch *watch, const Net *net, const real *any_real) noexcept nogil:
    watch.steps, watch.gradient_norm = 0, 0
    if not watch.layers:
        return
    watch.seen = watch.looked_at = 0
    watch.weight = 0
    memset(watch.delta, 0, n_units(net) * sizeof(real))
    memset(watch.saturated, 0, net.depth * sizeof(Py_ssize_t))


cdef void look(Watch *watch, const Net *net, const Tape *tape, const Samples *samples, Py_ssize_t start, Py_ssize_t m,
               const real *any_real) noexcept nogil:
    """Take in the first of the m rows from `start` on that went forward and back, if it is their turn."""
    cdef Py_ssize_t rows, i, j, n, count
    cdef const Layer *layer
    cdef real *delta = <real *> watch.delta
    cdef real *slopes = <real *> watch.slopes
    cdef real limit
    watch.seen += m
    rows = min(m, watch.seen // ONE_IN + min(m, <Py_ssize_t> ROWS_AT_ONCE) - watch.looked_at)
    if rows < min(m, <Py_ssize_t> ROWS_AT_ONCE):
        return
    watch.looked_at += rows
    watch.weight += total_weight[real](samples, start, rows, any_real)
    for i in range(net.depth):
        layer = &net.layers[i]
        sum_rows[real](delta, <const real *> tape.delta[i], rows, layer.n_out, 1, 1)
        delta += layer.n_out
        n = rows * layer.n_out
        for j in range(n):
            slopes[j] = 1
        multiply_by_slope[real](slopes, net, i, <const real *> tape.z[i], <const real *> tape.a[i], rows, tape)
        limit = <real> (SATURATED * (0.25 if layer.activation == CR_ACTIVATION_sigmoid else 1.0))
        count = 0
        for j in range(n):
            count += fabs(slopes[j]) < limit
        watch.saturated[i] += count


cdef void summarise(const Watch *watch, const Net *net, double *norms, double *saturated,
                    const real *any_real) noexcept nogil:
    """norms (L-1,) <- ‖δ^l‖ of the mean δ^l; saturated (L-1,) <- the share of saturated units; NaN for softmax, whose
    units are not saturated one by one."""
    cdef Py_ssize_t i, j
    cdef double total
    cdef const Layer *layer
    cdef const real *delta = <const real *> watch.delta
    for i in range(net.depth):
        layer = &net.layers[i]
        total = 0
        for j in range(layer.n_out):
            total += <double> delta[j] * delta[j]
        delta += layer.n_out
        norms[i] = sqrt(total) / watch.weight
        saturated[i] = NAN if layer.activation == CR_ACTIVATION_softmax else (
            <double> watch.saturated[i] / (watch.looked_at * layer.n_out))
