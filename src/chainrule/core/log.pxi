# The figures of each epoch: gathered while training goes on, and handed to Python after it.

cdef struct Figures:        # of the epochs that were finished; NULL: not recorded
    Py_ssize_t epochs
    double *costs           # (epochs,)
    double *gradient_norms  # likewise
    double *delta_norms     # (epochs, L - 1)
    double *saturation      # likewise


cdef class Log:
    """Arrays to which each finished epoch adds: its mean cost, its last learning rate, its seconds; and, where there
    are arrays for them, ‖δ^l‖ and the share of saturated units of each layer, and the mean ‖∂C/∂p‖ of its steps."""

    cdef object costs, learning_rates, seconds, delta_norms, saturation, gradient_norms

    def __cinit__(self, costs, learning_rates, seconds, delta_norms=None, saturation=None, gradient_norms=None):
        self.costs, self.learning_rates, self.seconds = costs, learning_rates, seconds
        self.delta_norms, self.saturation, self.gradient_norms = delta_norms, saturation, gradient_norms

    cdef int add(self, const Figures *figures, Py_ssize_t layers, list learning_rates, double seconds) except -1:
        """Add what so many epochs have; seconds: of each. No Python code runs in between."""
        cdef Py_ssize_t e, epochs = figures.epochs
        self.costs.extend([figures.costs[e] for e in range(epochs)])
        self.learning_rates.extend(learning_rates)
        self.seconds.extend([seconds] * epochs)
        if self.gradient_norms is not None:
            self.gradient_norms.extend([figures.gradient_norms[e] for e in range(epochs)])
        if self.delta_norms is not None:
            self.delta_norms.extend([figures.delta_norms[e] for e in range(epochs * layers)])
            self.saturation.extend([figures.saturation[e] for e in range(epochs * layers)])
        return 0


cdef size_t bytes_for_figures(Py_ssize_t epochs, Py_ssize_t layers) noexcept:
    return 2 * padded(epochs * sizeof(double)) + 2 * padded(epochs * layers * sizeof(double))


cdef int set_up_figures(Figures *figures, Workspace work, Py_ssize_t epochs, Py_ssize_t layers) except -1:
    """Room for the figures of so many epochs, in which those of so many layers are recorded."""
    figures.costs = <double *> work.reserve(epochs * sizeof(double))
    figures.gradient_norms = <double *> work.reserve(epochs * sizeof(double))
    figures.delta_norms = <double *> work.reserve(epochs * layers * sizeof(double))
    figures.saturation = <double *> work.reserve(epochs * layers * sizeof(double))
    return 0
