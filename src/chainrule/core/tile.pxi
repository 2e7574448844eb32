# A tile of samples, forward and back and down to the parameters, by one thread or by a team.
#
# Every number has one owner, and comes out the same whoever that is: a thread makes all of it, in the order that the
# shapes say. So neither the number of threads nor the way in which they share the work can change a bit of a result.

cdef enum:
    ROWS_OF_A_COST = 32  # so many samples' costs are summed by one thread; these sums, in their order, make the whole

    MOST_COSTS = MOST_ROWS // ROWS_OF_A_COST
    FEW_PARAMETERS = 1 << 15

cdef enum Phase:         # what the team does next; each ends before another begins
    THROUGH_ROWS         # some samples forward and back through all layers
    READ, WEIGH_INPUTS, ACTIVATE, END_FORWARD, PULL_BACK, THROUGH_SLOPES  # or the same, layer by layer
    DOWN, FOLLOW         # some neurons' gradient, and a step along it; that step alone

cdef enum WayDown:
    IN_PLACE             # plain SGD: the gradient goes to the parameters themselves
    BY_LAYER             # an optimiser takes it, while it is in cache
    TO_BUFFER            # the whole gradient is needed before a parameter changes

cdef struct Tile:
    bint single                 # float32
    const Net *net
    void *parameters
    const Samples *samples
    Py_ssize_t start, m         # the m samples from `start` on
    Rows x                      # where their inputs are
    const void *y               # and their targets,
    const void *u               # and how much each output counts, or NULL
    void *x_room                # where they are gathered
    void *y_room
    void *u_room
    Tape *tape
    double *costs               # of each ROWS_OF_A_COST of them
    double *row_costs           # of each, where the cost is a user's
    void *work                  # the Workspace
    WayDown way_down
    const Descent *descent
    const State *state
    void *nabla
    void *by_inputs             # (m, n_1) of all samples: where δ^2 W^2 of each goes, or NULL
    double counted              # what the samples of the mini-batch weigh
    double nabla_beta           # 0: what nabla holds is replaced; 1: it is added to
    bint to_the_end             # also where the cost is not finite
    Phase phase
    Py_ssize_t layer, parts     # of the phase


cdef Tile tile_of(Workspace work, int thread, void *parameters, const Samples *samples, double *costs) noexcept nogil:
    """A tile for a thread of its own, or that a team shares; `place_tile` says of which samples."""
    cdef Tile tile
    memset(&tile, 0, sizeof(Tile))
    tile.single = work.itemsize == sizeof(float)
    tile.net, tile.parameters, tile.samples, tile.costs = &work.plan.net, parameters, samples, costs
    tile.tape, tile.x_room = &work.tapes[thread], work.xs[thread]
    tile.y_room, tile.u_room = work.ys[thread], work.us[thread]
    tile.row_costs, tile.work = work.costs, <void *> work
    return tile


cdef inline void place_tile(Tile *tile, Py_ssize_t start, Py_ssize_t m, const real *precision) noexcept nogil:
    tile.start, tile.m = start, m
    if tile.tape.sparse:
        tile.x = sparse_inputs(tile.samples, start, m, tile.tape.sparse)
    else:
        tile.x = inputs[real](tile.samples, start, m, tile.net.layers[0].n_in, <real *> tile.x_room)
    tile.y = targets[real](tile.samples, start, tile.net, <real *> tile.y_room)
    tile.u = output_weights[real](tile.samples, start, tile.net, <real *> tile.u_room)
    if tile.tape.dropout:
        tile.tape.dropout.row = tile.samples.first + start


