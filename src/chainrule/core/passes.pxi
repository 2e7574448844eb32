# What can be asked of a network without changing it.

cdef inline void chain_inputs(real *out, const Net *net, const real *parameters, Py_ssize_t rows) noexcept nogil:
    """Derivatives by what layer 2 reads, (rows, n_1), become those by x: ∂/∂a^1_k = s_k ∂/∂(s_k a^1_k), and
    ∂/∂x_k = scale_k ∂/∂a^1_k."""
    cdef Py_ssize_t i, k, n_in = net.layers[0].n_in
    for i in range(rows if net.scale >= 0 else 0):
        for k in range(n_in):
            out[i * n_in + k] *= parameters[net.scale + k]
    for i in range(rows if net.scaling else 0):
        for k in range(n_in):
            out[i * n_in + k] *= <real> net.scaling.f64[k]


cdef inline void chain_outputs(real *out, const Net *net, Py_ssize_t m, Py_ssize_t width) noexcept nogil:
    """Derivatives of a^L, (m, n_L, width), become those of what is said of it."""
    cdef Py_ssize_t i, k, n_out = net.layers[net.depth - 1].n_out
    if net.output_scaling == NULL:
        return
    for i in range(m * n_out):
        for k in range(width):
            out[i * width + k] *= <real> net.output_scaling[i % n_out]


def gradient(Plan plan not None, const real[::1] parameters, X, const real[:, ::1] Y,
             const int32_t[::1] labels, real[::1] nabla, const real[::1] weights=None,
             const real[:, ::1] output_weights=None, int threads=1, int cores=0, int given=0,
             real[:, ::1] by_inputs=None):
    """nabla (n_parameters,) <- the mean gradient over the m samples; returns their mean cost. Each sample and each
    output counts by its weight, 1 without weights. given: which of GIVEN Y holds. by_inputs (m, n_1) <- ∂C_i/∂x_i of
    each sample's cost times its weight; X is dense then."""
    cdef Samples samples = samples_of[real](plan, X, Y, labels, None, weights, output_weights, given)
    plan = plan_for(plan, &samples, sizeof(real))
    cdef Py_ssize_t count = groups_of(&plan.net, samples.m, sizeof(real))
    cdef Team team = Team(plan, samples.m, count, threads, cores)
    cdef size_t bytes = bytes_for_groups(&plan.net, count, sizeof(real)) + padded(MOST_COSTS * sizeof(double))
    bytes += 2 * bytes_for_parameters(plan, sizeof(real))
    cdef Workspace work = Workspace(plan, min(samples.m, plan.tile), sizeof(real), bytes, team.size if count else 1,
                                    samples.room)
    cdef const real *p = parameters_for[real](plan, parameters, work)
    cdef real *out = &nabla[0] if p == &parameters[0] else <real *> work.reserve(plan.n_parameters * sizeof(real))
    cdef Groups groups = groups_for(work, <void *> p, &samples, NULL, plan.flops)
    cdef Tile tile = tile_of(work, 0, <void *> p, &samples, <double *> work.reserve(MOST_COSTS * sizeof(double)))
    cdef double cost = 0, counted = total_weight[real](&samples, 0, samples.m, out)
    set_up_groups(&groups, work, count)
    tile.way_down, tile.nabla, tile.counted, tile.to_the_end = TO_BUFFER, out, counted, True
    tile.by_inputs = NULL if by_inputs is None else &by_inputs[0, 0]
    groups.rows, groups.count, groups.tile = samples.m, count, tile
    with nogil:
        if count:
            gradient_by_groups(&groups, team.members, out, &cost)
        else:
            gradient_by_tiles[real](&tile, team.members, 0, samples.m, work, plan.flops, NULL, &cost, out)
        equations.through_scale[real](out, &plan.net, p)
        if out != &nabla[0]:
            out_of_stripes[real](&plan.net, &nabla[0], out)
        if by_inputs is not None:
            chain_inputs[real](&by_inputs[0, 0], &plan.net, p, samples.m)
    work.reraise()
    return cost / counted


