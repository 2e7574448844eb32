# Mini-batch gradient descent: a step, an epoch, and the transaction around each epoch.

cdef inline void weigh_deltas(real *delta, const Samples *samples, Py_ssize_t start, Py_ssize_t m,
                              Py_ssize_t width) noexcept nogil:
    """δ^L of each sample times its weight: from there on it counts so much."""
    cdef Py_ssize_t i, j
    cdef real by
    for i in range(m):
        by = <real> weight[real](samples, start + i, delta)
        for j in range(width):
            delta[i * width + j] *= by


cdef int step(real *parameters, const State *state, real *nabla, const Net *net, const Samples *samples,
              Py_ssize_t start, Py_ssize_t rows, double sample_work, Workspace work, Descent *descent,
              Watch *watch, double *cost, double *counted) noexcept nogil:
    """One mini-batch: forward, BP1-BP4, update. `cost` is the sum of its costs before the update, `counted` that of its
    samples' weights."""
    cdef Py_ssize_t i, done = 0, m, last = net.depth - 1
    cdef bint whole_gradient = rows > net.tile or descent.clip_value > 0 or descent.clip_norm > 0 or (
        watch != NULL and watch.gradient)
    cdef bint in_place = is_plain(descent) and not whole_gradient
    cdef bint by_layer = not is_plain(descent) and not whole_gradient
    cdef double carried  # 0 for the first tile, whose gradient replaces what nabla holds; 1 for others, which add theirs
    cdef Rows x
    cdef const real *y
    cost[0] = 0
    counted[0] = total_weight[real](samples, start, rows, parameters)
    if counted[0] == 0:
        return FINISHED
    while done < rows:
        m = min(rows - done, net.tile)
        if work.tape.dropout:
            work.tape.dropout.row = samples.first + start + done
        y = forward_tile[real](net, parameters, samples, start + done, m, work, &x, cost)
        if not isfinite(cost[0]):
            return DIVERGED
        if work.pause(m * sample_work / 3):
            return INTERRUPTED
        output_delta[real](<real *> work.tape.delta[last], net, <const real *> work.tape.z[last],
                           <const real *> work.tape.a[last], y, m, &work.tape)
        if samples.weights:
            weigh_deltas[real](<real *> work.tape.delta[last], samples, start + done, m, net.layers[last].n_out)
        hidden_deltas[real](net, parameters, m, &work.tape)
        if watch and watch.layers:
            look[real](watch, net, &work.tape, samples, start + done, m, parameters)
        if work.pause(m * sample_work / 3):
            return INTERRUPTED
        if in_place:
            add_gradient[real](parameters, net, &x, m, &work.tape, -descent.weights.rate / counted[0],
                               1 - descent.weights.rate * descent.weights.l2, 1)
        elif by_layer:  # while the layer's gradient is in cache
            for i in range(net.depth):
                add_layer_gradient[real](nabla, net, i, &x, m, &work.tape, 1 / counted[0], 0, 0)
                follow[real](parameters, state, nabla, &net.layers[i], descent)
        else:
            carried = 0 if done == 0 else 1
            add_gradient[real](nabla, net, &x, m, &work.tape, 1 / counted[0], carried, carried)
            if work.pause(m * sample_work / 3):
                return INTERRUPTED
        done += m
    if whole_gradient:
        if watch and watch.gradient:
            watch.steps += 1
            watch.gradient_norm += sqrt(sum_of_squares[real](nabla, net.n_parameters))
        descend[real](parameters, state, nabla, net, descent)
    if descent.max_norm > 0:
        limit_weights[real](parameters, net, descent.max_norm)
    if state.average:
        move_average[real](<real *> state.average, parameters, net.n_parameters, state.keep)
    return FINISHED


