# Mini-batch gradient descent: a step, an epoch, and the transaction around each epoch.

cdef double WORK_OF_A_LAYER = 2e4  # what a step costs beyond its arithmetic, for each layer

cdef struct Trainee:     # all that a training call works with
    Tile tile            # the tile at hand, or what the tiles of groups have in common
    Groups groups
    cr_team *team        # for the step at hand
    cr_team *members     # who they are if it is not done alone
    Pace *pace           # or NULL: the number of threads is given
    Descent *descent
    Watch *watch         # or NULL
    Striped *striped     # or NULL: the parameters stand as the user knows them
    double sample_work


cdef int step(Trainee *t, Py_ssize_t start, Py_ssize_t rows, Workspace work, double *cost, double *counted,
              const real *precision) noexcept nogil:
    """One mini-batch: forward, BP1-BP4, update. `cost` is the sum of its costs before the update, `counted` that of its
    samples' weights."""
    cdef Tile *tile = &t.tile
    cdef const Net *net = tile.net
    cdef Descent *descent = t.descent
    cdef Watch *watch = t.watch
    cdef bint whole_gradient = rows > net.tile or descent.clip_value > 0 or descent.clip_norm > 0 or (
        watch != NULL and watch.gradient)
    cdef Py_ssize_t groups = groups_of(net, rows, sizeof(real))
    cdef int outcome
    cost[0] = 0
    counted[0] = total_weight[real](tile.samples, start, rows, precision)
    if counted[0] == 0:
        return FINISHED
    tile.counted = counted[0]
    t.groups.groups = groups
    tile.way_down = TO_BUFFER if whole_gradient else IN_PLACE if is_plain(descent) else BY_LAYER
    if groups:
        t.groups.tile, t.groups.start, t.groups.rows = tile[0], start, rows
        t.groups.watch = watch if watch and watch.layers else NULL
        outcome = gradient_by_groups(&t.groups, t.team if not t.groups.watch else NULL, tile.nabla, cost)
    elif whole_gradient:
        outcome = gradient_by_tiles[real](tile, t.team, start, rows, work, t.sample_work, watch, cost, precision)
    else:
        place_tile[real](tile, start, rows, precision)
        outcome = forward_and_back[real](tile, t.team, work, t.sample_work, cost, precision)
        if outcome == FINISHED:
            if watch and watch.layers:
                look[real](watch, net, tile.tape, tile.samples, start, rows, precision)
            go_down[real](tile, t.team, DOWN, precision)
    if outcome != FINISHED or not whole_gradient:
        return outcome
    if watch and watch.gradient:
        watch.steps += 1
        watch.gradient_norm += sqrt(kernels.sum_of_squares[real](<real *> tile.nabla, net.n_parameters))
    equations.limit_gradient[real](<real *> tile.nabla, net, descent)
    go_down[real](tile, t.team, FOLLOW, precision)
    return FINISHED


cdef int epoch(Trainee *t, Samples *samples, Stream stream, Py_ssize_t batch_size, Workspace work, const double *rates,
               Py_ssize_t rate_stride, uint64_t *steps, Hooks hooks, double *cost, const real *precision) noexcept nogil:
    """Every sample once, in mini-batches; the last may be short. `cost` is the mean of the costs as they were seen.

    stream: where the mini-batches come from; None: they are parts of `samples`, of batch_size rows.
    rates: the learning rate of each step, rate_stride apart. steps: how many were taken before, and then after."""
    cdef Py_ssize_t start = 0, rows, batch = 0
    cdef double batch_cost, batch_weight, total = 0
    cdef int outcome
    cost[0] = 0
    samples.first = 0
    if t.watch:
        reset[real](t.watch, t.tile.net, samples.m, precision)
    while True:
        if stream is not None:
            outcome = take_batch[real](stream, samples, work, precision)
            if outcome != FINISHED:
                return outcome
            start, batch_size = 0, samples.m
        rows = min(batch_size, samples.m - start)
        if rows == 0:
            break
        if hooks is not None:
            outcome = hooks.before_batch(batch, work, t.striped)
            if outcome != FINISHED:
                return outcome
        steps[0] += 1
        t.team = t.members if t.pace == NULL or t.pace.together else NULL
        begin_step(t.descent, rates[0], steps[0])
        rates += rate_stride
        outcome = step[real](t, start, rows, work, &batch_cost, &batch_weight, precision)
        if outcome != FINISHED:
            return outcome
        cost[0] += batch_cost
        total += batch_weight
        if hooks is not None:
            outcome = hooks.after_batch(batch, batch_cost / batch_weight, work, t.striped)
            if outcome != FINISHED:
                return outcome
        start += rows
        batch += 1
        if t.pace:
            count_step(t.pace)
        if work.pause(WORK_OF_A_LAYER * t.tile.net.depth):
            return INTERRUPTED
    cost[0] /= total
    return FINISHED if kernels.finite[real](<real *> t.tile.parameters, t.tile.net.n_parameters) else DIVERGED


