# Mini-batch gradient descent: a step, an epoch, and the transaction around each epoch.

cdef int step(real *parameters, real *velocity, real *nabla, const Net *net, const Samples *samples,
              Py_ssize_t start, Py_ssize_t rows, double sample_work, Workspace work, const Descent *descent,
              Watch *watch, double *cost) noexcept nogil:
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
        if watch:
            look[real](watch, net, &work.tape, m, parameters)
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
               Py_ssize_t batch_size, double sample_work, Workspace work, const Descent *descent, Watch *watch,
               double *cost) noexcept nogil:
    """Every sample once, in mini-batches; the last may be short. `cost` is the mean of the costs as they were seen."""
    cdef Py_ssize_t start = 0, rows
    cdef double batch_cost
    cdef int outcome
    cost[0] = 0
    if watch:
        reset[real](watch, net, samples.m, parameters)
    while start < samples.m:
        rows = min(batch_size, samples.m - start)
        outcome = step[real](parameters, velocity, nabla, net, samples, start, rows, sample_work, work, descent, watch,
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
          uint64_t[::1] clock, costs, seconds, delta_norms=None, saturation=None):
    """Train for so many epochs; each one finished adds 1 to clock[0], and its mean cost and its seconds to the arrays;
    and, if these are given, ‖δ^l‖ and the share of saturated units of each layer to delta_norms and saturation.

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
    cdef Watch watching
    cdef Watch *watch = NULL if delta_norms is None else &watching
    cdef Py_ssize_t units = n_units(net), widest = max(plan.sizes[1:]), depth = net.depth
    if watch:
        extra += (units + tile * widest) * sizeof(real) + depth * (sizeof(Py_ssize_t) + 2 * epochs * sizeof(double)) + 320
    cdef Workspace work = Workspace(plan, tile, sizeof(real), extra)
    cdef real *nabla = <real *> work.reserve(parameter_bytes) if needs_gradient else NULL
    cdef real *saved_p = <real *> work.reserve(parameter_bytes)
    cdef real *saved_v = <real *> work.reserve(parameter_bytes) if v else NULL
    cdef int32_t *shuffled = <int32_t *> work.reserve(samples.m * sizeof(int32_t)) if shuffle else NULL
    cdef double *cost = <double *> work.reserve(epochs * sizeof(double))
    cdef double *norms = NULL
    cdef double *saturated = NULL
    if watch:
        watch.delta = work.reserve(units * sizeof(real))
        watch.slopes = work.reserve(tile * widest * sizeof(real))
        watch.saturated = <Py_ssize_t *> work.reserve(depth * sizeof(Py_ssize_t))
        norms = <double *> work.reserve(epochs * depth * sizeof(double))
        saturated = <double *> work.reserve(epochs * depth * sizeof(double))
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
            outcome = epoch[real](p, v, nabla, net, &samples, batch_size, plan.flops, work, &descent, watch,
                                  &cost[e])
            if outcome == FINISHED:
                if watch:
                    summarise[real](watch, net, norms + e * depth, saturated + e * depth, p)
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
    if watch:
        delta_norms.extend([norms[i] for i in range(e * depth)])
        saturation.extend([saturated[i] for i in range(e * depth)])
    work.reraise()
    return layer