def total_penalty(Plan plan not None, const real[::1] parameters, double l1, double l2):
    """What these penalties add to the cost."""
    check_size(plan, parameters.shape[0])
    return penalties_of[real](&plan.net, &parameters[0], l1, l2)


cdef double total_cost(Plan plan, const real *parameters, const Samples *samples, Workspace work, cr_team *team,
                       double *costs, double *correct) noexcept nogil:
    """The sum of the costs of all samples; `costs` has room for one of each tile. correct, if wanted, has room
    likewise, and correct[0] counts those whose largest output is where their target is largest. Each counts by its
    weight. After a signal that raised, what is returned has no meaning."""
    cdef Groups groups = groups_for(work, <void *> parameters, samples, costs, plan.flops)
    cdef Py_ssize_t t, tiles = (samples.m + plan.tile - 1) // plan.tile
    cdef double total = 0
    groups.rows, groups.count, groups.correct, groups.done = samples.m, tiles, correct, work.done
    cr_team_run(team, one_group, &groups, tiles)
    work.done = groups.done  # a signal is looked for amid many short calls, too
    for t in range(tiles):
        total += costs[t]
        if correct and t:
            correct[0] += correct[t]
    return total


def evaluate(Plan plan not None, const real[::1] parameters, X, const real[:, ::1] Y,
             const int32_t[::1] labels, const real[::1] weights=None, const real[:, ::1] output_weights=None,
             int threads=1, int cores=0):
    """The mean cost of the m samples; how many of them have their largest output where their target is largest; and of
    how many. Each counts by its weight, 1 without weights; in the cost alone each output by its own, too."""
    cdef Samples samples = samples_of[real](plan, X, Y, labels, None, weights, output_weights)
    plan = plan_for(plan, &samples, sizeof(real))
    cdef Py_ssize_t tiles = (samples.m + plan.tile - 1) // plan.tile
    cdef Team team = Team(plan, samples.m, tiles, threads, cores, 1.0 / 3)
    cdef size_t extra = 2 * tiles * sizeof(double) + 128 + bytes_for_parameters(plan, sizeof(real))
    cdef Workspace work = Workspace(plan, min(samples.m, plan.tile), sizeof(real), extra, team.size, samples.room)
    cdef const real *p = parameters_for[real](plan, parameters, work)
    cdef double *costs = <double *> work.reserve(tiles * sizeof(double))
    cdef double *correct = <double *> work.reserve(tiles * sizeof(double))
    cdef double cost, total = 0
    cdef Py_ssize_t t
    with nogil:
        for t in range(tiles):  # in the order of what is counted, so that all right is 1
            total += total_weight[real](&samples, t * plan.tile, min(plan.tile, samples.m - t * plan.tile), p)
        cost = total_cost[real](plan, p, &samples, work, team.members, costs, correct)
    work.reraise()
    return cost / total, correct[0], total


cdef inline void scale_outputs(const Net *net, real *out, Py_ssize_t m) noexcept nogil:
    """out (m, n_L) <- what is handed out of a^L: in the units of the targets, rounded once."""
    cdef Py_ssize_t i, j, n = net.layers[net.depth - 1].n_out
    cdef const double *scale = net.output_scaling
    if scale == NULL:
        return
    for i in range(m):
        for j in range(n):
            out[i * n + j] = <real> (scale[j] * out[i * n + j] + scale[n + j])


cdef struct Outputs:   # what a team feeds forward, a tile at a time
    Tile tile
    Tape *tapes
    void **xs          # where each thread gathers inputs
    void *out          # (m, n_L)
    Py_ssize_t rows
    double sample_work, done
    volatile bint stop