cdef inline Py_ssize_t share(Py_ssize_t n, Py_ssize_t unit, Py_ssize_t part, Py_ssize_t parts) noexcept nogil:
    """Where a part of 0 ... n begins, in whole units."""
    cdef Py_ssize_t units = (n + unit - 1) // unit
    return min(n, units * part // parts * unit)


cdef inline Part some_rows(const Tile *tile, Py_ssize_t part) noexcept nogil:
    cdef Part some = whole(tile.m, 0)
    some.row = share(tile.m, ROWS_OF_A_COST, part, tile.parts)
    some.rows = share(tile.m, ROWS_OF_A_COST, part + 1, tile.parts) - some.row
    return some


cdef inline Part some_neurons(const Tile *tile, const Layer *layer, int way, Py_ssize_t part,
                              Py_ssize_t parts) noexcept nogil:
    # whole cache lines, so that no two threads write to one
    cdef Py_ssize_t unit = CR_CELL(way) if way >= CR_BLAS else max(<Py_ssize_t> 16, layer.stripe)  # whole stripes, too
    cdef Part some = whole(tile.m, 0)
    some.neuron = share(layer.n_out, unit, part, parts)
    some.neurons = share(layer.n_out, unit, part + 1, parts) - some.neuron
    return some


cdef inline double cost_of_rows(const Tile *tile, Py_ssize_t first, Py_ssize_t m, const real *precision) noexcept nogil:
    """The sum of the costs of m samples of the tile from `first` on, each times its weight."""
    cdef const Net *net = tile.net
    cdef Py_ssize_t i, last = net.depth - 1, n_out = net.layers[last].n_out
    cdef const real *z = <const real *> tile.tape.z[last] + first * n_out
    cdef const real *a = <const real *> tile.tape.a[last] + first * n_out
    cdef const real *y = <const real *> tile.y + first * n_out
    cdef const real *u = <const real *> tile.u + first * n_out if tile.u else <const real *> NULL
    cdef double cost, total = 0
    if tile.samples.given:  # no cost; but there is an end where it would have one
        return 0 if kernels.finite[real](z, m * n_out) and kernels.finite[real](a, m * n_out) else NAN
    if net.cost == OF_THE_USER:
        user_costs(tile.work, tile.row_costs, a, y, m)
    elif not tile.samples.weights:
        return kernels.cost_sum[real](net.cost, z, a, y, u, m, n_out, net.cost_parameters)
    for i in range(m):
        if net.cost == OF_THE_USER:
            cost = tile.row_costs[i]
        else:
            cost = kernels.cost_sum[real](net.cost, z + i * n_out, a + i * n_out, y + i * n_out,
                                          u + i * n_out if u else <const real *> NULL, 1, n_out, net.cost_parameters)
        total += cost * weight[real](tile.samples, tile.start + first + i, y) if tile.samples.weights else cost
    return total


cdef inline void costs_of(const Tile *tile, const Part *part, const real *precision) noexcept nogil:
    cdef Py_ssize_t i, row
    if tile.net.cost == OF_THE_USER:  # all at once: the part is the whole
        tile.costs[0] = cost_of_rows[real](tile, 0, tile.m, precision)
        return
    for i in range(part.row // ROWS_OF_A_COST, (part.row + part.rows + ROWS_OF_A_COST - 1) // ROWS_OF_A_COST):
        row = i * ROWS_OF_A_COST
        tile.costs[i] = cost_of_rows[real](tile, row, min(<Py_ssize_t> ROWS_OF_A_COST, tile.m - row), precision)


cdef inline double total_of(const Tile *tile) noexcept nogil:
    """The sum of the costs of the tile's samples."""
    cdef Py_ssize_t i
    cdef double total = 0
    if tile.net.cost == OF_THE_USER:
        return tile.costs[0]
    for i in range((tile.m + ROWS_OF_A_COST - 1) // ROWS_OF_A_COST):
        total += tile.costs[i]
    return total


cdef inline void read_part(Tile *tile, const Part *part, const real *precision) noexcept nogil:
    read_samples[real](tile.samples, tile.start, part, tile.net, tile.tape.sparse, <real *> tile.x_room,
                       <real *> tile.y_room, <real *> tile.u_room)


cdef inline void forward_part(Tile *tile, const Part *part, const real *precision) noexcept nogil:
    """Some samples: read, forward, their costs."""
    read_part[real](tile, part, precision)
    equations.feedforward[real](tile.net, <const real *> tile.parameters, &tile.x, part, tile.tape)
    costs_of[real](tile, part, precision)


cdef inline void output_deltas_of(const Tile *tile, const Part *part, const real *precision) noexcept nogil:
    """δ^L of some samples, each times its weight: from there on it counts so much."""
    cdef Py_ssize_t i, j, last = tile.net.depth - 1, n_out = tile.net.layers[last].n_out, first = part.row * n_out
    cdef real *delta = <real *> tile.tape.delta[last] + first
    cdef real by
    cdef const real *z = <const real *> tile.tape.z[last] + first
    cdef const real *a = <const real *> tile.tape.a[last] + first
    cdef const real *y = <const real *> tile.y + first
    if tile.samples.given:
        equations.given_bp1[real](delta, tile.net, y, tile.samples.given == OUTPUT_GRADIENTS, z, a, part.rows, tile.tape)
    else:
        equations.bp1[real](delta, tile.net, z, a, y, <const real *> tile.u + first if tile.u else <const real *> NULL,
                            part.rows, tile.tape)
    if not tile.samples.weights:
        return
    for i in range(part.rows):
        by = <real> weight[real](tile.samples, tile.start + part.row + i, precision)
        for j in range(n_out):
            delta[i * n_out + j] *= by


cdef inline void backward_part(Tile *tile, const Part *part, const real *precision) noexcept nogil:
    output_deltas_of[real](tile, part, precision)
    equations.hidden_deltas[real](tile.net, <const real *> tile.parameters, part, tile.tape)


cdef inline void hand_out_inputs(const Tile *tile, const real *precision) noexcept nogil:
    """∂C_i/∂a^1 of each of the tile's samples, where it is asked for."""
    cdef Py_ssize_t n_in = tile.net.layers[0].n_in
    if tile.by_inputs:
        equations.by_inputs[real](<real *> tile.by_inputs + tile.start * n_in, n_in, tile.net,
                                  <const real *> tile.parameters, tile.m, tile.tape)


cdef inline void down_part(Tile *tile, Py_ssize_t i, const Part *part, const real *precision) noexcept nogil:
    """BP3 and BP4 for some neurons of layer l = i + 2, and their step, unless the whole gradient has to be there
    first, or that of all neurons, which the scale of the inputs has a part in."""
    cdef real *w = <real *> tile.parameters
    cdef real *nabla = <real *> tile.nabla
    cdef bint is_scaled = i == 0 and tile.net.scale >= 0
    if tile.way_down == IN_PLACE and not is_scaled:
        descent.descend[real](w, tile.net, i, &tile.x, part, tile.tape, tile.descent, tile.counted)
        descent.after_descent[real](w, tile.state, tile.net, i, part, tile.descent)
    elif tile.way_down == TO_BUFFER:
        equations.add_layer_gradient[real](nabla, tile.net, i, &tile.x, part, tile.tape, 1 / tile.counted,
                                           tile.nabla_beta)
    else:
        equations.add_layer_gradient[real](nabla, tile.net, i, &tile.x, part, tile.tape, 1 / tile.counted, 0)
        if not is_scaled:
            follow_part[real](tile, i, part, precision)


cdef inline void follow_part(Tile *tile, Py_ssize_t i, const Part *part, const real *precision) noexcept nogil:
    cdef real *w = <real *> tile.parameters
    descent.follow[real](w, tile.state, <const real *> tile.nabla, tile.net, i, part, tile.descent)
    descent.after_descent[real](w, tile.state, tile.net, i, part, tile.descent)


cdef inline void do_part(Tile *tile, Py_ssize_t index, const real *precision) noexcept nogil:
    """Part `index` of the tile's phase: some neurons, or some rows."""
    if (tile.phase == WEIGH_INPUTS or tile.phase == PULL_BACK or tile.phase == DOWN or tile.phase == FOLLOW):
        do_neurons[real](tile, index, precision)
    else:
        do_rows[real](tile, index, precision)


cdef inline void do_neurons(Tile *tile, Py_ssize_t index, const real *precision) noexcept nogil:
    cdef const Net *net = tile.net
    cdef const real *w = <const real *> tile.parameters
    cdef Tape *tape = tile.tape
    cdef Py_ssize_t i = tile.layer
    cdef const Layer *layer = &net.layers[i]
    cdef Part part
    cdef Rows a
    if tile.phase == WEIGH_INPUTS:
        a = equations.read_by(i, net, &tile.x, tape)
        part = some_neurons(tile, layer, equations.way_of[real](layer, False, True, tile.m, layer.n_out, layer.n_in, w),
                            index, tile.parts)
        if part.neurons:
            equations.weighted_input[real](<real *> tape.z[i], layer, w, &a, &part)
    elif tile.phase == PULL_BACK:
        part = some_neurons(tile, layer,
                            equations.way_of[real](&net.layers[i + 1], False, False, tile.m, layer.n_out,
                                                   net.layers[i + 1].n_out, w),
                            index, tile.parts)
        if part.neurons:
            equations.pull_back[real](<real *> tape.delta[i], net, i, w, <const real *> tape.delta[i + 1], &part)
    else:  # DOWN, FOLLOW: the first part of each layer, the second of each ...
        i = index % net.depth
        layer = &net.layers[i]
        part = some_neurons(tile, layer, equations.way_of[real](layer, True, False, layer.n_out, layer.n_in, tile.m, w),
                            index // net.depth, tile.parts // net.depth)
        if part.neurons and tile.phase == DOWN:
            down_part[real](tile, i, &part, precision)
        elif part.neurons:
            follow_part[real](tile, i, &part, precision)


cdef inline void do_rows(Tile *tile, Py_ssize_t index, const real *precision) noexcept nogil:
    cdef const Net *net = tile.net
    cdef Tape *tape = tile.tape
    cdef Py_ssize_t i = tile.layer
    cdef Part part = some_rows(tile, index)
    if part.rows == 0:
        return
    if tile.phase == READ:
        read_part[real](tile, &part, precision)
        equations.scale_inputs[real](net, <const real *> tile.parameters, &tile.x, &part, tape)
    elif tile.phase == ACTIVATE:
        equations.activation[real](net, i, &part, tape, precision)
    elif tile.phase == END_FORWARD:
        equations.activation[real](net, i, &part, tape, precision)
        costs_of[real](tile, &part, precision)
        output_deltas_of[real](tile, &part, precision)
    elif tile.phase == THROUGH_SLOPES:
        equations.through_activation[real](<real *> tape.delta[i], net, i, <const real *> tape.z[i],
                                           <const real *> tape.a[i], &part, tape)
    else:  # THROUGH_ROWS
        forward_part[real](tile, &part, precision)
        backward_part[real](tile, &part, precision)


cdef void part_of_tile(void *tile, size_t index, int thread) noexcept nogil:
    if (<Tile *> tile).single:
        do_part[float](<Tile *> tile, index, <const float *> NULL)
    else:
        do_part[double](<Tile *> tile, index, <const double *> NULL)


cdef inline void run(cr_team *team, Tile *tile, Phase phase, Py_ssize_t layer, Py_ssize_t parts) noexcept nogil:
    tile.phase, tile.layer, tile.parts = phase, layer, parts
    cr_team_run(team, part_of_tile, tile, parts)


cdef inline bint goes_by_rows(const Net *net, Py_ssize_t m, const real *precision) noexcept nogil:
    """Whether threads share a tile by its samples, each of which reads all weights, or by neurons, with more phases to
    wait for. A product of a BLAS cannot be divided by samples."""
    cdef Py_ssize_t i
    cdef const Layer *layer
    if m <= ROWS_OF_A_COST or net.n_parameters > FEW_PARAMETERS:
        return False
    for i in range(net.depth):
        layer = &net.layers[i]
        if layer.stripe == 1 and equations.way_of[real](layer, False, True, m, layer.n_out, layer.n_in,
                                                        precision) >= CR_BLAS:
            return False
        if i and equations.way_of[real](layer, False, False, m, layer.n_in, layer.n_out, precision) >= CR_BLAS:
            return False
    return True


cdef int forward_and_back(Tile *tile, cr_team *team, Workspace work, double sample_work, double *cost,
                          const real *precision) noexcept nogil:
    """The tile's samples forward and back. `cost` gains the sum of their costs; if that is not finite, it is the
    end."""
    cdef Py_ssize_t i, last = tile.net.depth - 1
    cdef int threads = cr_team_size(team)
    cdef bint by_rows = threads > 1 and goes_by_rows[real](tile.net, tile.m, precision)
    cdef Part whole_tile = whole(tile.m, 0)
    if threads == 1:
        forward_part[real](tile, &whole_tile, precision)
    elif by_rows:
        run(team, tile, THROUGH_ROWS, 0, threads)
    else:
        run(team, tile, READ, 0, threads)
        for i in range(last + 1):
            run(team, tile, WEIGH_INPUTS, i, threads)
            run(team, tile, END_FORWARD if i == last else ACTIVATE, i, threads)
            if work.pause(0):
                return INTERRUPTED
    cost[0] += total_of(tile)
    if not isfinite(cost[0]) and not tile.to_the_end:
        return DIVERGED
    if work.pause(tile.m * sample_work / 3):
        return INTERRUPTED
    if threads == 1:
        backward_part[real](tile, &whole_tile, precision)
    elif not by_rows:
        for i in range(last - 1, -1, -1):
            run(team, tile, PULL_BACK, i, threads)
            run(team, tile, THROUGH_SLOPES, i, threads)
    return INTERRUPTED if work.pause(tile.m * sample_work / 3) else FINISHED


cdef inline void go_down(Tile *tile, cr_team *team, Phase phase, const real *precision) noexcept nogil:
    """From the tile's deltas to its gradient and, if that is the way, to the step; or (FOLLOW) the step alone."""
    cdef Py_ssize_t i
    cdef Part whole_layer
    cdef int threads = cr_team_size(team)
    if threads > 1:
        run(team, tile, phase, 0, threads * tile.net.depth)
    for i in range(tile.net.depth if threads == 1 else 0):
        whole_layer = whole(tile.m, tile.net.layers[i].n_out)
        if phase == DOWN:
            down_part[real](tile, i, &whole_layer, precision)
        else:
            follow_part[real](tile, i, &whole_layer, precision)
    if tile.net.scale >= 0 and (phase == FOLLOW or tile.way_down != TO_BUFFER):
        if phase == DOWN:
            equations.through_scale[real](<real *> tile.nabla, tile.net, <const real *> tile.parameters)
            whole_layer = whole(tile.m, tile.net.layers[0].n_out)
            follow_part[real](tile, 0, &whole_layer, precision)
        descent.follow_scale[real](<real *> tile.parameters, tile.state, <const real *> tile.nabla, tile.net,
                                   tile.descent)


cdef Py_ssize_t first_diverged(const real *parameters, const Net *net, const Tape *tape, Py_ssize_t m) noexcept nogil:
    """The number l of the first layer whose parameters, or else activations, are not finite; L if only the cost is
    not."""
    cdef Py_ssize_t i
    cdef const Layer *layer
    if net.scale >= 0 and not kernels.finite[real](parameters + net.scale, net.layers[0].n_in):
        return 2
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


cdef Py_ssize_t first_lost(const Tile *tile, const real *precision) noexcept nogil:
    """The number l of the first layer for which the optimiser's state is not finite; 0 if all is."""
    cdef const real *states[2]
    cdef Py_ssize_t i, k
    cdef const Layer *layer
    states[0], states[1] = <const real *> tile.state.s, <const real *> tile.state.t
    for k in range(2):
        if states[k] and tile.net.scale >= 0 and not kernels.finite[real](states[k] + tile.net.scale,
                                                                          tile.net.layers[0].n_in):
            return 2
    for i in range(tile.net.depth):
        layer = &tile.net.layers[i]
        for k in range(2):
            if not states[k]:
                continue
            if not kernels.finite[real](states[k] + layer.weights, n_weights(layer, layer.n_out)):
                return i + 2
            if layer.biases >= 0 and not kernels.finite[real](states[k] + layer.biases, layer.n_out):
                return i + 2
    return 0
