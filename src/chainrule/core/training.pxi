# Mini-batch gradient descent: a step, an epoch, and the transaction around each epoch.

cdef double WORK_OF_A_LAYER = 2e4  # what a step costs beyond its arithmetic, for each layer

cdef struct Rates:     # the learning rates of all steps
    const double *first
    Py_ssize_t stride  # from one step to the next: 1, or 0 where all are the same
    Py_ssize_t steps   # of an epoch


cdef inline bint needs_whole_gradient(Trainee t, Py_ssize_t rows) noexcept nogil:
    """Whether all of the gradient has to be there before a parameter changes."""
    return (rows > t.tile.net.tile or t.descent.clip_value > 0 or t.descent.clip_norm > 0
            or (t.watch != NULL and t.watch.sees_gradient))


cdef inline int gradient_of(Trainee t, Py_ssize_t start, Py_ssize_t rows, double *cost,
                            const real *precision) noexcept nogil:
    """tile.nabla <- the gradient of the rows from `start` on, divided by tile.counted; `cost` gains their costs."""
    cdef Tile *tile = &t.tile
    cdef Watch *watch = t.watch
    cdef int outcome
    t.groups.count = groups_of(tile.net, rows, sizeof(real))
    if t.groups.count:
        t.groups.tile, t.groups.start, t.groups.rows = tile[0], start, rows
        t.groups.watch = watch if watch and watch.sees_layers else NULL
        outcome = gradient_by_groups(&t.groups, t.members if not t.groups.watch else NULL, tile.nabla, cost)
    else:
        outcome = gradient_by_tiles[real](tile, t.members, start, rows, t.work, t.plan.flops, watch, cost, precision)
    if outcome == FINISHED:
        equations.through_scale[real](<real *> tile.nabla, tile.net, <const real *> tile.parameters)
    return outcome


cdef int step(Trainee t, Py_ssize_t start, Py_ssize_t rows, double *cost, double *counted,
              const real *precision) noexcept nogil:
    """One mini-batch: forward, BP1-BP4, update. `cost` is the sum of its costs before the update, `counted` that of its
    samples' weights."""
    cdef Tile *tile = &t.tile
    cdef const Net *net = tile.net
    cdef Watch *watch = t.watch
    cdef bint whole_gradient = needs_whole_gradient(t, rows)
    cdef double penalties = 0
    cdef int outcome
    cost[0] = 0
    counted[0] = total_weight[real](tile.samples, start, rows, precision)
    if counted[0] == 0:
        return FINISHED
    tile.counted = counted[0]
    penalise_by_batch(&t.descent, counted[0], tile.samples.exponent)
    if watch and watch.sees_objective:  # by the weights as they are before the step
        penalties = penalties_of[real](net, <real *> tile.parameters, t.descent.weights.l1, t.descent.weights.l2)
    tile.way_down = TO_BUFFER if whole_gradient else IN_PLACE if is_plain(&t.descent) else BY_LAYER
    if whole_gradient:
        outcome = gradient_of[real](t, start, rows, cost, precision)
    else:
        t.groups.count = 0
        place_tile[real](tile, start, rows, precision)
        outcome = forward_and_back[real](tile, t.members, t.work, t.plan.flops, cost, precision)
        if outcome == FINISHED:
            if watch and watch.sees_layers:
                look[real](watch, net, tile.tape, tile.samples, start, rows, precision)
            go_down[real](tile, t.members, DOWN, precision)
    if outcome != FINISHED:
        return outcome
    if watch and watch.sees_objective:
        watch.samples += rows
        watch.objective += rows * (cost[0] / counted[0] + penalties)
        watch.penalty += rows * penalties
    if not whole_gradient:
        return FINISHED
    if watch and watch.sees_gradient:
        watch.steps += 1
        watch.gradient_norm += sqrt(kernels.sum_of_squares[real](<real *> tile.nabla, net.n_parameters))
    descent.limit_gradient[real](<real *> tile.nabla, net, &t.descent)
    go_down[real](tile, t.members, FOLLOW, precision)
    return FINISHED


cdef inline int next_step(Trainee t, double rate, Py_ssize_t start, Py_ssize_t rows, double *cost, double *counted,
                          const real *precision) noexcept nogil:
    """The optimiser's next step, by one thread or the team, whose turn it is."""
    cdef uint64_t *steps = t.snapshot.steps
    steps[0] += 1
    t.members = t.team.members if t.pace == NULL or t.pace.together else NULL
    begin_step(&t.descent, rate, steps[0])
    return step[real](t, start, rows, cost, counted, precision)