cdef int epoch(real *parameters, const State *state, real *nabla, const Net *net, Samples *samples, Stream stream,
               Py_ssize_t batch_size, double sample_work, Workspace work, Descent *descent, const double *rates,
               Py_ssize_t rate_stride, uint64_t *steps, Watch *watch, Hooks hooks, double *cost) noexcept nogil:
    """Every sample once, in mini-batches; the last may be short. `cost` is the mean of the costs as they were seen.

    stream: where the mini-batches come from; None: they are parts of `samples`, of batch_size rows.
    rates: the learning rate of each step, rate_stride apart. steps: how many were taken before, and then after."""
    cdef Py_ssize_t start = 0, rows, batch = 0
    cdef double batch_cost, batch_weight, total = 0
    cdef int outcome
    cost[0] = 0
    samples.first = 0
    if watch:
        reset[real](watch, net, samples.m, parameters)
    while True:
        if stream is not None:
            outcome = take_batch[real](stream, samples, work, parameters)
            if outcome != FINISHED:
                return outcome
            start, batch_size = 0, samples.m
        rows = min(batch_size, samples.m - start)
        if rows == 0:
            break
        if hooks is not None:
            outcome = hooks.before_batch(batch, work)
            if outcome != FINISHED:
                return outcome
        steps[0] += 1
        begin_step(descent, rates[0], steps[0])
        rates += rate_stride
        outcome = step[real](parameters, state, nabla, net, samples, start, rows, sample_work, work, descent, watch,
                             &batch_cost, &batch_weight)
        if outcome != FINISHED:
            return outcome
        cost[0] += batch_cost
        total += batch_weight
        if hooks is not None:
            outcome = hooks.after_batch(batch, batch_cost / batch_weight, work)
            if outcome != FINISHED:
                return outcome
        start += rows
        batch += 1
        if work.pause(WORK_OF_A_LAYER * net.depth):
            return INTERRUPTED
    cost[0] /= total
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


cdef class Hooks:
    """Functions of a user to call around each batch: begin(batch) and end(batch, cost), or None."""

    cdef object begin, end
    cdef readonly bint kept_batches  # whether one raised, and the batches before that of its epoch were kept

    def __cinit__(self, begin, end):
        self.begin, self.end = begin, end

    cdef int before_batch(self, Py_ssize_t batch, Workspace work) noexcept nogil:
        if self.begin is None:
            return FINISHED
        with gil:
            return self.call(self.begin, (batch,), work)

    cdef int after_batch(self, Py_ssize_t batch, double cost, Workspace work) noexcept nogil:
        if self.end is None:
            return FINISHED
        with gil:
            return self.call(self.end, (batch, cost), work)

    cdef int call(self, function, arguments, Workspace work) noexcept:
        try:
            function(*arguments)
        except BaseException as error:
            return work.ended_by(error)
        return FINISHED


cdef struct Carried:   # what changes in an epoch, and is put back where the epoch does not end
    void *now[4]       # the parameters, the optimiser's states, the average
    void *before[4]
    size_t bytes
    uint64_t *steps
    uint64_t steps_before


cdef void keep(Carried *carried) noexcept nogil:
    cdef int i
    for i in range(4):
        if carried.now[i]:
            memcpy(carried.before[i], carried.now[i], carried.bytes)
    carried.steps_before = carried.steps[0]


cdef void put_back(Carried *carried) noexcept nogil:
    cdef int i
    for i in range(4):
        if carried.now[i]:
            memcpy(carried.now[i], carried.before[i], carried.bytes)
    carried.steps[0] = carried.steps_before


def restore(list pairs):
    """now <- before, for each of `pairs` of arrays (now, before) of one shape.

    No Python code runs in between, so that all belong together wherever a signal comes.
    """
    for now, before in pairs:
        now[...] = before


