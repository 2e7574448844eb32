# A mini-batch of several tiles: a group of tiles, one after another, is a thread's, and has a gradient of its own;
# these are summed in their order. How many groups there are depends on shapes alone: a power of 2, which 2, 4, 8 or 16
# threads share well, since all have as many tiles and these about as many samples. Smaller groups would keep more
# threads busy; these already cost a thread that goes alone 1 to 3 %. Where they take too much memory, tiles go one by
# one.

cdef enum:
    SAMPLES_OF_A_GROUP = 256, MOST_GROUPS = 16, MOST_BYTES_OF_GROUPS = 1 << 24

cdef struct Groups:
    Tile tile                   # what all have in common
    Tape *tapes                 # and each thread for itself
    void **xs
    void **ys
    void **us
    Py_ssize_t start, rows      # so many rows from `start` on
    Py_ssize_t count            # how many groups there are
    void *gradients             # (count, n_parameters), each begun on a cache line; NULL: costs alone
    double *costs               # of each group, (count,)
    double *correct             # likewise, or NULL: how many answers are right, each by its weight
    Watch *watch                # or NULL; with it, a thread goes alone
    double sample_work, done
    volatile bint stop


cdef Py_ssize_t groups_of(const Net *net, Py_ssize_t rows, size_t itemsize) noexcept nogil:
    """How many there are for so many samples; 0: one tile is enough, or their gradients would take too much memory."""
    cdef Py_ssize_t groups = 1, most = MOST_BYTES_OF_GROUPS // stride_of(net, itemsize)
    if rows <= net.tile:
        return 0
    while groups * SAMPLES_OF_A_GROUP < rows and groups < MOST_GROUPS and 2 * groups <= most:
        groups *= 2
    return groups if groups > 1 else 0


cdef Py_ssize_t stride_of(const Net *net, size_t itemsize) noexcept nogil:
    """Bytes from the gradient of one group to that of the next."""
    return padded(net.n_parameters * itemsize)


cdef inline Py_ssize_t tiles_of(const Groups *groups) noexcept nogil:
    """How many tiles there are: as few as can be, as many in each group."""
    cdef Py_ssize_t of_a_group = groups.count * groups.tile.net.tile
    return (groups.rows + of_a_group - 1) // of_a_group * groups.count


cdef inline void place_tile_of(Tile *tile, const Groups *groups, Py_ssize_t t, const real *precision) noexcept nogil:
    """Tile t of those of the groups. Costs alone go by whole tiles, as evaluation counts."""
    cdef Py_ssize_t unit = ROWS_OF_A_COST if groups.gradients else tile.net.tile, tiles = tiles_of(groups)
    cdef Py_ssize_t first = share(groups.rows, unit, t, tiles)
    place_tile[real](tile, groups.start + first, share(groups.rows, unit, t + 1, tiles) - first, precision)


cdef bint interrupted_in(void *work) noexcept nogil:
    with gil:
        return (<Workspace> work).error is not None or (<Workspace> work).interrupted()


cdef size_t bytes_for_groups(const Net *net, Py_ssize_t count, size_t itemsize) noexcept nogil:
    """What the costs and the gradients of so many groups take."""
    return padded(MOST_GROUPS * sizeof(double)) + count * stride_of(net, itemsize)


cdef int set_up_groups(Groups *groups, Workspace work, Py_ssize_t count) except -1:
    groups.costs = <double *> work.reserve(MOST_GROUPS * sizeof(double))
    groups.gradients = work.reserve(count * stride_of(&work.plan.net, work.itemsize))
    return 0


cdef Groups groups_for(Workspace work, void *parameters, const Samples *samples, double *costs,
                       double sample_work) noexcept nogil:
    cdef Groups groups
    memset(&groups, 0, sizeof(Groups))
    groups.tile = tile_of(work, 0, parameters, samples, NULL)
    groups.tapes, groups.xs, groups.ys, groups.us = work.tapes, work.xs, work.ys, work.us
    groups.costs, groups.sample_work = costs, sample_work
    return groups


cdef inline double right_answers(const Tile *tile, const real *precision) noexcept nogil:
    """How many of the tile's samples have their largest output where their target is largest, each by its weight."""
    cdef const Net *net = tile.net
    cdef Py_ssize_t i, last = net.depth - 1, n_out = net.layers[last].n_out
    cdef const real *a = <const real *> tile.tape.a[last]
    cdef const real *y = <const real *> tile.y
    cdef double total = 0
    if not tile.samples.weights:
        return kernels.agreements[real](a, y, tile.m, n_out, net.low)
    for i in range(tile.m):
        total += weight[real](tile.samples, tile.start + i, y) * kernels.agreements[real](
            a + i * n_out, y + i * n_out, 1, n_out, net.low)
    return total


