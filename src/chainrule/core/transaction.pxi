# What changes with the parameters in an epoch, and comes back where the epoch does not end.

cdef class TrainingState:
    """What training goes on with, besides the parameters, from call to call."""

    cdef object s, t, average
    cdef uint64_t[::1] steps, clock
    cdef double[::1] epochs
    cdef readonly bint overflown  # whether s or t are not finite

    def __cinit__(self, s, t, average, uint64_t[::1] steps, double[::1] epochs, uint64_t[::1] clock):
        """s, t (n_parameters,): the states of the optimiser, None where it has none; average, likewise, of the
        parameters. steps[0]: how many the optimiser has taken; epochs[0]: how many epochs it has done, for its
        schedule. clock[0]: how many epochs the network has."""
        if steps.shape[0] != 1 or epochs.shape[0] != 1 or clock.shape[0] != 1:
            raise ValueError("expected one number each of steps, epochs and clock")
        self.s, self.t, self.average, self.steps, self.epochs, self.clock = s, t, average, steps, epochs, clock


cdef struct Snapshot:      # what an epoch changes, as it is now, and as it was before the epoch
    void *now[VECTORS]     # NULL: there is none
    void *before[VECTORS]
    size_t bytes           # of each
    uint64_t *steps
    uint64_t steps_before


cdef void take_snapshot(Snapshot *snapshot) noexcept nogil:
    cdef int i
    for i in range(VECTORS):
        if snapshot.now[i]:
            memcpy(snapshot.before[i], snapshot.now[i], snapshot.bytes)
    snapshot.steps_before = snapshot.steps[0]


cdef void put_back(Snapshot *snapshot) noexcept nogil:
    cdef int i
    for i in range(VECTORS):
        if snapshot.now[i]:
            memcpy(snapshot.now[i], snapshot.before[i], snapshot.bytes)
    snapshot.steps[0] = snapshot.steps_before


cdef class Copy:
    """now <- before, for two arrays of one shape, in C order the first."""

    cdef Py_buffer now, before

    def __cinit__(self, now, before):
        if numpy.shape(now) != numpy.shape(before):
            raise ValueError(f"expected arrays of one shape; got {numpy.shape(now)} and {numpy.shape(before)}")
        PyObject_GetBuffer(numpy.ascontiguousarray(before, now.dtype), &self.before, PyBUF_C_CONTIGUOUS)
        PyObject_GetBuffer(now, &self.now, PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS)

    cdef void make(self) noexcept:
        memcpy(self.now.buf, self.before.buf, self.now.len)

    def __dealloc__(self):
        PyBuffer_Release(&self.now)
        PyBuffer_Release(&self.before)


cdef class Exchange:
    """What a dict holds <- what another does. The names that are new have to come first, for which memory is needed."""

    cdef dict held, coming
    cdef list leaving

    def __cinit__(self, dict held, dict coming):
        cdef list added = [name for name in coming if name not in held]
        self.held, self.coming = held, coming
        self.leaving = [name for name in held if name not in coming]
        try:
            for name in added:
                held[name] = None
        except MemoryError:
            for name in added:
                if name in held:
                    del held[name]
            raise

    cdef int make(self) except -1:
        PyDict_Update(self.held, self.coming)
        for name in self.leaving:
            del self.held[name]
        return 0


def restore(list pairs, dict state=None, dict before=None):
    """now <- before, for each of `pairs` of arrays (now, before) of one shape; and state <- before, if it is given.

    No Python code runs in between, and nothing is allocated, so that all belong together wherever a signal comes, and
    however little memory is left.
    """
    cdef list copies = [Copy(now, was) for now, was in pairs]
    cdef Exchange exchange = None if state is None else Exchange(state, before)
    cdef Copy copy
    for copy in copies:
        copy.make()
    if exchange is not None:
        exchange.make()