cdef Py_ssize_t layer_of_divergence(Trainee *t, const real *precision) noexcept nogil:
    """The number of the layer where it began; of a mini-batch in groups, in its first tile that did."""
    cdef Tile *tile = &t.tile
    cdef Groups *groups = &t.groups
    cdef Py_ssize_t i
    cdef Part all
    for i in range(tiles_of(groups) if groups.groups else 0):
        place_tile_of[real](tile, groups, i, precision)
        all = whole(tile.m, 0)
        forward_part[real](tile, &all, precision)
        if not isfinite(total_of(tile)):
            break
    return first_diverged[real](<real *> tile.parameters, tile.net, tile.tape, tile.m)


cdef Py_ssize_t first_diverged(const real *parameters, const Net *net, const Tape *tape, Py_ssize_t m) noexcept nogil:
    """The number l of the first layer whose parameters, or else activations, are not finite; L if only the cost is not."""
    cdef Py_ssize_t i
    cdef const Layer *layer
    for i in range(net.depth):
        layer = &net.layers[i]
        if not kernels.finite[real](parameters + layer.weights, n_weights(layer, layer.n_out)):
            return i + 2
        if layer.biases >= 0 and not kernels.finite[real](parameters + layer.biases, layer.n_out):
            return i + 2
    for i in range(net.depth):
        if not kernels.finite[real](<const real *> tape.z[i], m * net.layers[i].n_out):
            return i + 2
    return net.depth + 1


