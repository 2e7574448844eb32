# Single steps: mini-batches that a user hands over one by one, on memory that is kept from one to the next.

cdef double BEYOND_INTEGERS = 2.0 ** 64
cdef double LEAST_WEIGHTS[2]  # of float32 and float64: smaller ones are 0
LEAST_WEIGHTS = [numpy.finfo(each).tiny / float(numpy.finfo(each).eps) for each in (numpy.float32, numpy.float64)]
cdef enum:
    MOST_EXPONENT = 1 << 16   # beyond all of float64
    STEPS_BETWEEN_LOOKS = 32  # at the optimiser's states, which take a part of the time of a step


cdef class Stepper:
    """Each call is one step of `train`, with the parameters and the state that it is made for.

    `step` takes arrays that the core can read, and checks them; what it does not take, Python makes of it what
    `step_by` takes. Both return the mean cost before the step, 0 where derivatives are given; or None, where `layer` is
    that of a cost, with nothing done, or if state.overflown of a state, that is not finite. One call at a time."""

    cdef Plan plan
    cdef object parameters
    cdef Recipe recipe
    cdef TrainingState state
    cdef dict carried             # net.optimizer_state,
    cdef tuple arrays             # and what is in it, as it was
    cdef uint64_t seed
    cdef int threads, cores
    cdef double limit, low, high  # of |x|, and of targets; high < low: Python looks at them
    cdef bint takes_labels, chooses, single
    cdef Trainee kept             # for batches of up to so many rows,
    cdef Py_ssize_t rows
    cdef unsigned char[::1] room  # with room for their targets as the core takes them
    cdef void *y
    cdef void *u
    cdef void *weights
    cdef int32_t *labels
    cdef Samples samples          # of the step at hand
    cdef const double[::1] rates  # of the steps of this epoch, of which there are so many,
    cdef Py_ssize_t steps         # or one for all; 0: as many as come
    cdef double idle_since
    cdef readonly Py_ssize_t steps_done, samples_done  # of this epoch
    cdef readonly Py_ssize_t layer

    def __cinit__(self, Plan plan, parameters, Recipe recipe, dict carried, TrainingState state, uint64_t seed, *,
                  double limit, double low, double high, bint takes_labels, bint chooses, int threads=1, int cores=0):
        """carried: the dict whose arrays `state` has. limit: where all |x| are below it, what is read of them is
        finite. low, high: what targets may be; none where high < low. takes_labels: whether whole numbers (m,) are
        labels. chooses: whether the cost is a sum over outputs, so that it can be that of one alone."""
        self.plan, self.parameters, self.recipe, self.state, self.seed = plan, parameters, recipe, state, seed
        self.carried, self.arrays = carried, tuple(carried.values())
        self.limit, self.low, self.high = limit, low, high
        self.takes_labels, self.chooses = takes_labels, chooses
        self.threads, self.cores, self.single = threads, cores, parameters.itemsize == sizeof(float)

    def begin_epoch(self, const double[::1] rates, Py_ssize_t steps, Py_ssize_t steps_done=0,
                    Py_ssize_t samples_done=0):
        """Go by the learning rates of an epoch of so many steps, or by one, where it has any number (0)."""
        self.rates, self.steps, self.steps_done, self.samples_done = rates, steps, steps_done, samples_done

    def end_epoch(self):
        """Count an epoch as done; `begin_epoch` begins another."""
        cdef uint64_t *clock = &self.state.clock[0]
        cdef double *epochs = &self.state.epochs[0]
        clock[0] += 1
        epochs[0] += 1
        self.steps_done = self.samples_done = 0

    def owns(self, state):
        """Whether the dict is that which it steps with, and its arrays are."""
        cdef Py_ssize_t i = 0
        if state is not self.carried or len(self.carried) != len(self.arrays):
            return False
        for array in self.carried.values():
            if array is not self.arrays[i]:
                return False
            i += 1
        return True

    @property
    def epoch_is_over(self):
        """Whether there is no rate for another step."""
        return 0 < self.steps <= self.steps_done

    def step(self, X, Y, int given=0, actions=None, sample_weight=None):
        """A step by X (m, n_1) and by Y: (m, n_L), or labels (m,), or with actions (m,) the target of one output each.

        sample_weight: (m,). NotImplemented where an array is not as simple as that, or anything is wrong with it."""
        cdef bint taken
        if self.epoch_is_over:
            return NotImplemented
        if self.single:
            taken = take_arrays[float](self, X, Y, given, actions, sample_weight, <const float *> NULL)
        else:
            taken = take_arrays[double](self, X, Y, given, actions, sample_weight, <const double *> NULL)
        return self.follow(self.kept) if taken else NotImplemented

    def step_by(self, samples, int given=0, int exponent=0):
        """A step by samples that are checked, (X, Y, labels, weights, output_weights); weights are so many
        2**exponent."""
        cdef Data data
        cdef Trainee trainee
        X, Y, labels, weights, output_weights = samples
        cdef bint dense = isinstance(X, ARRAY)
        self.make_room(len(X), not dense)
        trainee = self.kept
        if self.single:
            self.samples = samples_of[float](self.plan, X, Y, labels, None, weights, output_weights, given)
        else:
            self.samples = samples_of[double](self.plan, X, Y, labels, None, weights, output_weights, given)
        self.samples.exponent = exponent
        if not dense:  # W^2 stands otherwise then, for as long as this step
            data = Data(X, Y, labels, weights, output_weights, batch_size=self.samples.m, seed=self.seed)
            trainee = self.trainee_for(data)
            self.samples.room = trainee.samples.room
        return self.follow(trainee)

    def apply(self, nabla):
        """A step along a gradient (n_parameters,). Returns 0, or the layer where the optimiser's state overflows."""
        self.make_room(1)
        if self.single:
            self.layer = follow_gradient[float](self.kept, nabla, self.rate())
        else:
            self.layer = follow_gradient[double](self.kept, nabla, self.rate())
        self.state.overflown = self.kept.overflown
        self.steps_done += 1
        return self.layer

    cdef double rate(self) noexcept:
        return self.rates[self.steps_done if self.steps else 0]

    cdef Trainee trainee_for(self, Data data):
        if self.single:
            return prepare[float](self.plan, self.parameters, self.recipe, self.state, data, None, 1, None,
                                  self.threads, self.cores)
        return prepare[double](self.plan, self.parameters, self.recipe, self.state, data, None, 1, None, self.threads,
                               self.cores)

    cdef int make_room(self, Py_ssize_t rows, bint elsewhere=False) except -1:
        """Have memory for a batch of so many rows, unless it goes `elsewhere`."""
        cdef size_t number = sizeof(float) if self.single else sizeof(double)
        cdef size_t targets = padded(rows * self.plan.net.layers[self.plan.net.depth - 1].n_out * number)
        cdef size_t weights = padded(rows * number)
        if rows <= self.rows or elsewhere:
            return 0
        self.kept = self.trainee_for(Data(batch_size=rows, seed=self.seed))
        self.kept.team.close()  # between steps its threads are others'
        self.idle_since = cr_seconds()
        self.room = numpy.empty(2 * targets + weights + rows * sizeof(int32_t), "u1")
        self.y, self.u, self.weights = &self.room[0], &self.room[targets], &self.room[2 * targets]
        self.labels, self.rows = <int32_t *> &self.room[2 * targets + weights], rows
        return 0

    cdef follow(self, Trainee t):
        """The step by `samples`."""
        cdef double cost = 0, rate = self.rate()
        cdef int outcome
        cdef Workspace work = t.work
        check_ready()  # another thread may have made its memory
        t.samples = self.samples
        t.samples.first = self.samples_done
        with nogil:
            if self.single:
                outcome = follow_cost[float](t, rate, self.idle_since, &cost, &self.layer, <const float *> NULL)
            else:
                outcome = follow_cost[double](t, rate, self.idle_since, &cost, &self.layer, <const double *> NULL)
        self.state.overflown = t.overflown
        if t.pace:
            self.idle_since = cr_seconds()
        if work.error is not None:
            error, work.error = work.error, None
            raise error
        if outcome != FINISHED:
            return None
        self.steps_done += 1
        self.samples_done += self.samples.m
        return cost