cdef int epoch(Trainee t, const double *rates, Py_ssize_t rate_stride, double *cost,
               const real *precision) noexcept nogil:
    """Every sample once, in mini-batches; the last may be short, or left out. `cost` is the mean of the costs as they were seen.

    rates: the learning rate of each step, rate_stride apart."""
    cdef Py_ssize_t start = 0, rows = 0, batch = 0
    cdef double batch_cost, batch_weight, weight_of_all = 0
    cdef int exponent = 0  # costs and weights of the epoch are so many 2**exponent
    cdef int outcome
    cost[0] = 0
    t.samples.first = 0
    if t.watch:
        reset[real](t.watch, t.tile.net, rows_of_epoch(t), precision)
    while True:
        outcome = next_batch[real](t, &start, &rows, precision)
        if outcome != FINISHED:
            return outcome
        if rows == 0:
            break
        if t.hooks is not None:
            outcome = t.hooks.before_batch(batch, t.work, layouts_of(t))
            if outcome != FINISHED:
                return outcome
        outcome = next_step[real](t, rates[0], start, rows, &batch_cost, &batch_weight, precision)
        rates += rate_stride
        if outcome != FINISHED:
            return outcome
        if batch == 0:
            exponent = t.samples.exponent
        elif t.samples.exponent > exponent:
            cost[0] = ldexp(cost[0], exponent - t.samples.exponent)
            weight_of_all = ldexp(weight_of_all, exponent - t.samples.exponent)
            exponent = t.samples.exponent
        cost[0] += ldexp(batch_cost, t.samples.exponent - exponent)
        weight_of_all += ldexp(batch_weight, t.samples.exponent - exponent)
        if t.hooks is not None:
            outcome = t.hooks.after_batch(batch, batch_cost / batch_weight, t.work, layouts_of(t))
            if outcome != FINISHED:
                return outcome
        batch += 1
        if t.pace:
            count_step(t.pace)
        if t.work.pause(WORK_OF_A_LAYER * t.tile.net.depth):
            return INTERRUPTED
    cost[0] /= weight_of_all
    return FINISHED if is_finite[real](t, precision) else DIVERGED


cdef inline bint is_finite(Trainee t, const real *precision) noexcept nogil:
    """Whether the parameters are, and the optimiser's states: where squares of gradients are infinite, steps are 0."""
    t.overflown = first_lost[real](&t.tile, precision) > 0
    return not t.overflown and kernels.finite[real](<real *> t.tile.parameters, t.tile.net.n_parameters)


cdef inline Py_ssize_t rows_of_epoch(Trainee t) noexcept nogil:
    """How many rows an epoch goes through, where its mini-batches do not come one by one."""
    return t.samples.m - t.samples.m % t.batch_size if t.drop_last else t.samples.m


cdef inline int next_batch(Trainee t, Py_ssize_t *start, Py_ssize_t *rows, const real *precision) noexcept nogil:
    """Go on from one mini-batch to the next: so many rows from `start` on, 0 at the end of the epoch."""
    cdef int outcome
    if t.stream is None:
        start[0] += rows[0]
        rows[0] = min(t.batch_size, rows_of_epoch(t) - start[0])
        return FINISHED
    outcome = take_batch[real](t.stream, &t.samples, t.work, precision)
    rows[0] = t.samples.m
    return outcome


cdef inline const Layouts *layouts_of(Trainee t) noexcept nogil:
    """What to keep alike around functions of the user's, or NULL where the two layouts are one."""
    return &t.layouts if t.sizes.striped else NULL


cdef Py_ssize_t layer_of_divergence(Trainee t, const real *precision) noexcept nogil:
    """The number of the layer where it began; of a mini-batch in groups, in its first tile that did."""
    cdef Tile *tile = &t.tile
    cdef Py_ssize_t i
    cdef Part whole_tile
    if t.overflown:
        return first_lost[real](tile, precision)
    for i in range(tiles_of(&t.groups) if t.groups.count else 0):
        place_tile_of[real](tile, &t.groups, i, precision)
        whole_tile = whole(tile.m, 0)
        forward_part[real](tile, &whole_tile, precision)
        if not isfinite(total_of(tile)):
            break
    return first_diverged[real](<real *> tile.parameters, tile.net, tile.tape, tile.m)


cdef inline void begin_dropout(Trainee t) noexcept nogil:
    """The random numbers of the epoch at hand."""
    cdef Py_ssize_t i
    if t.dropouts:
        for i in range(t.sizes.threads):
            t.dropouts[i].stream = t.clock[0] | <uint64_t> 1 << 63  # not that of the shuffle


cdef int begin_epoch(Trainee t) noexcept nogil:
    """What comes back if the epoch does not end; its order, and its random numbers for dropout."""
    cdef Py_ssize_t i
    cdef int outcome = FINISHED
    take_snapshot(&t.snapshot)
    if t.own_order:
        if t.draw is None:
            cr_shuffle(t.own_order, t.samples.m, t.seed, t.clock[0])
        else:
            outcome = draw_order(t)
        t.samples.order = t.samples.x_order = t.own_order
        if t.rows and outcome == FINISHED:
            for i in range(t.samples.m):
                t.own_rows[i] = t.rows[t.own_order[i]]
            t.samples.x_order = t.own_rows
    begin_dropout(t)
    return outcome


