# Training by all samples at once: Python makes the steps, these take them over.

def accept(real[::1] parameters, const real[::1] w, uint64_t[::1] clock, dict state, dict carried, Log log, double cost,
           double seconds):
    """parameters <- w, state <- carried; adds 1 to clock[0], and the figures of an epoch to the log.

    No Python code runs in between, and nothing is allocated, so that they belong together wherever a signal comes, and
    however little memory is left. parameters, w (n_parameters,).
    """
    cdef Figures figures
    cdef Exchange exchange
    log.make_room(&figures, 1, 0)
    exchange = Exchange(state, carried)
    memcpy(&parameters[0], &w[0], parameters.shape[0] * sizeof(real))
    exchange.make()
    figures.costs[0], figures.learning_rates[0], figures.seconds[0] = cost, NAN, seconds
    figures.finished[0] += 1
    clock[0] += 1


def diverged_layer(Plan plan not None, const real[::1] parameters, X, const real[:, ::1] Y,
                   const int32_t[::1] labels, const real[::1] weights=None,
                   const real[:, ::1] output_weights=None):
    """The layer where the cost of the samples, or else its gradient, is not finite for the first time."""
    cdef Samples samples = samples_of[real](plan, X, Y, labels, None, weights, output_weights)
    cdef Workspace work = Workspace(plan, min(samples.m, plan.tile), sizeof(real))
    cdef Py_ssize_t start = 0, m = 0, layer
    cdef double cost = 0
    cdef double costs[MOST_COSTS]
    cdef Tile tile = tile_of(work, 0, <void *> &parameters[0], &samples, costs)
    cdef Part whole_tile
    with nogil:
        while start < samples.m and isfinite(cost) and not work.pause(plan.tile * plan.flops):
            m = min(samples.m - start, plan.tile)
            place_tile[real](&tile, start, m, &parameters[0])
            whole_tile = whole(m, 0)
            forward_part[real](&tile, &whole_tile, &parameters[0])
            cost += total_of(&tile)
            start += m
        layer = first_diverged[real](&parameters[0], &plan.net, work.tape, m)
    work.reraise()
    return layer
