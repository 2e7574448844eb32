# Whether a team is quicker than one thread alone is measured while training goes on, since nobody knows what else the
# machine has to do. Both give the same bits, so that nothing else depends on it.

cdef double SECONDS_OF_A_LOOK = 200e-6
cdef enum:
    FEWEST_LOOKS = 8, MOST_LOOKS = 1024  # at one way, before the other has its turn
    LOOKS_FOR_ONE = 200                  # or so many for each that the other way, had in vain, has cost

cdef struct Pace:
    Py_ssize_t rows     # of the steps it is about, by so many threads
    int threads
    bint together       # which way it goes now
    bint fresh          # since the look at hand: workers may have to wake, and caches to fill; it does not count
    bint slow           # whether the look before was slower than the other way had been
    double seconds[2]   # of a step alone, and of one together; 0: not known
    double began        # the look at hand, in seconds
    Py_ssize_t steps    # done in it
    Py_ssize_t steps_of_a_look
    Py_ssize_t looks_left   # until the other way has its turn
    Py_ssize_t looks_apart  # from one turn of the other way to the next


cdef void begin_pace(Pace *pace, Py_ssize_t rows, int threads) noexcept nogil:
    """Go on with what is known, if it is of such steps."""
    if pace.rows != rows or pace.threads != threads:
        memset(pace, 0, sizeof(Pace))
        pace.rows, pace.threads, pace.together = rows, threads, True
        pace.steps_of_a_look, pace.looks_left, pace.looks_apart = 1, 1, FEWEST_LOOKS
    pace.steps, pace.began, pace.fresh = 0, cr_seconds(), True


cdef inline void count_step(Pace *pace) noexcept nogil:
    """Count a step as done; it may end a look."""
    cdef double now
    pace.steps += 1
    if pace.steps < pace.steps_of_a_look:
        return
    now = cr_seconds()
    if not pace.fresh:
        end_look(pace, (now - pace.began) / pace.steps)
    else:
        pace.fresh = False
    pace.steps, pace.began = 0, now


cdef inline void change(Pace *pace) noexcept nogil:
    """Go the other way from now on."""
    pace.together, pace.fresh = not pace.together, True


cdef void end_look(Pace *pace, double seconds) noexcept nogil:
    """Keep to the quicker way; the more often that was right, and the dearer the other is, the more seldom that is
    tried; but soon where it has been quicker than what is kept to, twice in a row: a look may meet a hiccup of the
    machine. seconds: of a step in this look."""
    cdef bint together = pace.together
    cdef bint was_tried = pace.looks_left <= 0
    cdef double of_the_other = pace.seconds[not together]
    cdef double looks_lost
    pace.seconds[together] = seconds
    pace.steps_of_a_look = max(<Py_ssize_t> 1, <Py_ssize_t> (SECONDS_OF_A_LOOK / seconds))
    pace.looks_left -= 1
    if (seconds > of_the_other and pace.slow and pace.looks_apart - pace.looks_left >= FEWEST_LOOKS
            and not was_tried):
        pace.looks_left = 0
    pace.slow = seconds > of_the_other
    if of_the_other == 0 or pace.looks_left == 0:  # the other's turn
        change(pace)
        pace.looks_left = 0
        return
    if not was_tried:
        return
    if seconds < of_the_other:
        pace.looks_apart = FEWEST_LOOKS
    else:
        change(pace)
        looks_lost = 2 * (seconds / of_the_other - 1)  # two looks: one does not count
        pace.looks_apart = min(max(2 * pace.looks_apart, <Py_ssize_t> (looks_lost * LOOKS_FOR_ONE)),
                               <Py_ssize_t> MOST_LOOKS)
    pace.looks_left = pace.looks_apart