cdef int follow_cost(Trainee t, double rate, double idle_since, double *cost, Py_ssize_t *layer,
                     const real *precision) noexcept nogil:
    """One step; its mean cost, or the layer where that is not finite. Unless it is finished, nothing is done."""
    cdef Py_ssize_t rows = t.samples.m
    cdef double counted
    cdef int outcome
    cdef uint64_t *steps = t.snapshot.steps
    cdef Pace *pace = t.pace
    begin_dropout(t)
    t.team.open()
    if pace and pace.rows != rows:
        begin_pace(pace, rows, t.team.size)
    elif pace:
        pace.began += cr_seconds() - idle_since  # what happens between steps does not count
    outcome = next_step[real](t, rate, 0, rows, cost, &counted, precision)
    t.team.close()
    cost[0] /= counted
    if outcome != FINISHED:
        steps[0] -= 1
        t.overflown = False
        layer[0] = layer_of_divergence[real](t, precision) if outcome == DIVERGED else 0
        return outcome
    if pace:
        count_step(pace)
    layer[0] = look_at_states[real](t, precision)
    if t.sizes.striped:
        show(&t.layouts)
    return DIVERGED if layer[0] else FINISHED


cdef Py_ssize_t follow_gradient(Trainee t, const real[::1] nabla, double rate) except -1:
    """One step of the optimiser along a gradient that is given. Returns 0, or the layer where its state overflows."""
    cdef Tile *tile = &t.tile
    cdef uint64_t *steps = t.snapshot.steps
    memcpy(tile.nabla, &nabla[0], t.sizes.vector)
    steps[0] += 1
    begin_step(&t.descent, rate, steps[0])
    descent.limit_gradient[real](<real *> tile.nabla, tile.net, &t.descent)
    tile.m = 1
    go_down[real](tile, NULL, FOLLOW, <const real *> NULL)
    return look_at_states[real](t, <const real *> NULL)


