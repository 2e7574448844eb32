# What is computed, and the memory to do it in.

# Rows that go forward and back together: 512, or fewer where the network is so large that a signal would wait for them.
# Neither the data nor the number of threads decides, so that results depend on neither.
cdef enum:
    MOST_ROWS = 512, FEWEST_ROWS = 8, VIEWS = 16
cdef double WORK_OF_A_TILE = 1.2e11
cdef double DENSE_OVER_SPARSE = 16

# A signal (Ctrl-C) is looked for each time this much arithmetic is done: some 20 to 200 ms.
cdef double WORK_BETWEEN_SIGNALS = 4e9
cdef double WORK_OF_A_LAYER = 2e4  # what a step costs beyond its arithmetic, for each layer

cdef enum Outcome:
    FINISHED, INTERRUPTED, STOPPED, DIVERGED  # STOPPED: by a callback, which keeps what is done


cdef class Plan:
    """What is computed: the layers, their activations, the cost, and where each W^l and b^l stands in the flat vector."""

    cdef Net net
    cdef double *cost_parameters
    cdef const float[:, ::1] scaling_f32   # of the inputs, or None
    cdef const double[:, ::1] scaling_f64
    cdef readonly object user_cost         # a Python object, or None
    cdef readonly list user_activations    # by layer, likewise
    cdef readonly bint calls_python        # whether there is any of these
    cdef readonly bint shifts_inputs
    cdef readonly tuple sizes
    cdef readonly Py_ssize_t n_parameters, tile
    cdef readonly double flops  # of a forward and a backward pass of one sample
    cdef Pace pace              # of its training
    cdef Workspace one_sample   # for one, once it was needed
    cdef Plan striped           # the same with W^2 in stripes, likewise
    cdef tuple arguments

    def __cinit__(self, sizes, activations, cost, bint bias, scaling=None, Py_ssize_t stripe=1):
        """scaling: input_scale and input_shift, float64 (2, n_1), or None. stripe: how many neurons of W^2 stand
        together in memory."""
        cdef Py_ssize_t i, offset = 0
        cdef Layer *layer
        self.arguments = (sizes, activations, cost, bias, scaling)
        self.sizes = tuple(sizes)
        self.net.depth = len(self.sizes) - 1
        name, parameters = cost
        self.user_cost = None if isinstance(name, str) else name
        self.net.cost = COSTS.index(name) if self.user_cost is None else <int> OF_THE_USER
        self.net.low = cr_cost_lows[self.net.cost] if self.user_cost is None else 0
        self.user_activations = [None if isinstance(name, str) else name for name, _ in activations]
        self.calls_python = any(each is not None for each in (self.user_cost, *self.user_activations))
        self.cost_parameters = <double *> cr_aligned_alloc((len(parameters) + 1) * sizeof(double))
        if not self.cost_parameters:
            raise MemoryError
        for i, parameter in enumerate(parameters):
            self.cost_parameters[i] = parameter
        self.net.cost_parameters = self.cost_parameters
        self.shifts_inputs = scaling is not None and scaling[1].any()
        if scaling is not None:
            self.scaling_f64, self.scaling_f32 = scaling, scaling.astype(numpy.float32)
            self.net.scaling_f64, self.net.scaling_f32 = &self.scaling_f64[0, 0], &self.scaling_f32[0, 0]
        self.net.layers = <Layer *> cr_aligned_alloc(self.net.depth * sizeof(Layer))
        if not self.net.layers:
            raise MemoryError
        for i in range(self.net.depth):
            layer = &self.net.layers[i]
            layer.n_in, layer.n_out = self.sizes[i], self.sizes[i + 1]
            name, layer.parameter = activations[i]
            if isinstance(name, str):
                layer.activation = ACTIVATIONS.index(name)
                layer.slope_from_z = cr_activation_sources[layer.activation] == c'z'
            else:
                layer.activation, layer.slope_from_z = OF_THE_USER, True
            layer.weights, layer.stripe = offset, stripe if i == 0 else 1
            offset += n_weights(layer, layer.n_out)
            layer.biases = offset if bias else -1
            offset += layer.n_out if bias else 0
            # of sparse rows nobody knows how many numbers there will be: a guess
            self.flops += 6.0 * layer.n_in * layer.n_out / (1 if layer.stripe == 1 else DENSE_OVER_SPARSE)
        self.net.n_parameters = self.n_parameters = offset
        self.tile = MOST_ROWS
        while self.tile > FEWEST_ROWS and self.tile * self.flops > WORK_OF_A_TILE:
            self.tile //= 2
        self.net.tile = self.tile

    @property
    def scales_inputs(self):
        return self.net.scaling_f64 != NULL

    def __dealloc__(self):
        cr_aligned_free(self.net.layers)
        cr_aligned_free(self.cost_parameters)


