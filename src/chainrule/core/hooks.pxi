# Functions of a user's that are called around each batch.

cdef class Hooks:
    """begin(batch) and end(batch, cost), or None."""

    cdef object begin, end
    cdef readonly bint kept_batches  # whether one raised, and the batches before that of its epoch were kept

    def __cinit__(self, begin, end):
        self.begin, self.end = begin, end

    cdef int before_batch(self, Py_ssize_t batch, Workspace work, const Layouts *layouts) noexcept nogil:
        if self.begin is None:
            return FINISHED
        with gil:
            return self.call(self.begin, (batch,), work, layouts)

    cdef int after_batch(self, Py_ssize_t batch, double cost, Workspace work, const Layouts *layouts) noexcept nogil:
        if self.end is None:
            return FINISHED
        with gil:
            return self.call(self.end, (batch, cost), work, layouts)

    cdef int call(self, function, arguments, Workspace work, const Layouts *layouts) noexcept:
        if layouts:
            show(layouts)
        try:
            function(*arguments)
        except BaseException as error:
            return work.ended_by(error)
        finally:
            if layouts:
                take_in(layouts)
        return FINISHED