cdef inline Py_ssize_t look_at_states(Trainee t, const real *precision) noexcept nogil:
    """Every so many steps, and from then on: 0, or the layer where the optimiser's states are not finite."""
    cdef bint now = t.overflown or t.snapshot.steps[0] % STEPS_BETWEEN_LOOKS == 0
    cdef Py_ssize_t layer = first_lost[real](&t.tile, precision) if now else 0
    t.overflown = layer > 0
    return layer


cdef bint take_arrays(Stepper self, X, Y, int given, actions, sample_weight, const real *precision):
    """self.samples <- the arrays, checked; False where they are none that are read here, or anything is wrong."""
    cdef Py_buffer x, y, a, w
    cdef bint taken = False
    if not get_numbers(X, &x):
        return False
    try:
        if not take_x(self, &x) or not get_numbers(Y, &y):
            return False
        try:
            self.make_room(self.samples.m)
            if actions is not None:
                if self.chooses and get_numbers(actions, &a):
                    taken = take_actions[real](self, &y, &a, precision)
                    PyBuffer_Release(&a)
            elif given == TARGETS and self.takes_labels and y.ndim == 1:
                taken = take_labels(self, &y)
            else:
                taken = take_y[real](self, &y, given, precision)
            if taken and sample_weight is not None:
                taken = False
                if get_numbers(sample_weight, &w):
                    taken = take_weights[real](self, &w, precision)
                    PyBuffer_Release(&w)
        finally:
            PyBuffer_Release(&y)
    finally:
        PyBuffer_Release(&x)
    return taken


cdef bint take_x(Stepper self, const Py_buffer *x) noexcept:
    """samples <- inputs (m, n_1), m >= 1, if what is read of them is finite."""
    cdef Samples *samples = &self.samples
    cdef Py_ssize_t n_in = self.plan.net.layers[0].n_in, n
    if x.ndim != 2 or x.shape[1] != n_in or not 1 <= x.shape[0] < 1 << 31 or not is_aligned(x):
        return False
    memset(samples, 0, sizeof(Samples))
    samples.x, samples.m, samples.kind = x.buf, x.shape[0], kind_of(x)
    samples.in_place = (samples.kind == (CR_INPUT_float32 if self.single else CR_INPUT_float64)
                        and self.plan.net.scaling == NULL)
    n = samples.m * n_in
    if samples.kind == CR_INPUT_float32:
        return kernels.count_below[float](<const float *> x.buf, n, <float> self.limit) == <size_t> n
    if samples.kind == CR_INPUT_float64:
        return kernels.count_below[double](<const double *> x.buf, n, self.limit) == <size_t> n
    return samples.kind >= 0 and self.limit > BEYOND_INTEGERS


cdef bint are_whole(const Py_buffer *buffer, Py_ssize_t m) noexcept:
    """Whether there are m whole numbers."""
    return (buffer.ndim == 1 and buffer.shape[0] == m and is_aligned(buffer) and is_format(buffer, b"ilq")
            and (buffer.itemsize == sizeof(int32_t) or buffer.itemsize == sizeof(int64_t)))


cdef bint read_places(const Py_buffer *buffer, int32_t *out, Py_ssize_t m, Py_ssize_t n) noexcept:
    """out (m,) <- m whole numbers, if they are from 0 to n - 1."""
    cdef Py_ssize_t i
    cdef int64_t place
    cdef bint inside = True
    for i in range(m):
        place = ((<const int32_t *> buffer.buf)[i] if buffer.itemsize == sizeof(int32_t)
                 else (<const int64_t *> buffer.buf)[i])
        inside = inside and 0 <= place < n
        out[i] = <int32_t> place
    return inside