cdef inline void do_group(Groups *groups, Py_ssize_t group, int thread, const real *precision) noexcept nogil:
    cdef Tile tile = groups.tile
    cdef const Net *net = tile.net
    cdef Py_ssize_t of_a_group = tiles_of(groups) // groups.count
    cdef Py_ssize_t t, first = of_a_group * group
    cdef Py_ssize_t n_out = net.layers[net.depth - 1].n_out
    cdef Part part
    cdef double costs[MOST_COSTS]
    tile.costs = costs
    tile.tape, tile.x_room = &groups.tapes[thread], groups.xs[thread]
    tile.y_room, tile.u_room = groups.ys[thread], groups.us[thread]
    tile.nabla = <char *> groups.gradients + group * stride_of(net, sizeof(real))
    groups.costs[group] = 0
    if groups.correct:
        groups.correct[group] = 0
    for t in range(first, first + of_a_group):
        if groups.stop:
            return
        place_tile_of[real](&tile, groups, t, precision)
        part = whole(tile.m, 0)
        forward_part[real](&tile, &part, precision)
        groups.costs[group] += total_of(&tile)
        if groups.correct:
            groups.correct[group] += right_answers[real](&tile, precision)
        if groups.gradients:
            if not isfinite(groups.costs[group]) and not tile.to_the_end:
                groups.stop = True
                return
            backward_part[real](&tile, &part, precision)
            hand_out_inputs[real](&tile, precision)
            if groups.watch:
                look[real](groups.watch, net, tile.tape, tile.samples, tile.start, tile.m, precision)
            tile.nabla_beta = 0 if t == first else 1
            go_down[real](&tile, NULL, DOWN, precision)
        if thread == 0:  # the caller, who can look for a signal
            groups.done += tile.m * groups.sample_work
            if groups.done > WORK_BETWEEN_SIGNALS or tile.row_costs:  # or for what a user's function has raised
                groups.done = 0
                if interrupted_in(tile.work):
                    groups.stop = True


cdef void one_group(void *groups, size_t group, int thread) noexcept nogil:
    if (<Groups *> groups).tile.single:
        do_group[float](<Groups *> groups, group, thread, <const float *> NULL)
    else:
        do_group[double](<Groups *> groups, group, thread, <const double *> NULL)


cdef struct Sum:
    bint single
    void *nabla
    const void *gradients
    Py_ssize_t n, groups, stride, parts


cdef inline void do_sum(const Sum *sum, Py_ssize_t part, const real *precision) noexcept nogil:
    """nabla <- the sum of the groups' gradients, at some of the parameters."""
    cdef Py_ssize_t i, g, first = share(sum.n, 16, part, sum.parts), end = share(sum.n, 16, part + 1, sum.parts)
    cdef real *nabla = <real *> sum.nabla
    cdef const real *of_group
    memcpy(nabla + first, <const real *> sum.gradients + first, (end - first) * sizeof(real))
    for g in range(1, sum.groups):
        of_group = <const real *> (<const char *> sum.gradients + g * sum.stride)
        for i in range(first, end):
            nabla[i] += of_group[i]


cdef void part_of_sum(void *sum, size_t part, int thread) noexcept nogil:
    if (<Sum *> sum).single:
        do_sum[float](<Sum *> sum, part, <const float *> NULL)
    else:
        do_sum[double](<Sum *> sum, part, <const double *> NULL)


cdef int gradient_by_groups(Groups *groups, cr_team *team, void *nabla, double *cost) noexcept nogil:
    """nabla <- the gradient of the rows from groups.start on; `cost` gains the sum of their costs."""
    cdef const Net *net = groups.tile.net
    cdef size_t itemsize = sizeof(float) if groups.tile.single else sizeof(double)
    cdef Py_ssize_t group
    cdef Sum sum
    groups.stop = False
    cr_team_run(team, one_group, groups, groups.count)
    for group in range(groups.count):
        cost[0] += groups.costs[group]
    if not isfinite(cost[0]) and not groups.tile.to_the_end:
        return DIVERGED
    if groups.stop:
        return INTERRUPTED
    sum.single, sum.nabla, sum.gradients = groups.tile.single, nabla, groups.gradients
    sum.n = net.n_parameters if net.scale < 0 else net.scale  # all that BP3 and BP4 make
    sum.groups, sum.stride, sum.parts = groups.count, stride_of(net, itemsize), cr_team_size(team)
    cr_team_run(team, part_of_sum, &sum, sum.parts)
    return FINISHED


cdef int gradient_by_tiles(Tile *tile, cr_team *team, Py_ssize_t start, Py_ssize_t rows, Workspace work,
                           double sample_work, Watch *watch, double *cost, const real *precision) noexcept nogil:
    """tile.nabla <- the gradient of the rows from `start` on, a tile after the other; `cost` gains their costs."""
    cdef Py_ssize_t done = 0
    cdef int outcome
    while done < rows:
        place_tile[real](tile, start + done, min(rows - done, tile.net.tile), precision)
        outcome = forward_and_back[real](tile, team, work, sample_work, cost, precision)
        if outcome != FINISHED:
            return outcome
        hand_out_inputs[real](tile, precision)
        if watch and watch.sees_layers:
            look[real](watch, tile.net, tile.tape, tile.samples, tile.start, tile.m, precision)
        tile.nabla_beta = 0 if done == 0 else 1
        go_down[real](tile, team, DOWN, precision)
        done += tile.m
        if work.pause(0):
            return INTERRUPTED
    return FINISHED
