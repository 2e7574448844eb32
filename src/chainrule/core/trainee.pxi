# What a training call works with: sized, and filled in, before its first epoch.

cdef struct Sizes:
    Py_ssize_t tile          # rows of the largest tile
    Py_ssize_t groups        # the most of them
    Py_ssize_t threads       # that go on at once, each with a tape of its own
    size_t vector            # bytes of the parameters, and of what is shaped like them
    bint striped             # whether these stand otherwise than the user knows them
    bint nabla               # whether the gradient needs a vector of its own

cdef class Trainee:
    """All that a training call works with."""

    cdef Plan plan           # of the network, or that with W^2 in stripes
    cdef Workspace work
    cdef Sizes sizes
    cdef Samples samples
    cdef Stream stream       # where mini-batches come from; None: they are parts of the samples
    cdef Py_ssize_t batch_size
    cdef bint drop_last      # whether a shorter mini-batch at the end of an epoch is left out
    cdef int32_t *own_order  # room for that of each epoch, (m,); NULL: the samples have one for all
    cdef object draw         # a function that returns it, or None: it is that of the seed
    cdef const int32_t *rows # which rows of x the samples are, (m,); NULL: all, one after another;
    cdef int32_t *own_rows   # and room for these in the order of each epoch
    cdef uint64_t seed
    cdef uint64_t *clock     # how many epochs are finished
    cdef double *epochs      # how many of them the optimiser has done
    cdef Hooks hooks         # or None
    cdef Tile tile           # the tile at hand, or what the tiles of groups have in common
    cdef Groups groups
    cdef Team team
    cdef cr_team *members    # for the step at hand: the team's, or NULL, one thread alone
    cdef Pace *pace          # or NULL: the number of threads is given
    cdef Descent descent
    cdef Recipe recipe       # which keeps alive what that points to
    cdef State state
    cdef Layouts layouts
    cdef Snapshot snapshot
    cdef Dropout *dropouts   # of each thread, (threads,), or NULL
    cdef Watch watching
    cdef Watch *watch        # or NULL: nothing is watched
    cdef Figures figures
    cdef bint overflown      # whether the optimiser's states are not finite


cdef Trainee prepare(Plan plan, real[::1] parameters, Recipe recipe, TrainingState state, Data data, Log log,
                     Py_ssize_t epochs, Hooks hooks, int threads, int cores):
    """Have all the memory of a training call, and fill it; log: None where no epoch is to end."""
    cdef Trainee t = Trainee()
    cdef size_t bytes
    t.descent, t.stream, t.hooks, t.seed, t.clock = recipe.descent, data.stream, hooks, data.seed, &state.clock[0]
    t.epochs, t.drop_last = &state.epochs[0], data.drop_last
    t.recipe = recipe
    t.samples = samples_of[real](plan, data.X, data.Y, data.labels, data.order, data.weights,
                                data.output_weights)
    t.samples.exponent = data.exponent
    # max_norm is of the rows of W^2, as they stand together in memory, and gradients of blocks go from hand to hand
    if t.descent.max_norm > 0 or data.in_blocks:
        t.plan = plan
    else:
        t.plan = plan_for(plan, &t.samples, sizeof(real), data.stream)
    if log is not None:
        t.watching.sees_layers, t.watching.sees_gradient = log.delta_norms is not None, log.gradient_norms is not None
        t.watching.sees_objective = log.objectives is not None
        log.make_room(&t.figures, epochs, t.plan.net.depth)
    if t.watching.sees_layers or t.watching.sees_gradient or t.watching.sees_objective:
        t.watch = &t.watching
    find_vectors[real](t, plan, parameters, state)
    find_sizes(t, data.batch_size, threads, cores, sizeof(real))
    bytes = bytes_to_train(t, recipe, data.shuffle, sizeof(real))
    t.work = Workspace(t.plan, t.sizes.tile, sizeof(real), bytes, t.sizes.threads, t.samples.room)
    set_up_vectors(t, state, recipe.keep_average)
    if data.shuffle:
        t.own_order, t.draw = <int32_t *> t.work.reserve(t.samples.m * sizeof(int32_t)), data.draw
        if t.samples.x_order:
            t.rows, t.own_rows = t.samples.x_order, <int32_t *> t.work.reserve(t.samples.m * sizeof(int32_t))
    if t.watching.sees_layers:
        set_up_watch(t.watch, t.work)
    if recipe.dropout is not None:
        t.dropouts = set_up_dropouts(recipe.dropout, t.work, data.seed)
    set_up_tiles(t)
    if threads == 0 and t.team.size > 1:
        t.pace = &t.plan.pace
        begin_pace(t.pace, t.batch_size, t.team.size)
    return t


cdef int check_size(Plan plan, Py_ssize_t size) except -1:
    """Raise for a vector that is not as long as the parameters: users may have had it in their hands."""
    if size != plan.n_parameters:
        raise ValueError(f"expected {plan.n_parameters} numbers, as many as there are parameters; got {size}")
    return 0