cdef bint take_labels(Stepper self, const Py_buffer *y) noexcept:
    """samples <- labels (m,)."""
    cdef Samples *samples = &self.samples
    samples.labels = self.labels
    return are_whole(y, samples.m) and read_places(y, self.labels, samples.m,
                                                   self.plan.net.layers[self.plan.net.depth - 1].n_out)


cdef inline bint is_real(const Py_buffer *buffer) noexcept:
    return is_aligned(buffer) and is_format(buffer, b"fd")


cdef inline real learned(const Py_buffer *y, Py_ssize_t i, const double *scaling, Py_ssize_t n, Py_ssize_t j, int given,
                         const real *precision) noexcept:
    """What number i, for output j of n, is to the network, rounded once."""
    cdef double number = ((<const float *> y.buf)[i] if y.itemsize == sizeof(float) else (<const double *> y.buf)[i])
    if scaling == NULL or given == OUTPUT_DELTAS:
        return <real> number
    return <real> (number * scaling[j] if given == OUTPUT_GRADIENTS else (number - scaling[n + j]) / scaling[j])


cdef bint are_within(const real *y, Py_ssize_t n, double low, double high) noexcept:
    """Whether these are finite, and from low to high."""
    cdef Py_ssize_t i
    cdef real least = y[0], most = y[0]
    if low > -INFINITY or high < INFINITY:
        for i in range(n):
            least, most = min(least, y[i]), max(most, y[i])
        if least < low or most > high:
            return False
    return kernels.finite[real](y, n)


cdef bint take_y(Stepper self, const Py_buffer *y, int given, const real *precision) noexcept:
    """samples <- targets, or what is given in the place of them, (m, n_L), or (m,) for one output."""
    cdef Samples *samples = &self.samples
    cdef const double *scaling = self.plan.net.output_scaling
    cdef Py_ssize_t i, m = samples.m, n = self.plan.net.layers[self.plan.net.depth - 1].n_out
    cdef real *out = <real *> self.y
    if not (is_real(y) and y.shape[0] == m and (y.ndim == 2 and y.shape[1] == n or y.ndim == 1 and n == 1)):
        return False
    samples.given = given
    samples.y = y.buf
    if y.itemsize != sizeof(real) or (scaling and given != OUTPUT_DELTAS):
        for i in range(m * n):
            out[i] = learned[real](y, i, scaling, n, i % n, given, precision)
        samples.y = out
    if given != TARGETS:
        return kernels.finite[real](<const real *> samples.y, m * n)
    return self.low <= self.high and are_within[real](<const real *> samples.y, m * n, self.low, self.high)


cdef bint take_actions(Stepper self, const Py_buffer *q, const Py_buffer *actions, const real *precision) noexcept:
    """samples <- a target q (m,) for the one output of each sample that counts."""
    cdef Samples *samples = &self.samples
    cdef const double *scaling = self.plan.net.output_scaling
    cdef Py_ssize_t i, j, m = samples.m, n = self.plan.net.layers[self.plan.net.depth - 1].n_out
    cdef real *y = <real *> self.y
    cdef real *u = <real *> self.u
    if not (is_real(q) and q.ndim == 1 and q.shape[0] == m and are_whole(actions, m)
            and read_places(actions, self.labels, m, n)):
        return False
    for i in range(m):
        y[i * n] = learned[real](q, i, scaling, n, self.labels[i], TARGETS, precision)
        for j in range(n):
            y[i * n + j], u[i * n + j] = y[i * n], j == self.labels[i]
    samples.y, samples.u = y, u
    return self.low <= self.high and are_within[real](y, m * n, self.low, self.high)


cdef bint take_weights(Stepper self, const Py_buffer *w, const real *precision) noexcept:
    """samples <- the weights of samples (m,), as `weights_of` in Python makes them of the same numbers."""
    cdef Py_ssize_t i, m = self.samples.m
    cdef real *out = <real *> self.weights
    cdef double number
    cdef int exponent, most = -MOST_EXPONENT
    if not (is_real(w) and w.ndim == 1 and w.shape[0] == m):
        return False
    for i in range(m):
        number = (<const float *> w.buf)[i] if w.itemsize == sizeof(float) else (<const double *> w.buf)[i]
        if not 0 <= number < INFINITY:
            return False
        frexp(number, &exponent)
        if number > 0:
            most = max(most, exponent)
    for i in range(m):
        number = (<const float *> w.buf)[i] if w.itemsize == sizeof(float) else (<const double *> w.buf)[i]
        out[i] = <real> ldexp(number, -most)
        if out[i] < LEAST_WEIGHTS[own_kind[real](precision) == CR_INPUT_float64]:
            out[i] = 0
    self.samples.weights, self.samples.exponent = out, most
    return most > -MOST_EXPONENT