cdef class Hooks:
    """Functions of a user to call around each batch: begin(batch) and end(batch, cost), or None."""

    cdef object begin, end
    cdef readonly bint kept_batches  # whether one raised, and the batches before that of its epoch were kept

    def __cinit__(self, begin, end):
        self.begin, self.end = begin, end

    cdef int before_batch(self, Py_ssize_t batch, Workspace work, const Striped *striped) noexcept nogil:
        if self.begin is None:
            return FINISHED
        with gil:
            return self.call(self.begin, (batch,), work, striped)

    cdef int after_batch(self, Py_ssize_t batch, double cost, Workspace work, const Striped *striped) noexcept nogil:
        if self.end is None:
            return FINISHED
        with gil:
            return self.call(self.end, (batch, cost), work, striped)

    cdef int call(self, function, arguments, Workspace work, const Striped *striped) noexcept:
        if striped:
            show(striped)
        try:
            function(*arguments)
        except BaseException as error:
            return work.ended_by(error)
        finally:
            if striped:
                take_in(striped)
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
          uint64_t[::1] steps, X, const real[:, ::1] Y, const int32_t[::1] labels,
          const real[::1] weights, const int32_t[::1] order, Py_ssize_t batch_size, bint shuffle, uint64_t seed,
          const double[::1] rates, const double[::1] dropout, Py_ssize_t epochs, uint64_t[::1] clock, costs,
          learning_rates, seconds, delta_norms=None, saturation=None, gradient_norms=None, Hooks hooks=None,
          Stream stream=None, int threads=1, int cores=0):
    """Train for so many epochs; each one finished adds 1 to clock[0], and its mean cost, its last learning rate and its
    seconds to the arrays; and, if these are given, ‖δ^l‖ and the share of saturated units of each layer to delta_norms
    and saturation.

    An epoch that is interrupted or diverges leaves no trace: all that it changed is put back to where it began.
    No Python code runs between an epoch's end and its entries, so that they belong together wherever a signal comes.
    Returns 0, or the layer where the cost stopped being finite; raises what a signal handler raised.

    parameters (n_parameters,); s, t (n_parameters,): the states of the recipe's optimiser, None where it has none;
    average likewise. steps[0]: how many the optimiser has taken. X (m, n_1), of one of INPUTS; Y (m, n_L), or labels (m,); weights (m,)
    of the samples, or None. order: the rows to visit, in every epoch alike; None: as they stand, or shuffled anew in
    each epoch as (seed, clock[0]) says. rates: the learning rate, (1,), or one for each step of this call.
    gradient_norms gets the mean of ‖∂C/∂p‖ over the steps of each epoch. What a hook raises ends the training, and what
    was done before it is kept.
    dropout (L - 2,): the probability of a unit of each hidden layer to be dropped, or None.
    threads: how many work together; 0: as many as are worth it, out of so many `cores`.
    stream: where the mini-batches come from, in the place of X, Y, labels and weights; for one epoch a call.
    """
    cdef double started = perf_counter()  # the first batch of a stream counts, too
    cdef Descent descent = recipe.descent
    cdef Samples samples = samples_of[real](plan, X, Y, labels, order, weights)
    if descent.max_norm == 0:  # of rows of W^2, as they stand together in memory
        plan = plan_for(plan, &samples, sizeof(real), stream)
    cdef Net *net = &plan.net
    cdef bint striped = net.layers[0].stripe > 1
    cdef Py_ssize_t n = plan.n_parameters, e = 0, layer = 0, tile, i, most_groups
    cdef size_t parameter_bytes = n * sizeof(real)
    cdef Striped both
    both.net, both.single = net, sizeof(real) == sizeof(float)
    both.given[0], both.given[1] = &parameters[0], NULL if s is None else &s[0]
    both.given[2], both.given[3] = NULL if t is None else &t[0], NULL if average is None else &average[0]
    cdef int outcome = FINISHED
    cdef Carried carried
    carried.bytes, carried.steps = parameter_bytes, &steps[0]
    if stream is None:
        batch_size = min(batch_size, samples.m)
    tile = min(batch_size, plan.tile) if stream is None else plan.tile
    most_groups = groups_of(net, batch_size if stream is None else MOST_GROUPS * plan.tile, sizeof(real))
    cdef Team team = Team(plan, batch_size if stream is None else plan.tile, most_groups, threads, cores)
    cdef Py_ssize_t rate_stride = 1 if rates.shape[0] > 1 else 0
    cdef Py_ssize_t steps_per_epoch = rates.shape[0] // epochs
    cdef bint needs_gradient = (not is_plain(&descent) or batch_size > plan.tile or gradient_norms is not None
                                or stream is not None)
    cdef size_t extra = samples.m * sizeof(int32_t) + 2 * epochs * sizeof(double) + 320
    for i in range(4):
        extra += (1 + striped) * (parameter_bytes + 64) if both.given[i] else 0
    extra += parameter_bytes + 64 if needs_gradient else 0
    extra += most_groups * stride_of(net, sizeof(real)) + (MOST_GROUPS + MOST_COSTS) * sizeof(double)
    cdef Watch watching
    cdef Watch *watch = NULL if delta_norms is None and gradient_norms is None else &watching
    watching.layers, watching.gradient = delta_norms is not None, gradient_norms is not None
    cdef Py_ssize_t units = n_units(net), widest = max(plan.sizes[1:]), depth = net.depth
    if watching.layers:
        extra += (units + tile * widest) * sizeof(real) + depth * (sizeof(Py_ssize_t) + 2 * epochs * sizeof(double)) + 320
    cdef int passes = team.size if most_groups else 1  # that go on at once, each with its own tape
    if dropout is not None:
        extra += passes * (dropout_bytes(plan, dropout, tile, sizeof(real)) + sizeof(Dropout)) + 64
    cdef Workspace work = Workspace(plan, tile, sizeof(real), extra, passes, samples.room)
    cdef Dropout *drops = NULL
    if dropout is not None:
        drops = <Dropout *> work.reserve(passes * sizeof(Dropout))
        for i in range(passes):
            set_up_dropout(&drops[i], plan, dropout, tile, sizeof(real), work, &work.tapes[i], seed)
    cdef real *nabla = <real *> work.reserve(parameter_bytes) if needs_gradient else NULL
    for i in range(4):
        carried.before[i] = work.reserve(parameter_bytes) if both.given[i] else NULL
        both.laid_out[i] = work.reserve(parameter_bytes) if both.given[i] and striped else both.given[i]
        carried.now[i] = both.laid_out[i]
    if striped:
        take_in(&both)
    cdef real *p = <real *> carried.now[0]
    cdef State state
    state.s, state.t, state.average, state.keep = carried.now[1], carried.now[2], carried.now[3], recipe.keep_average
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
    cdef Trainee all
    all.tile = tile_of(work, 0, p, &samples, <double *> work.reserve(MOST_COSTS * sizeof(double)))
    all.tile.nabla, all.tile.state, all.tile.descent = nabla, &state, &descent
    all.groups = groups_for(work, p, &samples, <double *> work.reserve(MOST_GROUPS * sizeof(double)), plan.flops)
    all.groups.gradients = work.reserve(most_groups * stride_of(net, sizeof(real)))
    all.members, all.descent, all.watch, all.sample_work = team.members, &descent, watch, plan.flops
    all.striped = &both if striped else NULL
    all.pace = NULL
    if threads == 0 and team.size > 1:
        all.pace = &plan.pace
        begin_pace(all.pace, batch_size, team.size)
    cdef double took
    with nogil:
        while e < epochs and outcome == FINISHED:
            keep(&carried)
            if shuffle:
                cr_shuffle(shuffled, samples.m, seed, clock[0])
                samples.order = shuffled
            for i in range(passes if drops else 0):
                drops[i].stream = clock[0] | <uint64_t> 1 << 63  # not that of the shuffle
            outcome = epoch[real](&all, &samples, stream, batch_size, work, &rates[e * steps_per_epoch * rate_stride],
                                  rate_stride, &steps[0], hooks, &cost[e], p)
            if outcome == FINISHED:
                if watching.gradient:
                    lengths[e] = watch.gradient_norm / watch.steps
                if watching.layers:
                    summarise[real](watch, net, norms + e * depth, saturated + e * depth, p)
                e += 1
                clock[0] += 1
                continue
            if outcome == DIVERGED:
                layer = layer_of_divergence[real](&all, p)
            if outcome == STOPPED and kernels.finite[real](p, n):
                hooks.kept_batches = True
            else:
                put_back(&carried)
        if striped:
            show(&both)
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