cdef class Workspace:
    """The memory of one call: sized once, 64-byte aligned, freed when the call ends. Also keeps an exception that a
    signal handler raised during the call."""

    cdef char *block
    cdef object owner  # of the block, if functions of the user's see parts of it and may keep them; else None
    cdef size_t itemsize, size, reserved
    cdef Tape *tape
    cdef double done  # the work since a signal was looked for
    cdef object error
    cdef UserFunctions user
    cdef Plan plan
    cdef double *costs  # of the rows of a tile, (rows,), where they are a user's
    cdef Tape *tapes    # of each thread, the first of them `tape`, with its rooms for inputs and targets
    cdef void **xs
    cdef void **ys
    cdef object costs_array
    cdef Py_ssize_t rows
    cdef const void *starts[VIEWS]  # arrays over parts of this memory, for a user's functions:
    cdef Py_ssize_t shapes[VIEWS][2]
    cdef bint for_user[VIEWS]
    cdef list views
    cdef Py_ssize_t oldest
    cdef int threads
    cdef Py_ssize_t entries   # of a tile of sparse rows there is room for; in arrays of their own if it had to grow
    cdef list entries_arrays

    def __cinit__(self, Plan plan, Py_ssize_t rows, size_t itemsize, size_t extra_bytes=0, int threads=1,
                  Py_ssize_t room=0):
        """room: for so many numbers of each row that are not 0; 0: for dense rows."""
        cdef Py_ssize_t i, depth = plan.net.depth
        self.itemsize = itemsize
        cdef size_t bytes = 3 * (depth * sizeof(void *) + 64)
        if room:
            bytes += self.padded(sizeof(Sparse)) + self.padded(rows * room * itemsize)
            bytes += self.padded(rows * room * sizeof(int32_t)) + self.padded(rows * sizeof(int32_t))
        else:
            bytes += self.padded(rows * plan.net.layers[0].n_in * itemsize)
        for i in range(depth):  # z, a and delta of each layer; the targets are as wide as the last
            bytes += 4 * self.padded(rows * plan.net.layers[i].n_out * itemsize)
        bytes = threads * bytes + 3 * (threads * sizeof(Tape) + 64) + extra_bytes
        bytes += self.padded(rows * sizeof(double)) if plan.calls_python else 0
        self.size = bytes
        self.allocate(plan.calls_python)
        if not self.block:
            raise MemoryError(f"could not allocate {bytes} bytes to work in, for {rows} rows at a time")
        self.plan, self.rows, self.views = plan, rows, [None] * VIEWS
        self.threads, self.entries = threads, rows * room
        self.user.context, self.user.activate, self.user.multiply_by_slope = <void *> self, user_activate, user_slope
        self.user.cost_delta = user_delta
        if plan.calls_python:
            self.costs = <double *> self.reserve(rows * sizeof(double))
        self.tapes = <Tape *> self.reserve(threads * sizeof(Tape))
        self.xs, self.ys = <void **> self.reserve(threads * sizeof(void *)), <void **> self.reserve(threads * sizeof(void *))
        for i in range(threads):
            self.set_up(&self.tapes[i], rows)
            self.xs[i] = NULL if room else self.reserve(rows * plan.net.layers[0].n_in * itemsize)
            self.tapes[i].sparse = self.sparse_room(rows, room) if room else NULL
            self.ys[i] = self.reserve(rows * plan.net.layers[depth - 1].n_out * itemsize)
        self.tape = &self.tapes[0]

    cdef int set_up(self, Tape *tape, Py_ssize_t rows) except -1:
        """The memory of a forward and a backward pass of so many rows."""
        cdef Net *net = &self.plan.net
        cdef Py_ssize_t i, bytes
        tape.dropout, tape.user = NULL, &self.user
        tape.z = <void **> self.reserve(net.depth * sizeof(void *))
        tape.a = <void **> self.reserve(net.depth * sizeof(void *))
        tape.delta = <void **> self.reserve(net.depth * sizeof(void *))
        for i in range(net.depth):
            bytes = rows * net.layers[i].n_out * self.itemsize
            tape.a[i], tape.delta[i] = self.reserve(bytes), self.reserve(bytes)
            # an activation overwrites z, unless z is needed after it: for σ', or by the cost
            tape.z[i] = self.reserve(bytes) if net.layers[i].slope_from_z or i == net.depth - 1 else tape.a[i]
        return 0

    cdef Sparse *sparse_room(self, Py_ssize_t rows, Py_ssize_t room) except NULL:
        cdef Sparse *sparse = <Sparse *> self.reserve(sizeof(Sparse))
        sparse.entries.values = self.reserve(rows * room * self.itemsize)
        sparse.entries.columns = <int32_t *> self.reserve(rows * room * sizeof(int32_t))
        sparse.entries.counts = <int32_t *> self.reserve(rows * sizeof(int32_t))
        sparse.entries.room = room
        return sparse

    cdef int make_room(self, Py_ssize_t rows, Py_ssize_t room) except -1:
        """Have room for so many numbers of each of so many sparse rows, where batches come one by one."""
        cdef unsigned char[::1] values, columns
        cdef int i
        if rows * room > self.entries:
            self.entries_arrays = []
            for i in range(self.threads):
                values = numpy.empty(rows * room * self.itemsize, "u1")
                columns = numpy.empty(rows * room * sizeof(int32_t), "u1")
                self.entries_arrays.append((values, columns))
                self.tapes[i].sparse.entries.values = &values[0]
                self.tapes[i].sparse.entries.columns = <int32_t *> &columns[0]
            self.entries = rows * room
        for i in range(self.threads):
            self.tapes[i].sparse.entries.room = room
        return 0

    def __dealloc__(self):
        if self.owner is None:
            cr_aligned_free(self.block)

    cdef void allocate(self, bint for_user):
        cdef unsigned char[::1] whole
        if not for_user:
            self.block = <char *> cr_aligned_alloc(self.size)
            return
        self.owner = numpy.zeros(self.size + 64, "u1")
        self.owner = self.owner[-self.owner.ctypes.data % 64:][:self.size]
        whole = self.owner
        self.block = <char *> &whole[0]

    cdef size_t padded(self, size_t bytes) noexcept nogil:
        return (bytes + 63) // 64 * 64

    cdef void *reserve(self, size_t bytes) except NULL:
        """The next so many bytes of the block, on a boundary of 64."""
        cdef void *place = self.block + self.reserved
        self.reserved += self.padded(bytes)
        if self.reserved > self.size:
            raise MemoryError(f"the workspace of {self.size} bytes is too small: a request was not counted")
        return place

    cdef view(self, const void *start, Py_ssize_t m, Py_ssize_t n, bint for_user):
        """The m rows of n numbers from `start` on as an array; the last few are kept.

        for_user: one to hand out, read-only, whose memory lives as long as it. Without, not to be handed out."""
        cdef Py_ssize_t i, offset = <char *> start - self.block
        for i in range(VIEWS):
            if (self.starts[i] == start and self.shapes[i][0] == m and self.shapes[i][1] == n
                    and self.for_user[i] == for_user):
                return self.views[i]
        dtype = "f4" if self.itemsize == 4 else "f8"
        memory = PyMemoryView_FromMemory(<char *> start, m * n * self.itemsize, PyBUF_WRITE)
        array = numpy.frombuffer(memory, dtype).reshape(m, n)
        if for_user:
            if not 0 <= offset < <Py_ssize_t> self.size:  # the caller's data, or what is returned to him
                array = array.copy()
                array.setflags(write=False)
                return array
            array = self.owner[offset:offset + m * n * self.itemsize].view(dtype).reshape(m, n)
            array.setflags(write=False)
        i = self.oldest
        self.oldest = (i + 1) % VIEWS
        self.starts[i], self.shapes[i][0], self.shapes[i][1], self.for_user[i] = start, m, n, for_user
        self.views[i] = array
        return array

    cdef costs_view(self, Py_ssize_t m):
        """The costs of the first m rows of a tile as an array, (m,); not to be handed out."""
        if self.costs_array is None:
            memory = PyMemoryView_FromMemory(<char *> self.costs, self.rows * sizeof(double), PyBUF_WRITE)
            self.costs_array = numpy.frombuffer(memory, "f8")
        return self.costs_array if m == self.rows else self.costs_array[:m]

    cdef bint pause(self, double work) noexcept nogil:
        """Count work as done; look for a signal from time to time. Whether a handler has raised, or a function of the
        user's."""
        self.done += work
        if self.error is not None or self.done < WORK_BETWEEN_SIGNALS:
            return self.error is not None
        self.done = 0
        return self.interrupted()

    cdef bint interrupted(self) noexcept nogil:
        with gil:
            try:
                PyErr_CheckSignals()
            except BaseException as error:
                self.error = error
                return True
        return False

    cdef int ended_by(self, error) noexcept:
        """Keep an exception of a callback or of the data. It ends training after the batches done; a Ctrl-C undoes the
        epoch, as anywhere."""
        self.error = error
        return INTERRUPTED if isinstance(error, KeyboardInterrupt) else STOPPED

    cdef int reraise(self) except -1:
        if self.error is not None:
            raise self.error
        return 0