cdef inline void do_outputs(Outputs *outputs, Py_ssize_t t, int thread, const real *precision) noexcept nogil:
    cdef Tile tile = outputs.tile
    cdef Py_ssize_t start, last = tile.net.depth - 1
    cdef Part part
    if outputs.stop:
        return
    tile.tape, tile.x_room = &outputs.tapes[thread], outputs.xs[thread]
    start = t * tile.net.tile
    place_tile[real](&tile, start, min(<Py_ssize_t> tile.net.tile, outputs.rows - start), precision)
    tile.tape.a[last] = <real *> outputs.out + tile.start * tile.net.layers[last].n_out
    part = whole(tile.m, 0)
    if tile.tape.sparse:
        read_entries[real](tile.samples, tile.start, &part, tile.net, tile.tape.sparse, precision)
    else:
        read_inputs[real](tile.samples, tile.start, tile.m, tile.net, <real *> tile.x_room)
    equations.feedforward[real](tile.net, <const real *> tile.parameters, &tile.x, &part, tile.tape)
    scale_outputs[real](tile.net, <real *> tile.tape.a[last], tile.m)
    if thread == 0:
        outputs.done += tile.m * outputs.sample_work
        if outputs.done > WORK_BETWEEN_SIGNALS or tile.row_costs:  # or for what a user's function has raised
            outputs.done = 0
            if interrupted_in(tile.work):
                outputs.stop = True


cdef void some_outputs(void *outputs, size_t t, int thread) noexcept nogil:
    if (<Outputs *> outputs).tile.single:
        do_outputs[float](<Outputs *> outputs, t, thread, <const float *> NULL)
    else:
        do_outputs[double](<Outputs *> outputs, t, thread, <const double *> NULL)


def feedforward(Plan plan not None, const real[::1] parameters, X, real[:, ::1] out, int threads=1, int cores=0):
    """out (m, n_L) <- what the network says of each row of X (m, n_1): a^L, or that as the outputs are scaled."""
    cdef Samples samples = samples_of[real](plan, X, out, None, None)
    plan = plan_for(plan, &samples, sizeof(real))
    cdef Py_ssize_t tiles = (samples.m + plan.tile - 1) // plan.tile
    cdef Team team = Team(plan, samples.m, tiles, threads, cores, 1.0 / 3)
    cdef Workspace work = Workspace(plan, min(samples.m, plan.tile), sizeof(real),
                                    bytes_for_parameters(plan, sizeof(real)), team.size, samples.room)
    cdef const real *p = parameters_for[real](plan, parameters, work)
    cdef Outputs outputs
    memset(&outputs, 0, sizeof(Outputs))
    outputs.tile = tile_of(work, 0, <void *> p, &samples, NULL)
    outputs.tapes, outputs.xs, outputs.out, outputs.rows = work.tapes, work.xs, &out[0, 0], samples.m
    outputs.sample_work = plan.flops / 3
    with nogil:
        cr_team_run(team.members, some_outputs, &outputs, tiles)
    work.reraise()


def first_activations(Plan plan not None, X, real[:, ::1] out):
    """out (m, n_1) <- a^1 of each row of X, where the network does not read it as it stands."""
    cdef Samples samples = samples_of[real](plan, X, out, None, None)
    read_inputs[real](&samples, 0, samples.m, &plan.net, &out[0, 0])


def trace(Plan plan not None, const real[::1] parameters, X, const real[:, ::1] Y,
          const int32_t[::1] labels, list z, list a, list delta):
    """z[i], a[i], delta[i] (m, n_l) <- what a forward and a backward pass leave at layer l = i + 2 of every sample."""
    cdef Samples samples = samples_of[real](plan, X, Y, labels, None)
    cdef Net *net = &plan.net
    cdef Workspace work = Workspace(plan, min(samples.m, plan.tile), sizeof(real))
    cdef Py_ssize_t i, start = 0, m
    cdef const real *y
    cdef const real *p = &parameters[0]
    cdef real[:, ::1] view
    cdef Rows x
    cdef Part whole_tile
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
            whole_tile = whole(m, 0)
            x = inputs[real](&samples, start, m, net.layers[0].n_in, <real *> work.xs[0])
            y = targets[real](&samples, start, net, <real *> work.ys[0])
            read_samples[real](&samples, start, &whole_tile, net, NULL, <real *> work.xs[0],
                               <real *> work.ys[0], NULL)
            equations.feedforward[real](net, p, &x, &whole_tile, work.tape)
            equations.backward[real](net, p, y, &whole_tile, work.tape)
        start += m
        work.reraise()
        PyErr_CheckSignals()
