# Mini-batches that are made of blocks, whose gradients are summed elsewhere: the parts of an epoch, one a call.

cdef class Blocks:
    """The epochs of `train` in the hands of Python, on the same memory: each block's gradient, and the step along what
    is made of them. `layer` is where a cost stopped being finite for the first time, or 0."""

    cdef Trainee kept
    cdef object samples  # keeps alive what the core reads
    cdef bint single
    cdef readonly Py_ssize_t layer
    cdef readonly bint overflown

    def __cinit__(self, Plan plan, parameters, Recipe recipe, TrainingState state, Data data, Log log,
                  Py_ssize_t epochs, int threads=1, int cores=0):
        """As `train` takes them; data are in_blocks."""
        self.single, self.samples = parameters.itemsize == sizeof(float), data
        if self.single:
            self.kept = prepare[float](plan, parameters, recipe, state, data, log, epochs, None, threads, cores)
        else:
            self.kept = prepare[double](plan, parameters, recipe, state, data, log, epochs, None, threads, cores)
        self.kept.team.close()  # between calls its threads are others'

    def take(self, samples, int exponent):
        """Go on with other samples, (X, Y, labels, weights, output_weights); their weights are so many 2**exponent."""
        cdef Trainee t = self.kept
        X, Y, labels, weights, output_weights = samples
        if self.single:
            t.samples = samples_of[float](t.plan, X, Y, labels, None, weights, output_weights)
        else:
            t.samples = samples_of[double](t.plan, X, Y, labels, None, weights, output_weights)
        t.samples.exponent, self.samples = exponent, samples

    def begin_epoch(self):
        """Keep what comes back if the epoch does not end."""
        take_snapshot(&self.kept.snapshot)
        begin_dropout(self.kept)
        self.layer = 0

    def block_gradient(self, nabla, Py_ssize_t start, Py_ssize_t rows, Py_ssize_t place, uint64_t seed,
                       double counted):
        """nabla (n_parameters,) <- the gradient of the rows from `start` on, 1 or more, divided by `counted`, the weight
        of the mini-batch; returns the sum of their costs.

        place: how many rows of its block came before these in the epoch; with that and a seed of the block's own units
        are dropped."""
        cdef Trainee t = self.kept
        cdef double cost = 0
        cdef Py_ssize_t layer = 0
        t.samples.first = place - start
        t.tile.counted, t.tile.way_down = counted, TO_BUFFER
        if self.single:
            layer = gradient_of_block[float](t, nabla, start, rows, seed, &cost)
        else:
            layer = gradient_of_block[double](t, nabla, start, rows, seed, &cost)
        t.work.reraise()
        self.layer = self.layer or layer
        return cost

    def follow(self, nabla, double rate, double counted, Py_ssize_t first, Py_ssize_t end):
        """The optimiser's next step along a mean gradient (n_parameters,), for the parameters from `first` to end - 1,
        where limits need all of them; none, where the mini-batch weighs nothing."""
        cdef Trainee t = self.kept
        cdef uint64_t *steps = t.snapshot.steps
        steps[0] += 1
        if counted == 0:
            return
        begin_step(&t.descent, rate, steps[0])
        penalise_by_batch(&t.descent, counted, t.samples.exponent)
        if self.single:
            follow_some[float](t, nabla, first, end)
        else:
            follow_some[double](t, nabla, first, end)

    def end_epoch(self, double cost, double rate, double seconds):
        """Count the epoch as finished, with its figures. Returns 0; or the layer where parameters, or if self.overflown
        states, are not finite: then nothing is counted."""
        cdef Trainee t = self.kept
        if self.single:
            return end_blocks[float](self, t, cost, rate, seconds, <const float *> NULL)
        return end_blocks[double](self, t, cost, rate, seconds, <const double *> NULL)

    def put_back(self):
        """Have all as it was when the epoch began."""
        put_back(&self.kept.snapshot)


cdef Py_ssize_t gradient_of_block(Trainee t, real[::1] nabla, Py_ssize_t start, Py_ssize_t rows, uint64_t seed,
                                  double *cost) except -1:
    """Returns 0, or the layer where the cost is not finite."""
    cdef Py_ssize_t i, layer = 0
    cdef const real *precision = <const real *> NULL
    cdef Tile *tile = &t.tile
    tile.nabla = &nabla[0]
    with nogil:
        t.team.open()
        t.members = t.team.members
        for i in range(t.sizes.threads if t.dropouts else 0):
            t.dropouts[i].seed = seed
        if gradient_of[real](t, start, rows, cost, precision) == DIVERGED:
            layer = layer_of_divergence[real](t, precision)
        t.team.close()
    return layer


cdef int follow_some(Trainee t, real[::1] nabla, Py_ssize_t first, Py_ssize_t end) except -1:
    cdef Tile *tile = &t.tile
    cdef const Layer *layer
    cdef Py_ssize_t i
    tile.nabla = &nabla[0]
    with nogil:
        if end - first == tile.net.n_parameters:
            descent.limit_gradient[real](<real *> tile.nabla, tile.net, &t.descent)
            tile.m = 1
            t.team.open()
            go_down[real](tile, t.team.members, FOLLOW, <const real *> NULL)
            t.team.close()
        else:
            for i in range(tile.net.depth):
                layer = &tile.net.layers[i]
                follow_range[real](tile, 2 * i, max(first, layer.weights),
                                   min(end, layer.weights + n_weights(layer, layer.n_out)), &nabla[0])
                if layer.biases >= 0:
                    follow_range[real](tile, 2 * i + 1, max(first, layer.biases),
                                       min(end, layer.biases + layer.n_out), &nabla[0])
            if tile.net.scale >= 0:
                follow_range[real](tile, descent.part_of_scale(tile.net), max(first, tile.net.scale), end, &nabla[0])
    return 0


cdef inline void follow_range(const Tile *tile, Py_ssize_t part, Py_ssize_t first, Py_ssize_t end,
                              const real *nabla) noexcept nogil:
    """The step of the parameters from `first` to end - 1, which are of one part."""
    cdef real *w = <real *> tile.parameters
    cdef real *average = <real *> tile.state.average
    if first >= end:
        return
    descent.follow_numbers[real](w, tile.state, nabla, first, end - first, part, tile.descent)
    if average:
        kernels.move_average[real](average + first, w + first, end - first, tile.state.keep)


cdef Py_ssize_t end_blocks(Blocks self, Trainee t, double cost, double rate, double seconds,
                           const real *precision) noexcept:
    cdef Py_ssize_t e = t.figures.epochs
    if not is_finite[real](t, precision):
        self.overflown = t.overflown
        return layer_of_divergence[real](t, precision)
    t.figures.costs[e], t.figures.seconds[e] = cost, seconds
    end_epoch[real](t, rate, precision)
    return 0
