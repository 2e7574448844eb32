# Whether a team is quicker than one thread alone is measured while training goes on, since nobody knows what else the
# machine has to do. Both give the same bits, so that nothing else depends on it.

cdef double SECONDS_OF_A_LOOK = 200e-6
cdef enum:
    FIRST_STAY = 8, LONGEST_STAY = 1024  # looks between two at the other way
    LOOKS_FOR_ONE = 200                  # or so many for each that the other way, had in vain, has cost

cdef struct Pace:
    Py_ssize_t rows     # of the steps it is about, by so many threads
    int threads
    bint together       # which way it goes now
    bint fresh          # since the look at hand: workers may have to wake, and caches to fill; it does not count
    bint slow           # whether the look before was slower than the other way had been
    double took[2]      # seconds of a step alone, and together; 0: not known
    double began        # the look at hand
    Py_ssize_t steps    # done in it
    Py_ssize_t each     # how many a look takes
    Py_ssize_t left     # looks until the other way has its turn
    Py_ssize_t stay     # how many there are


cdef void begin_pace(Pace *pace, Py_ssize_t rows, int threads) noexcept nogil:
    """Go on with what is known, if it is of such steps."""
    if pace.rows != rows or pace.threads != threads:
        memset(pace, 0, sizeof(Pace))
        pace.rows, pace.threads, pace.each, pace.left, pace.stay = rows, threads, 1, 1, FIRST_STAY
        pace.together = True
    pace.steps, pace.began, pace.fresh = 0, cr_seconds(), True


cdef inline void count_step(Pace *pace) noexcept nogil:
    cdef double now
    pace.steps += 1
    if pace.steps < pace.each:
        return
    now = cr_seconds()
    if not pace.fresh:
        end_look(pace, (now - pace.began) / pace.steps)
    else:
        pace.fresh = False
    pace.steps, pace.began = 0, now


cdef inline void change(Pace *pace) noexcept nogil:
    pace.together, pace.fresh = not pace.together, True


cdef void end_look(Pace *pace, double took) noexcept nogil:
    """Keep to the quicker way; the more often that was right, and the dearer the other is, the more seldom that is tried;
    but soon where it has been quicker than what is kept to, twice in a row: a look may meet a hiccup of the machine."""
    cdef bint together = pace.together
    cdef bint was_tried = pace.left <= 0
    cdef double lost
    pace.took[together] = took
    pace.each = max(<Py_ssize_t> 1, <Py_ssize_t> (SECONDS_OF_A_LOOK / took))
    pace.left -= 1
    if took > pace.took[not together] and pace.slow and pace.stay - pace.left >= FIRST_STAY and not was_tried:
        pace.left = 0
    pace.slow = took > pace.took[not together]
    if pace.took[not together] == 0 or pace.left == 0:  # the other's turn
        change(pace)
        pace.left = 0
        return
    if not was_tried:
        return
    if took < pace.took[not together]:
        pace.stay = FIRST_STAY
    else:
        change(pace)
        lost = 2 * (took / pace.took[not together] - 1)  # two looks: one does not count
        pace.stay = min(max(2 * pace.stay, <Py_ssize_t> (lost * LOOKS_FOR_ONE)), <Py_ssize_t> LONGEST_STAY)
    pace.left = pace.stay
