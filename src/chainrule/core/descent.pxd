"""The descent: how the parameters follow their gradient, on flat arrays of one layout.

A `part` of the parameters is the weights of layers[i], number 2 i, or its biases, 2 i + 1; the scale of the inputs,
which is not penalised either, goes as the biases of one layer more.
"""

from libc.math cimport INFINITY, fabs, sqrt

from chainrule.core cimport kernels
from chainrule.core.equations cimport Layer, Net, Part, Rows, Tape, bp3, bp4, input_of, n_weights
from chainrule.core.kernels cimport cr_update, real


cdef struct Descent:             # how the parameters follow the gradient
    int optimizer
    cr_update weights, biases    # biases, and the scale of the inputs, are not penalised
    double epsilon_hat           # adam's ε where it comes before the correction; 0: it comes after
    double l2, l2_of_batch       # the l2 of a step is l2 + l2_of_batch / the weight of its samples
    double clip_value, clip_norm, max_norm  # 0: no limit
    const double *factors        # of the learning rate, by part of the parameters; 0: frozen. NULL: all 1
    const double *epsilons       # likewise the ε of each, or NULL

cdef struct State:               # what goes along with the parameters from step to step, shaped like them, or NULL
    void *s                      # of the optimiser
    void *t
    void *average                # of the parameters themselves
    double keep                  # of that average in each step


cdef inline bint learns(const Descent *descent, Py_ssize_t part) noexcept nogil:
    """Whether a part of the parameters is not frozen."""
    return descent.factors == NULL or descent.factors[part] != 0


cdef inline Py_ssize_t part_of_scale(const Net *net) noexcept nogil:
    return 2 * net.depth + 1


cdef inline double rate_of(const Descent *descent, Py_ssize_t part) noexcept nogil:
    """The learning rate of a part of the parameters."""
    return descent.weights.rate if descent.factors == NULL else descent.weights.rate * descent.factors[part]


cdef inline void descend(real *parameters, const Net *net, Py_ssize_t i, const Rows *x, const Part *part,
                         const Tape *tape, const Descent *descent, double counted) noexcept nogil:
    """A step of plain SGD for some neurons of layer l = i + 2, without a gradient buffer:
    W ← (1 - η l2) W - (η/m) δᵀ a and b ← b - (η/m) Σ δ."""
    cdef const Layer *layer = &net.layers[i]
    cdef Rows a = input_of(i, x, tape)
    cdef double rate = rate_of(descent, 2 * i)
    if learns(descent, 2 * i):
        bp4[real](parameters + layer.weights, layer, <const real *> tape.delta[i], &a, part, -rate / counted,
                  1 - rate * descent.weights.l2)
    if layer.biases >= 0 and learns(descent, 2 * i + 1):
        rate = rate_of(descent, 2 * i + 1)
        bp3[real](parameters + layer.biases, layer, <const real *> tape.delta[i], part, -rate / counted, 1)


cdef inline void follow_numbers(real *parameters, const State *state, const real *nabla, Py_ssize_t first,
                                Py_ssize_t n, Py_ssize_t part, const Descent *descent) noexcept nogil:
    """One step of the optimiser for n numbers of one part of the parameters, unless it is frozen."""
    cdef real *s = <real *> state.s
    cdef real *t = <real *> state.t
    cdef const cr_update *update = &descent.biases if part % 2 else &descent.weights
    cdef cr_update own
    if not learns(descent, part):
        return
    if descent.factors or descent.epsilons:
        own = update[0]
        own.rate = rate_of(descent, part)
        if descent.epsilons:
            own.epsilon = descent.epsilons[part] / (sqrt(own.bias2) if descent.epsilon_hat > 0 else 1)
        update = &own
    kernels.update_by[real](descent.optimizer, parameters + first, s + first if s else s, t + first if t else t,
                            nabla + first, n, update)


cdef inline void follow(real *parameters, const State *state, const real *nabla, const Net *net, Py_ssize_t i,
                        const Part *part, const Descent *descent) noexcept nogil:
    """One step of the optimiser for some neurons of layer l = i + 2, from its mean gradient."""
    cdef const Layer *layer = &net.layers[i]
    follow_numbers[real](parameters, state, nabla, layer.weights + part.neuron * layer.n_in,
                         n_weights(layer, part.neurons), 2 * i, descent)
    if layer.biases >= 0:
        follow_numbers[real](parameters, state, nabla, layer.biases + part.neuron, part.neurons, 2 * i + 1, descent)


cdef inline void after_descent(real *parameters, const State *state, const Net *net, Py_ssize_t i, const Part *part,
                               const Descent *descent) noexcept nogil:
    """What comes after a step, for some neurons: their weights, a row of W^l each, no longer than max_norm; and the
    average of the parameters."""
    cdef const Layer *layer = &net.layers[i]
    cdef Py_ssize_t w = layer.weights + part.neuron * layer.n_in, b = layer.biases + part.neuron
    cdef real *average = <real *> state.average
    if descent.max_norm > 0 and learns(descent, 2 * i):
        kernels.limit_rows[real](parameters + w, part.neurons, layer.n_in, descent.max_norm)
    if average:
        kernels.move_average[real](average + w, parameters + w, n_weights(layer, part.neurons), state.keep)
        if layer.biases >= 0:
            kernels.move_average[real](average + b, parameters + b, part.neurons, state.keep)


cdef inline void follow_scale(real *parameters, const State *state, const real *nabla, const Net *net,
                              const Descent *descent) noexcept nogil:
    """One step of the optimiser, and of the average, for the scale of the inputs."""
    cdef real *average = <real *> state.average
    cdef Py_ssize_t n_in = net.layers[0].n_in
    follow_numbers[real](parameters, state, nabla, net.scale, n_in, part_of_scale(net), descent)
    if average:
        kernels.move_average[real](average + net.scale, parameters + net.scale, n_in, state.keep)


cdef inline double scale_to_length(const real *nabla, Py_ssize_t n, double length) noexcept nogil:
    """What ∇C, whose squares overflow, is multiplied by to be so long."""
    cdef Py_ssize_t i
    cdef double largest = 0, total = 0, part
    for i in range(n):
        largest = max(largest, fabs(nabla[i]))
    for i in range(n):
        part = nabla[i] / largest
        total += part * part
    return length / sqrt(total) / largest


cdef inline void limit_gradient(real *nabla, const Net *net, Descent *descent) noexcept nogil:
    """Clip the mean gradient if asked: each entry first, then the norm of all, which `follow` does."""
    cdef double norm
    descent.weights.scale = 1
    if descent.clip_value > 0:
        kernels.clip[real](nabla, net.n_parameters, descent.clip_value)
    if descent.clip_norm > 0:
        norm = sqrt(kernels.sum_of_squares[real](nabla, net.n_parameters))
        if norm == INFINITY:
            descent.weights.scale = scale_to_length(nabla, net.n_parameters, descent.clip_norm)
        elif norm > descent.clip_norm:
            descent.weights.scale = descent.clip_norm / norm
    descent.biases.scale = descent.weights.scale
