# How many threads work together, and the team they make.

cdef double NANOSECONDS_OF_A_FLOP = 1 / 120.0  # guesses, good enough to choose by
cdef double NANOSECONDS_OF_A_UNIT = 1.5        # for one sample
cdef double NANOSECONDS_OF_A_RUN = 700         # what it takes to begin and end one together
cdef double WORTH_IT = 0.9                     # of the time alone


cdef double step_nanoseconds(Plan plan, Py_ssize_t rows, Py_ssize_t groups, int threads, double part) noexcept:
    """A guess at how long a step of so many rows takes so many threads; part: of its work, as of a forward pass."""
    cdef double work = rows * part * (plan.flops * NANOSECONDS_OF_A_FLOP + n_units(&plan.net) * NANOSECONDS_OF_A_UNIT)
    cdef double runs = 2
    cdef int sharing = threads
    if threads == 1:
        return work
    if groups:
        sharing = min(<Py_ssize_t> threads, groups)
    elif plan.n_parameters <= FEW_PARAMETERS and rows > ROWS_OF_A_COST:
        sharing = min(<Py_ssize_t> threads, rows // ROWS_OF_A_COST)
        work *= 1.15
    else:
        runs = 4 * plan.net.depth
    return work / sharing + runs * NANOSECONDS_OF_A_RUN * (1 + 0.1 * threads)


cdef class Team:
    """The threads of a call, for as long as it takes. One alone where functions in Python take part."""

    cdef cr_team *members  # NULL: the caller alone
    cdef readonly int size
    cdef int threads, cores  # what it was opened with

    def __cinit__(self, Plan plan, Py_ssize_t rows, Py_ssize_t groups, int threads, int cores, double part=1):
        """threads: how many; 0: as many of `cores` as are worth it for steps of so many rows, in so many groups."""
        cdef int n
        cdef double alone, best
        if plan.calls_python:
            threads = 1
        elif threads == 0:
            threads = 1
            alone = step_nanoseconds(plan, rows, groups, 1, part)
            best = alone * WORTH_IT
            for n in range(2, cores + 1):
                if step_nanoseconds(plan, rows, groups, n, part) < best:
                    threads, best = n, step_nanoseconds(plan, rows, groups, n, part)
        else:
            cores = 0  # as many as asked for
        self.threads, self.cores, self.size = threads, cores, 1
        self.open()

    cdef void open(self) noexcept nogil:
        """Have the threads together, unless they are."""
        if self.members == NULL and self.threads > 1:
            self.members = cr_team_open(self.threads, self.cores)
            self.size = cr_team_size(self.members)

    cdef void close(self) noexcept nogil:
        """Leave them to others until `open`; memory for so many is kept."""
        cr_team_close(self.members)
        self.members = NULL

    def __dealloc__(self):
        self.close()
