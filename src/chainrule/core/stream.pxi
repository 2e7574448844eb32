# Batches that a Python iterable hands out one by one.

cdef class Stream:
    """following() returns the next batch as (X, Y, labels, weights, output_weights) and the exponent of two by which
    these weights of samples are to be multiplied, or None at the end of an epoch."""

    cdef object following
    cdef object batch  # keeps alive what the core reads
    cdef bint ahead    # whether it has not been taken yet

    def __cinit__(self, following):
        self.following = following

    cdef bint begins_sparse(self) except -1:
        """Whether the first batch is sparse."""
        self.batch, self.ahead = self.following(), True
        return self.batch is not None and not isinstance(self.batch[0][0], numpy.ndarray)

    cdef take(self):
        """The next batch, or None."""
        if not self.ahead:
            self.batch = self.following()
        self.ahead = False
        return self.batch


cdef int take_batch(Stream stream, Samples *samples, Workspace work, const real *precision) noexcept nogil:
    """samples <- the next batch, in the place of the one before; of no rows at the end of the epoch."""
    cdef Py_ssize_t first = samples.first + samples.m
    with gil:
        try:
            if stream.take() is None:
                samples.m = 0
            else:
                (X, Y, labels, weights, output_weights), exponent = stream.batch
                samples[0] = samples_of[real](work.plan, X, Y, labels, None, weights, output_weights)
                samples.exponent = exponent
                if work.tape.sparse:
                    work.make_room(min(samples.m, work.rows), room_of(samples) if samples.begins
                                   else work.plan.net.layers[0].n_in + CR_SPARSE_SUMS)
            samples.first = first
        except BaseException as error:
            return work.ended_by(error)
    return FINISHED
