# What fit(record=...) sees on the way: how the layers learn, the gradient, what each step minimises.

# All rows of an epoch are looked at if they are few, else one in eight: some in a row, so that no pattern in the order
# of the data is mistaken for the whole, and these evenly spread.
cdef enum:
    FEW_ROWS = 1024, ONE_IN = 8, ROWS_AT_ONCE = 32, ROWS_OF_A_PART = 16

cdef double SATURATED = 0.05  # a unit is saturated where |σ'| is below this share of its largest value, or of 1

cdef struct Watch:
    bint sees_layers            # ‖δ^l‖ and saturation
    bint sees_gradient          # ‖∂C/∂p‖
    bint sees_objective         # the mean cost of a mini-batch with its penalties
    Py_ssize_t steps
    double gradient_norm        # the sum over the steps of the norm of the whole gradient
    double objective, penalty   # likewise, of what each minimised and of its penalties, times its samples
    Py_ssize_t samples          # of these steps
    Py_ssize_t one_in           # which share of this epoch's rows is looked at
    Py_ssize_t seen, looked_at  # rows of this epoch
    double weight               # of those looked at,
    int exponent                # and their deltas: so many 2**exponent
    bint looking                # whether more of them are due
    void *delta                 # the sums of δ^l over those looked at, one layer after another, (n_2 + ... + n_L,)
    void *slopes                # σ' of a layer, (rows, widest)
    Py_ssize_t *saturated       # how often a unit was saturated, by layer


cdef size_t bytes_for_watch(const Net *net, Py_ssize_t rows, size_t itemsize) noexcept:
    return (padded(n_units(net) * itemsize) + padded(rows * widest_layer(net) * itemsize)
            + padded(net.depth * sizeof(Py_ssize_t)))


cdef int set_up_watch(Watch *watch, Workspace work) except -1:
    """Room to watch layers."""
    cdef const Net *net = &work.plan.net
    watch.delta = work.reserve(n_units(net) * work.itemsize)
    watch.slopes = work.reserve(work.rows * widest_layer(net) * work.itemsize)
    watch.saturated = <Py_ssize_t *> work.reserve(net.depth * sizeof(Py_ssize_t))
    return 0


cdef Py_ssize_t widest_layer(const Net *net) noexcept:
    """The largest of n_2, ..., n_L."""
    cdef Py_ssize_t i, widest = 0
    for i in range(net.depth):
        widest = max(widest, net.layers[i].n_out)
    return widest


cdef void reset(Watch *watch, const Net *net, Py_ssize_t rows, const real *precision) noexcept nogil:
    """Begin an epoch of so many rows, 0 if that is not known."""
    watch.steps, watch.gradient_norm = 0, 0
    watch.samples, watch.objective, watch.penalty = 0, 0, 0
    if not watch.sees_layers:
        return
    watch.one_in = 1 if rows <= FEW_ROWS else ONE_IN
    watch.seen = watch.looked_at = 0
    watch.weight = 0
    watch.looking = False
    memset(watch.delta, 0, n_units(net) * sizeof(real))
    memset(watch.saturated, 0, net.depth * sizeof(Py_ssize_t))


cdef void look(Watch *watch, const Net *net, const Tape *tape, const Samples *samples, Py_ssize_t place, Py_ssize_t m,
               const real *precision) noexcept nogil:
    """Take in those of the m samples from `place` on whose turn it is, after they went forward and back."""
    cdef Py_ssize_t due, part, parts
    watch.seen += m
    due = watch.seen // watch.one_in - watch.looked_at
    if due >= ROWS_AT_ONCE or watch.one_in == 1:
        watch.looking = True
    if due < min(m, <Py_ssize_t> ROWS_OF_A_PART):
        watch.looking = False
    if not watch.looking:
        return
    if due >= m:
        look_at[real](watch, net, tape, samples, place, 0, m, precision)
        return
    parts = due // ROWS_OF_A_PART
    for part in range(parts):  # from the beginning of a large tile to its end
        look_at[real](watch, net, tape, samples, place, part * m // parts, ROWS_OF_A_PART, precision)


cdef void look_at(Watch *watch, const Net *net, const Tape *tape, const Samples *samples, Py_ssize_t place,
                  Py_ssize_t first, Py_ssize_t rows, const real *precision) noexcept nogil:
    cdef Py_ssize_t i, j, n, start
    cdef const Layer *layer
    cdef real *delta = <real *> watch.delta
    cdef real *slopes = <real *> watch.slopes
    cdef real limit
    cdef double keep = 1, alpha = 1
    if watch.looked_at == 0:
        watch.exponent = samples.exponent
    elif samples.exponent > watch.exponent:
        keep = ldexp(1, watch.exponent - samples.exponent)
        watch.exponent = samples.exponent
    else:
        alpha = ldexp(1, samples.exponent - watch.exponent)
    watch.looked_at += rows
    watch.weight = keep * watch.weight + alpha * total_weight[real](samples, place + first, rows, precision)
    for i in range(net.depth):
        layer = &net.layers[i]
        start = first * layer.n_out
        kernels.sum_rows[real](delta, <const real *> tape.delta[i] + start, rows, layer.n_out, layer.n_out,
                               alpha, keep)
        delta += layer.n_out
        n = rows * layer.n_out
        for j in range(n):
            slopes[j] = 1
        equations.multiply_by_slope[real](slopes, net, i, <const real *> tape.z[i] + start,
                                          <const real *> tape.a[i] + start, rows, tape)
        limit = <real> (SATURATED * (0.25 if layer.activation == CR_ACTIVATION_sigmoid else 1.0))
        watch.saturated[i] += kernels.count_below[real](slopes, n, limit)


cdef void summarise(const Watch *watch, const Net *net, double *norms, double *saturated,
                    const real *precision) noexcept nogil:
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


cdef double penalties_of(const Net *net, const real *parameters, double l1, double l2) noexcept nogil:
    """l1 Σ|W| + (l2/2) Σ‖W‖², summed in float64."""
    cdef Py_ssize_t i, j, n
    cdef const Layer *layer
    cdef const real *w
    cdef double absolute = 0, squares = 0
    if l1 == 0 and l2 == 0:
        return 0
    for i in range(net.depth):
        layer = &net.layers[i]
        w, n = parameters + layer.weights, n_weights(layer, layer.n_out)
        squares += kernels.sum_of_squares[real](w, n)
        for j in range(n if l1 > 0 else 0):
            absolute += fabs(w[j])
    return l1 * absolute + l2 / 2 * squares
