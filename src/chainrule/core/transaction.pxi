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


def restore(list pairs, dict state=None, dict before=None):
    """now <- before, for each of `pairs` of arrays (now, before) of one shape; and state <- before, if it is given.

    No Python code runs in between, so that all belong together wherever a signal comes.
    """
    for now, was in pairs:
        now[...] = was
    if state is not None:
        state.clear()
        state.update(before)