cdef int find_vectors(Trainee t, Plan plan, real[::1] parameters, TrainingState state) except -1:
    """Where the user has the parameters, the optimiser's states and the average, each as long as `plan` says, which
    stands in no stripes."""
    cdef real[::1] s = state.s, other = state.t, average = state.average
    check_size(plan, parameters.shape[0])
    check_size(plan, plan.n_parameters if s is None else s.shape[0])
    check_size(plan, plan.n_parameters if other is None else other.shape[0])
    check_size(plan, plan.n_parameters if average is None else average.shape[0])
    t.layouts.net, t.layouts.single = &t.plan.net, sizeof(real) == sizeof(float)
    t.layouts.given[PARAMETERS] = &parameters[0]
    t.layouts.given[STATE_S] = NULL if s is None else &s[0]
    t.layouts.given[STATE_T] = NULL if other is None else &other[0]
    t.layouts.given[AVERAGE] = NULL if average is None else &average[0]
    return 0


cdef int find_sizes(Trainee t, Py_ssize_t batch_size, int threads, int cores, size_t itemsize) except -1:
    """How large its parts are, and the team that goes with that."""
    cdef const Net *net = &t.plan.net
    cdef bint streams = t.stream is not None  # mini-batches of sizes that nobody knows yet
    cdef bint one_by_one = t.samples.m == 0   # they come later
    t.batch_size = batch_size if one_by_one else min(batch_size, t.samples.m)
    t.sizes.tile = t.plan.tile if streams else min(t.batch_size, t.plan.tile)
    t.sizes.groups = groups_of(net, MOST_GROUPS * t.plan.tile if streams else t.batch_size, itemsize)
    t.team = Team(t.plan, t.plan.tile if streams else t.batch_size, t.sizes.groups, threads, cores)
    t.sizes.threads = t.team.size if t.sizes.groups else 1
    t.sizes.vector = t.plan.n_parameters * itemsize
    t.sizes.striped = net.layers[0].stripe > 1
    t.sizes.nabla = (not is_plain(&t.descent) or t.batch_size > t.plan.tile or t.watching.sees_gradient or one_by_one
                     or net.scale >= 0)
    return 0


cdef size_t bytes_to_train(Trainee t, Recipe recipe, bint shuffle, size_t itemsize):
    """What the workspace holds beyond that of forward and backward passes."""
    cdef const Net *net = &t.plan.net
    cdef size_t vector = padded(t.sizes.vector), bytes = 0
    cdef int i
    for i in range(VECTORS):
        if t.layouts.given[i]:
            bytes += 2 * vector if t.sizes.striped else vector
    if t.sizes.nabla:
        bytes += vector
    if shuffle:
        bytes += (2 if t.samples.x_order else 1) * padded(t.samples.m * sizeof(int32_t))
    if t.watching.sees_layers:
        bytes += bytes_for_watch(net, t.sizes.tile, itemsize)
    if recipe.dropout is not None:
        bytes += bytes_for_dropouts(net, recipe.dropout, t.sizes.tile, t.sizes.threads, itemsize)
    return bytes + bytes_for_groups(net, t.sizes.groups, itemsize) + padded(MOST_COSTS * sizeof(double))


cdef int set_up_vectors(Trainee t, TrainingState state, double keep_average) except -1:
    """The parameters, the optimiser's states and the average as the plan has them, and room for a snapshot."""
    cdef Layouts *layouts = &t.layouts
    cdef Snapshot *snapshot = &t.snapshot
    cdef int i
    for i in range(VECTORS):
        layouts.laid_out[i] = layouts.given[i]
        if layouts.given[i]:
            snapshot.before[i] = t.work.reserve(t.sizes.vector)
            if t.sizes.striped:
                layouts.laid_out[i] = t.work.reserve(t.sizes.vector)
        snapshot.now[i] = layouts.laid_out[i]
    if t.sizes.striped:
        take_in(layouts)
    snapshot.bytes, snapshot.steps = t.sizes.vector, &state.steps[0]
    t.state.s, t.state.t = snapshot.now[STATE_S], snapshot.now[STATE_T]
    t.state.average, t.state.keep = snapshot.now[AVERAGE], keep_average
    return 0


cdef int set_up_tiles(Trainee t) except -1:
    """The tile, and groups of tiles."""
    cdef Tile *tile = &t.tile
    cdef void *parameters = t.snapshot.now[PARAMETERS]
    tile[0] = tile_of(t.work, 0, parameters, &t.samples, <double *> t.work.reserve(MOST_COSTS * sizeof(double)))
    tile.nabla = t.work.reserve(t.sizes.vector) if t.sizes.nabla else NULL
    tile.state, tile.descent = &t.state, &t.descent
    t.groups = groups_for(t.work, parameters, &t.samples, NULL, t.plan.flops)
    return set_up_groups(&t.groups, t.work, t.sizes.groups)
