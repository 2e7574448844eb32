# Batches that a Python iterable hands out one by one.

cdef class Stream:
    """following() returns the next batch as (X, Y, labels, weights), or None at the end of an epoch."""

    cdef object following
    cdef object batch  # keeps alive what the core reads

    def __cinit__(self, following):
        self.following = following


cdef int take_batch(Stream stream, Samples *samples, Workspace work, const real *any_real) noexcept nogil:
    """samples <- the next batch, in the place of the one before; of no rows at the end of the epoch."""
    cdef Py_ssize_t first = samples.first + samples.m
    with gil:
        try:
            stream.batch = stream.following()
            if stream.batch is None:
                samples.m = 0
            else:
                X, Y, labels, weights = stream.batch
                samples[0] = samples_of[real](work.plan, X, Y, labels, None, weights)
            samples.first = first
        except BaseException as error:
            return work.ended_by(error)
    return FINISHED
