# The figures of each epoch, written where the history has them as soon as it ends, without an allocation.

cdef struct Figures:        # of the epochs of a call; NULL: not recorded
    uint64_t *finished      # how many epochs the history has; the numbers below are of those after it
    Py_ssize_t epochs       # that this call has finished
    double *costs           # (epochs,)
    double *learning_rates  # likewise: the last of each epoch
    double *seconds         # likewise
    double *gradient_norms  # likewise
    double *objectives      # likewise, and
    double *penalties       # their part in these
    double *delta_norms     # (epochs, L - 1)
    double *saturation      # likewise


cdef class Column:
    """An array.array("d") of the history, which may be longer than the history is."""

    cdef object array
    cdef double[::1] numbers  # while they are in hand, the array refuses to move

    def __cinit__(self, array):
        self.array = array

    cdef double *place(self, size_t first, size_t count) except NULL:
        """So many numbers, from the first on."""
        if self.numbers is None or <size_t> self.numbers.shape[0] < first + count:
            self.numbers = None
            # half as many again, so that this is seldom
            self.array.frombytes(bytes((first + first // 2 + count - len(self.array)) * sizeof(double)))
            self.numbers = self.array
        return &self.numbers[first]


cdef class Log:
    """The columns of a history: of each epoch its mean cost, its last learning rate, its seconds; and, where there are
    arrays for them, ‖δ^l‖ and the share of saturated units of each layer, the mean ‖∂C/∂p‖ of its steps, and
    those of what they minimised and of the penalties in it.
    finished[0]: how many epochs it has."""

    cdef uint64_t[::1] finished
    cdef Column costs, learning_rates, seconds, delta_norms, saturation, gradient_norms, objectives, penalties

    def __cinit__(self, uint64_t[::1] finished, costs, learning_rates, seconds, delta_norms=None, saturation=None,
                  gradient_norms=None, objectives=None, penalties=None):
        self.finished = finished
        self.costs, self.learning_rates, self.seconds = Column(costs), Column(learning_rates), Column(seconds)
        if delta_norms is not None:
            self.delta_norms, self.saturation = Column(delta_norms), Column(saturation)
        if gradient_norms is not None:
            self.gradient_norms = Column(gradient_norms)
        if objectives is not None:
            self.objectives, self.penalties = Column(objectives), Column(penalties)

    cdef int make_room(self, Figures *figures, size_t epochs, size_t layers) except -1:
        """figures <- room for those of so many epochs to come."""
        cdef size_t first = self.finished[0]
        figures.finished, figures.epochs = &self.finished[0], 0
        figures.costs = self.costs.place(first, epochs)
        figures.learning_rates = self.learning_rates.place(first, epochs)
        figures.seconds = self.seconds.place(first, epochs)
        if self.gradient_norms is not None:
            figures.gradient_norms = self.gradient_norms.place(first, epochs)
        if self.objectives is not None:
            figures.objectives = self.objectives.place(first, epochs)
            figures.penalties = self.penalties.place(first, epochs)
        if self.delta_norms is not None:
            figures.delta_norms = self.delta_norms.place(first * layers, epochs * layers)
            figures.saturation = self.saturation.place(first * layers, epochs * layers)
        return 0