cdef int draw_order(Trainee t) noexcept nogil:
    """own_order <- what a function of the user's says."""
    cdef const int32_t[::1] order
    with gil:
        try:
            order = t.draw()
            memcpy(t.own_order, &order[0], t.samples.m * sizeof(int32_t))
        except BaseException as error:
            return t.work.ended_by(error)
    return FINISHED


cdef void end_epoch(Trainee t, double rate, const real *precision) noexcept nogil:
    """Count a finished epoch, and note its figures; its cost is there already. rate: of its last step."""
    cdef Figures *figures = &t.figures
    cdef uint64_t *clock = t.clock
    cdef double *epochs_done = t.epochs
    cdef uint64_t *finished = figures.finished
    cdef Py_ssize_t e = figures.epochs, depth = t.plan.net.depth
    if t.watching.sees_gradient:
        figures.gradient_norms[e] = t.watch.gradient_norm / t.watch.steps
    if t.watching.sees_objective:
        figures.objectives[e] = t.watch.objective / t.watch.samples
        figures.penalties[e] = t.watch.penalty / t.watch.samples
    if t.watching.sees_layers:
        summarise[real](t.watch, &t.plan.net, figures.delta_norms + e * depth, figures.saturation + e * depth,
                        precision)
    figures.learning_rates[e] = rate
    figures.epochs += 1
    finished[0] += 1
    clock[0] += 1
    epochs_done[0] += 1


cdef Py_ssize_t break_off_epoch(Trainee t, int outcome, const real *precision) noexcept nogil:
    """Put all back to where the epoch began, unless a callback stopped it: then the batches before that, if there are
    some, are kept. Returns the layer where the epoch diverged, or 0."""
    cdef Py_ssize_t layer = layer_of_divergence[real](t, precision) if outcome == DIVERGED else 0
    cdef bint some_done = t.snapshot.steps[0] > t.snapshot.steps_before
    if outcome == STOPPED and t.hooks is not None and some_done and is_finite[real](t, precision):
        t.hooks.kept_batches = True
    else:
        put_back(&t.snapshot)
    return layer


cdef Py_ssize_t train_epochs(Trainee t, Py_ssize_t epochs, const Rates *rates, const real *precision) noexcept nogil:
    """So many epochs, or as many as end. Returns the layer where one diverged, or 0."""
    cdef const double *of_the_epoch
    cdef int outcome
    while t.figures.epochs < epochs:
        of_the_epoch = rates.first + t.figures.epochs * rates.steps * rates.stride
        outcome = begin_epoch(t)
        if outcome == FINISHED:
            outcome = epoch[real](t, of_the_epoch, rates.stride, &t.figures.costs[t.figures.epochs], precision)
        if outcome != FINISHED:
            return break_off_epoch[real](t, outcome, precision)
        end_epoch[real](t, of_the_epoch[(rates.steps - 1) * rates.stride], precision)
    return 0


def train(Plan plan not None, real[::1] parameters, Recipe recipe, TrainingState state, Data data, Log log,
          const double[::1] rates, Py_ssize_t epochs=1, Hooks hooks=None, int threads=1, int cores=0):
    """Train for so many epochs. Each one finished adds 1 to the state's clock, and its figures to the log.

    An epoch that is interrupted or diverges leaves no trace: all that it changed is put back to where it began.
    No Python code runs between an epoch's end and its entries, and nothing is allocated once training has begun, so
    that they belong together wherever a signal comes, and however little memory is left.
    Returns 0, or the layer where the cost stopped being finite, or, if state.overflown, the optimiser's state did;
    raises what a signal handler raised.

    parameters (n_parameters,); rates: one learning rate for all steps, or one for each.
    threads: how many work together; 0: as many as are worth it, out of so many `cores`.
    """
    cdef double began = cr_seconds()  # the first batch of a stream counts, too
    cdef Trainee trainee = prepare[real](plan, parameters, recipe, state, data, log, epochs, hooks, threads, cores)
    cdef Rates steps
    cdef Py_ssize_t e, layer, done
    steps.first, steps.stride, steps.steps = &rates[0], 1 if rates.shape[0] > 1 else 0, rates.shape[0] // epochs
    with nogil:
        layer = train_epochs[real](trainee, epochs, &steps, &parameters[0])
        state.overflown = trainee.overflown
        if trainee.sizes.striped:
            show(&trainee.layouts)
        done = trainee.figures.epochs
        for e in range(done):
            trainee.figures.seconds[e] = (cr_seconds() - began) / done
    trainee.work.reraise()
    return layer