def train(Plan plan, real[::1] parameters, Recipe recipe, real[::1] s, real[::1] t, real[::1] average,
          uint64_t[::1] steps, const real[:, ::1] X, const real[:, ::1] Y, const int32_t[::1] labels,
          const real[::1] weights, const int32_t[::1] order, Py_ssize_t batch_size, bint shuffle, uint64_t seed,
          const double[::1] rates, const double[::1] dropout, Py_ssize_t epochs, uint64_t[::1] clock, costs,
          learning_rates, seconds, delta_norms=None, saturation=None, gradient_norms=None, Hooks hooks=None,
          Stream stream=None):
    """Train for so many epochs; each one finished adds 1 to clock[0], and its mean cost, its last learning rate and its
    seconds to the arrays; and, if these are given, ‖δ^l‖ and the share of saturated units of each layer to delta_norms
    and saturation.

    An epoch that is interrupted or diverges leaves no trace: all that it changed is put back to where it began.
    No Python code runs between an epoch's end and its entries, so that they belong together wherever a signal comes.
    Returns 0, or the layer where the cost stopped being finite; raises what a signal handler raised.

    parameters (n_parameters,); s, t (n_parameters,): the states of the recipe's optimiser, None where it has none;
    average likewise. steps[0]: how many the optimiser has taken. X (m, n_1); Y (m, n_L), or labels (m,); weights (m,)
    of the samples, or None. order: the rows to visit, in every epoch alike; None: as they stand, or shuffled anew in
    each epoch as (seed, clock[0]) says. rates: the learning rate, (1,), or one for each step of this call.
    gradient_norms gets the mean of ‖∂C/∂p‖ over the steps of each epoch. What a hook raises ends the training, and what
    was done before it is kept.
    dropout (L - 2,): the probability of a unit of each hidden layer to be dropped, or None.
    stream: where the mini-batches come from, in the place of X, Y, labels and weights; for one epoch a call.
    """
    cdef Net *net = &plan.net
    cdef Descent descent = recipe.descent
    cdef Samples samples = samples_of[real](X, Y, labels, order, weights)
    cdef Py_ssize_t n = plan.n_parameters, e = 0, layer = 0, tile, i
    cdef size_t parameter_bytes = n * sizeof(real)
    cdef real *p = &parameters[0]
    cdef int outcome = FINISHED
    cdef State state
    state.s = NULL if s is None else &s[0]
    state.t = NULL if t is None else &t[0]
    state.average = NULL if average is None else &average[0]
    state.keep = recipe.keep_average
    cdef Carried carried
    carried.now[0], carried.now[1], carried.now[2], carried.now[3] = p, state.s, state.t, state.average
    carried.bytes, carried.steps = parameter_bytes, &steps[0]
    if stream is None:
        batch_size = min(batch_size, samples.m)
    tile = min(batch_size, plan.tile) if stream is None else plan.tile
    cdef Py_ssize_t rate_stride = 1 if rates.shape[0] > 1 else 0
    cdef Py_ssize_t steps_per_epoch = rates.shape[0] // epochs
    cdef bint needs_gradient = (not is_plain(&descent) or batch_size > plan.tile or gradient_norms is not None
                                or stream is not None)
    cdef size_t extra = samples.m * sizeof(int32_t) + 2 * epochs * sizeof(double) + 192
    for i in range(4):
        extra += parameter_bytes + 64 if carried.now[i] else 0
    extra += parameter_bytes + 64 if needs_gradient else 0
    cdef Watch watching
    cdef Watch *watch = NULL if delta_norms is None and gradient_norms is None else &watching
    watching.layers, watching.gradient = delta_norms is not None, gradient_norms is not None
    cdef Py_ssize_t units = n_units(net), widest = max(plan.sizes[1:]), depth = net.depth
    if watching.layers:
        extra += (units + tile * widest) * sizeof(real) + depth * (sizeof(Py_ssize_t) + 2 * epochs * sizeof(double)) + 320
    if dropout is not None:
        extra += dropout_bytes(plan, dropout, tile, sizeof(real))
    cdef Workspace work = Workspace(plan, tile, sizeof(real), extra)
    cdef Dropout drop
    if dropout is not None:
        set_up_dropout(&drop, plan, dropout, tile, sizeof(real), work, seed)
    cdef real *nabla = <real *> work.reserve(parameter_bytes) if needs_gradient else NULL
    for i in range(4):
        carried.before[i] = work.reserve(parameter_bytes) if carried.now[i] else NULL
    cdef int32_t *shuffled = <int32_t *> work.reserve(samples.m * sizeof(int32_t)) if shuffle else NULL
    cdef double *cost = <double *> work.reserve(epochs * sizeof(double))
    cdef double *lengths = <double *> work.reserve(epochs * sizeof(double))
    cdef double *norms = NULL
    cdef double *saturated = NULL
    if watching.layers:
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
            keep(&carried)
            if shuffle:
                cr_shuffle(shuffled, samples.m, seed, clock[0])
            drop.stream = clock[0] | <uint64_t> 1 << 63  # not that of the shuffle
            outcome = epoch[real](p, &state, nabla, net, &samples, stream, batch_size, plan.flops, work, &descent,
                                  &rates[e * steps_per_epoch * rate_stride], rate_stride, &steps[0], watch, hooks, &cost[e])
            if outcome == FINISHED:
                if watching.gradient:
                    lengths[e] = watch.gradient_norm / watch.steps
                if watching.layers:
                    summarise[real](watch, net, norms + e * depth, saturated + e * depth, p)
                e += 1
                clock[0] += 1
                continue
            if outcome == DIVERGED:
                layer = first_diverged[real](p, net, &work.tape, tile)
            if outcome == STOPPED and finite[real](p, n):
                hooks.kept_batches = True
            else:
                put_back(&carried)
    took = (perf_counter() - started) / e if e else 0
    costs.extend([cost[i] for i in range(e)])
    learning_rates.extend([rates[(i + 1) * steps_per_epoch - 1 if rate_stride else 0] for i in range(e)])
    seconds.extend([took] * e)
    if watching.gradient:
        gradient_norms.extend([lengths[i] for i in range(e)])
    if watching.layers:
        delta_norms.extend([norms[i] for i in range(e * depth)])
        saturation.extend([saturated[i] for i in range(e * depth)])
    work.reraise()
    return layer
