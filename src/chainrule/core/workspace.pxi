# The memory of passes forward and back.

cdef class Workspace(Memory):
    """What one call works in: for each thread a tape, and rooms for the inputs, the targets and their weights
    of a tile."""

    cdef Tape *tape     # of the first thread
    cdef Tape *tapes    # of each thread, (threads,)
    cdef void **xs      # its rooms for inputs, targets, and the weights of outputs
    cdef void **ys
    cdef void **us
    cdef int threads
    cdef UserFunctions user
    cdef Py_ssize_t entries   # of a tile of sparse rows there is room for; in arrays of their own if it had to grow
    cdef list entries_arrays

    def __cinit__(self, Plan plan, Py_ssize_t rows, size_t itemsize, size_t extra_bytes=0, int threads=1,
                  Py_ssize_t room=0):
        """room: for so many numbers of each row that are not 0; 0: for dense rows."""
        self.plan, self.rows, self.itemsize, self.threads = plan, rows, itemsize, threads
        self.views, self.entries = [None] * VIEWS, rows * room
        self.size = extra_bytes + threads * self.bytes_of_a_thread(room) + padded(threads * sizeof(Tape))
        self.size += 3 * padded(threads * sizeof(void *))
        if plan.calls_python:
            self.size += padded(rows * sizeof(double))
        self.allocate(plan.calls_python)
        if not self.block:
            raise MemoryError(f"could not allocate {self.size} bytes to work in, for {rows} rows at a time")
        self.set_up_user_functions()
        self.set_up_threads(room)

    cdef size_t bytes_of_a_thread(self, Py_ssize_t room) noexcept:
        """What its tape and its rooms take."""
        cdef const Net *net = &self.plan.net
        cdef Py_ssize_t i, rows = self.rows
        cdef size_t bytes = 3 * padded(net.depth * sizeof(void *))
        if room:
            bytes += padded(sizeof(Sparse)) + padded(rows * room * self.itemsize)
            bytes += padded(rows * room * sizeof(int32_t)) + padded(rows * sizeof(int32_t))
        else:
            bytes += padded(rows * net.layers[0].n_in * self.itemsize)
        for i in range(net.depth):  # z, a and delta of each layer; the targets are as wide as the last
            bytes += 4 * padded(rows * net.layers[i].n_out * self.itemsize)
        bytes += padded(rows * net.layers[net.depth - 1].n_out * self.itemsize)  # as are their weights
        if net.scale >= 0:
            bytes += padded(rows * (room or net.layers[0].n_in) * self.itemsize)
        return bytes

    cdef int set_up_user_functions(self) except -1:
        self.user.context, self.user.activate, self.user.multiply_by_slope = <void *> self, user_activate, user_slope
        self.user.cost_delta = user_delta
        if self.plan.calls_python:
            self.costs = <double *> self.reserve(self.rows * sizeof(double))
        return 0

    cdef int set_up_threads(self, Py_ssize_t room) except -1:
        """A tape and rooms for each thread."""
        cdef const Net *net = &self.plan.net
        cdef Py_ssize_t i, rows = self.rows
        self.tapes = <Tape *> self.reserve(self.threads * sizeof(Tape))
        self.xs = <void **> self.reserve(self.threads * sizeof(void *))
        self.ys = <void **> self.reserve(self.threads * sizeof(void *))
        self.us = <void **> self.reserve(self.threads * sizeof(void *))
        for i in range(self.threads):
            self.set_up_tape(&self.tapes[i])
            self.xs[i] = NULL if room else self.reserve(rows * net.layers[0].n_in * self.itemsize)
            self.tapes[i].sparse = self.sparse_room(room) if room else NULL
            self.tapes[i].scaled = NULL
            if net.scale >= 0 and not room:
                self.tapes[i].scaled = self.reserve(rows * net.layers[0].n_in * self.itemsize)
            self.ys[i] = self.reserve(rows * net.layers[net.depth - 1].n_out * self.itemsize)
            self.us[i] = self.reserve(rows * net.layers[net.depth - 1].n_out * self.itemsize)
        self.tape = &self.tapes[0]
        return 0

    cdef int set_up_tape(self, Tape *tape) except -1:
        """The memory of a forward and a backward pass of a tile."""
        cdef Net *net = &self.plan.net
        cdef Py_ssize_t i, bytes
        tape.dropout, tape.user = NULL, &self.user
        tape.z = <void **> self.reserve(net.depth * sizeof(void *))
        tape.a = <void **> self.reserve(net.depth * sizeof(void *))
        tape.delta = <void **> self.reserve(net.depth * sizeof(void *))
        for i in range(net.depth):
            bytes = self.rows * net.layers[i].n_out * self.itemsize
            tape.a[i], tape.delta[i] = self.reserve(bytes), self.reserve(bytes)
            # an activation overwrites z, unless z is needed after it: for σ', or by the cost
            tape.z[i] = self.reserve(bytes) if net.layers[i].slope_from_z or i == net.depth - 1 else tape.a[i]
        return 0

    cdef Sparse *sparse_room(self, Py_ssize_t room) except NULL:
        """A room for sparse rows, of so many numbers each."""
        cdef Sparse *sparse = <Sparse *> self.reserve(sizeof(Sparse))
        sparse.entries.values = self.reserve(self.rows * room * self.itemsize)
        sparse.entries.columns = <int32_t *> self.reserve(self.rows * room * sizeof(int32_t))
        sparse.entries.counts = <int32_t *> self.reserve(self.rows * sizeof(int32_t))
        sparse.entries.room = room
        sparse.scaled = sparse.entries
        if self.plan.net.scale >= 0:
            sparse.scaled.values = self.reserve(self.rows * room * self.itemsize)
        return sparse

    cdef int make_room(self, Py_ssize_t rows, Py_ssize_t room) except -1:
        """Have room for so many numbers of each of so many sparse rows, where batches come one by one."""
        cdef unsigned char[::1] values, columns, scaled
        cdef Sparse *sparse
        cdef int i
        if rows * room > self.entries:
            self.entries_arrays = []
            for i in range(self.threads):
                values = numpy.empty(rows * room * self.itemsize, "u1")
                columns = numpy.empty(rows * room * sizeof(int32_t), "u1")
                scaled = values
                if self.plan.net.scale >= 0:
                    scaled = numpy.empty(rows * room * self.itemsize, "u1")
                self.entries_arrays.append((values, columns, scaled))
                sparse = self.tapes[i].sparse
                sparse.entries.values, sparse.scaled.values = &values[0], &scaled[0]
                sparse.entries.columns = sparse.scaled.columns = <int32_t *> &columns[0]
            self.entries = rows * room
        for i in range(self.threads):
            self.tapes[i].sparse.entries.room = self.tapes[i].sparse.scaled.room = room
        return 0
