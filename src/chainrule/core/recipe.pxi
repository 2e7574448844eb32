# How to train: the optimiser with its settings, penalties, limits and dropout.

cdef class Recipe:
    """An optimiser by name with its settings; what is 0 is off.

    dropout: the probabilities of units to be dropped, by hidden layer, (L - 2,), or None.
    factors: of the learning rate, by part of the parameters, (2 (L - 1),), or None; epsilons: likewise, in the place of
    epsilon."""

    cdef Descent descent
    cdef readonly double keep_average
    cdef const double[::1] dropout, factors, epsilons

    def __cinit__(self, optimizer, *, double beta1=0, double beta2=0, double epsilon=0, bint epsilon_hat=False,
                  double decay=0, bint nesterov=False, double least=0, double most=0, double l1=0, double l2=0,
                  double l2_of_batch=0, double clip_value=0, double clip_norm=0, double max_norm=0, double average=0,
                  const double[::1] dropout=None, const double[::1] factors=None,
                  const double[::1] epsilons=None):
        cdef cr_update *update = &self.descent.weights
        self.descent.optimizer = OPTIMIZERS.index(optimizer)
        self.descent.epsilon_hat = epsilon if epsilon_hat else 0
        update.beta1, update.beta2, update.epsilon, update.decay = beta1, beta2, epsilon, decay
        update.nesterov, update.least, update.most = nesterov, least, most
        update.scale = update.bias1 = update.bias2 = 1
        self.descent.biases = update[0]
        self.descent.biases.decay = 0
        update.l1, update.l2 = l1, l2
        self.descent.l2, self.descent.l2_of_batch = l2, l2_of_batch
        self.descent.clip_value, self.descent.clip_norm, self.descent.max_norm = clip_value, clip_norm, max_norm
        self.keep_average, self.dropout, self.factors, self.epsilons = average, dropout, factors, epsilons
        if factors is not None:
            self.descent.factors = &factors[0]
        if epsilons is not None:
            self.descent.epsilons = &epsilons[0]


cdef inline bint is_plain(const Descent *descent) noexcept nogil:
    """Whether a step is W ← (1 - η l2) W - η ∂C/∂W: without momentum, and with the gradient as it is."""
    return (descent.optimizer == CR_OPTIMIZER_sgd and descent.weights.beta1 == 0 and descent.weights.l1 == 0
            and descent.clip_value == 0 and descent.clip_norm == 0)


cdef inline void begin_step(Descent *descent, double rate, uint64_t t) noexcept nogil:
    """Set what changes from step to step: the learning rate, and the bias corrections of step t = 1, 2, ..."""
    cdef cr_update *update = &descent.weights
    if descent.optimizer == CR_OPTIMIZER_adam or descent.optimizer == CR_OPTIMIZER_adamax:
        update.bias1, update.bias2 = 1 - pow(update.beta1, t), 1 - pow(update.beta2, t)
        descent.biases.bias1, descent.biases.bias2 = update.bias1, update.bias2
        if descent.epsilon_hat > 0:  # √(r/bias2) + ε/√bias2 = (√r + ε)/√bias2
            update.epsilon = descent.biases.epsilon = descent.epsilon_hat / sqrt(update.bias2)
    update.rate = descent.biases.rate = rate


cdef inline void penalise_by_batch(Descent *descent, double counted, int exponent) noexcept nogil:
    """Set the l2 of a step whose samples weigh counted·2**exponent together."""
    if descent.l2_of_batch > 0:
        descent.weights.l2 = descent.l2 + ldexp(descent.l2_of_batch / counted, -exponent)
