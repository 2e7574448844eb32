# The memory of one call, and what may end the call early.

# A signal (Ctrl-C) is looked for each time this much arithmetic is done: some 20 to 200 ms.
cdef double WORK_BETWEEN_SIGNALS = 4e9

cdef enum:
    VIEWS = 16  # so many arrays over the memory are kept

cdef enum Outcome:
    FINISHED, INTERRUPTED, STOPPED, DIVERGED  # STOPPED: by a callback, which keeps what is done


cdef inline size_t padded(size_t bytes) noexcept nogil:
    """What `Memory.reserve` takes for so many."""
    return (bytes + 63) // 64 * 64


cdef int check_ready() except -1:
    """Raise unless the calling thread can compute."""
    if not cr_is_ready():
        raise MemoryError("there is no memory for a thread to begin to compute")
    return 0


cdef class Memory:
    """A block of memory, sized once, 64-byte aligned, freed when the call ends, and arrays over its parts. Also keeps
    the exception of a signal handler, or of a function of the user's, that is to end the call."""

    cdef Plan plan
    cdef char *block
    cdef object owner  # of the block, if functions of the user's see parts of it and may keep them; else None
    cdef size_t itemsize, size, reserved
    cdef Py_ssize_t rows  # of a tile
    cdef double *costs    # of these rows, (rows,), where they are a user's
    cdef object costs_array
    cdef const void *starts[VIEWS]  # arrays over parts of this memory, for a user's functions:
    cdef Py_ssize_t shapes[VIEWS][2]
    cdef bint for_user[VIEWS]
    cdef list views
    cdef Py_ssize_t oldest
    cdef double done  # the work since a signal was looked for
    cdef object error

    def __dealloc__(self):
        if self.owner is None:
            cr_aligned_free(self.block)

    cdef void allocate(self, bint for_user):
        """Find the block; it stays NULL where there is no memory. for_user: one that arrays may keep."""
        cdef unsigned char[::1] whole
        if not cr_is_ready():
            return
        if not for_user:
            self.block = <char *> cr_aligned_alloc(self.size)
            return
        self.owner = numpy.zeros(self.size + 64, "u1")
        self.owner = self.owner[-self.owner.ctypes.data % 64:][:self.size]
        whole = self.owner
        self.block = <char *> &whole[0]

    cdef void *reserve(self, size_t bytes) except NULL:
        """The next so many bytes of the block, on a boundary of 64."""
        cdef void *place = self.block + self.reserved
        self.reserved += padded(bytes)
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
        self.done = self.done + work  # not +=, which a build with checks refuses without the GIL
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
        """Keep an exception of a callback or of the data. It ends training after the batches done; a Ctrl-C or want of
        memory undoes the epoch, as anywhere."""
        self.error = error
        return INTERRUPTED if isinstance(error, (KeyboardInterrupt, MemoryError)) else STOPPED

    cdef int reraise(self) except -1:
        if self.error is not None:
            raise self.error
        return 0
