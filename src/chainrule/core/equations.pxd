"""Feedforward and the four equations of backpropagation, on flat C-ordered arrays.

Shapes: m samples; layer l has n_l neurons; a^l, z^l, delta^l are (m, n_l); W^l is (n_l, n_{l-1}); b^l is (n_l,).
`layers[i]` joins layer l-1 to layer l = i + 2, as everywhere in the package. No transpose is materialised: `gemm` reads
W^l and delta^l either way round.
"""

from libc.stdint cimport int32_t, uint64_t
from libc.string cimport memcpy, memset

from chainrule.core cimport kernels
from chainrule.core.kernels cimport (
    CR_ACTIVATION_any, CR_BFLOAT16, CR_OWN_WAY, cr_cost_outputs, cr_entries, cr_rows, cr_scaling, cr_sparse, real,
)


cdef struct Layer:
    Py_ssize_t n_in, n_out       # n_{l-1}, n_l
    Py_ssize_t weights, biases   # where W^l and b^l begin in the flat parameters; biases is -1 if there are none
    int activation
    double parameter             # of the activation, where it has one
    bint slope_from_z            # whether σ' is computed from z; else from a
    Py_ssize_t stripe            # how many neurons of W^l stand together in memory: 1, or more where x is sparse
    bint bfloat16                # whether float32 factors of its products are rounded to that

cdef struct Net:
    Py_ssize_t depth             # L - 1 layers have parameters
    Py_ssize_t n_parameters
    Py_ssize_t tile              # the most rows that go through it together
    int cost
    int low                      # the target of all classes but the sample's own
    const double *cost_parameters
    const cr_scaling *scaling    # (2, n_1): a^1 is the first row ⊙ x + the second; NULL: a^1 is x
    const double *output_scaling # (2, n_L): what is said is the first row ⊙ a^L + the second; NULL: a^L
    Py_ssize_t scale             # where s (n_1,) begins in the parameters: layer 2 reads s ⊙ a^1; -1: a^1
    Layer *layers

cdef enum:
    OF_THE_USER = -2             # an activation or a cost that is a Python object

cdef struct UserFunctions:       # what such objects do, each with the context first; i is that of layers[i]
    void *context
    void (*activate)(void *, Py_ssize_t i, void *a, const void *z, Py_ssize_t m) noexcept nogil
    void (*multiply_by_slope)(void *, Py_ssize_t i, void *delta, const void *z, const void *a,
                              Py_ssize_t m) noexcept nogil
    void (*cost_delta)(void *, void *delta, const void *z, const void *a, const void *y, Py_ssize_t m) noexcept nogil

cdef struct Dropout:             # by hidden layer:
    const double *p              # the probability of a unit to be dropped
    void **mask                  # what each unit was multiplied by, (m, n_l); NULL where p is 0
    void **kept                  # a^l ⊙ mask, which the next layer reads
    Py_ssize_t units             # n_2 + ... + n_{L-1}
    uint64_t seed, stream, row   # which random numbers: `row` is the place of the tile's first sample in the epoch

cdef struct Sparse:              # what is not 0 in the rows of a tile, and which rows will be read after it
    cr_entries entries
    cr_entries scaled            # each number times that of s; where there is no s, the same entries
    cr_sparse following

cdef struct Tape:                # what a forward and a backward pass leave, by layer:
    void **z                     # z[i] may be a[i] where z is not kept
    void **a
    void **delta
    void *scaled                 # s ⊙ a^1, where that is read
    Sparse *sparse               # NULL: inputs are dense
    Dropout *dropout             # NULL outside training with dropout
    UserFunctions *user

cdef struct Rows:                # what a layer reads, a (m, n_{l-1}), and what will be read after it:
    const void *a
    const Sparse *sparse         # in the place of a, or NULL
    cr_rows coming

cdef struct Part:                # what one thread does of a tile of samples, or of a layer's neurons, or of both
    Py_ssize_t row, rows         # these samples
    Py_ssize_t all_rows          # out of so many: they decide which way a product goes, so that parts are as the whole
    Py_ssize_t neuron, neurons   # these columns of z^l, rows of W^l



cdef inline Part whole(Py_ssize_t rows, Py_ssize_t neurons) noexcept nogil:
    """All of it."""
    cdef Part part
    part.row, part.rows, part.all_rows, part.neuron, part.neurons = 0, rows, rows, 0, neurons
    return part


cdef inline bint is_whole(const Part *part, Py_ssize_t neurons) noexcept nogil:
    return part.rows == part.all_rows and part.neurons == neurons


cdef inline Py_ssize_t n_weights(const Layer *layer, Py_ssize_t neurons) noexcept nogil:
    """How many numbers the weights of so many neurons are, in whole stripes."""
    if layer.stripe == 1:
        return neurons * layer.n_in
    return (neurons + layer.stripe - 1) // layer.stripe * layer.stripe * layer.n_in


cdef inline int way_of(const Layer *layer, bint trans_a, bint trans_b, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
                       const real *precision) noexcept nogil:
    """How a product of that size with the layer's W^l, or to it, is made; parts of it go the same way."""
    if real is float and layer.bfloat16:
        return CR_BFLOAT16
    return kernels.gemm_way[real](trans_a, trans_b, m, n, k, precision)


cdef inline int way_of_whole(const Layer *layer, const real *precision) noexcept nogil:
    """The same of a product that is made at once."""
    return CR_BFLOAT16 if real is float and layer.bfloat16 else CR_OWN_WAY


cdef inline void weighted_input(real *z, const Layer *layer, const real *parameters, const Rows *a,
                                const Part *part) noexcept nogil:
    """z^l = a^{l-1} (W^l)ᵀ + b^l."""
    cdef const real *w = parameters + layer.weights + part.neuron * layer.n_in
    cdef const real *x = <const real *> a.a + part.row * layer.n_in
    cdef int way = way_of_whole[real](layer, w)
    cdef const real *b = parameters + layer.biases + part.neuron if layer.biases >= 0 else NULL
    z += part.row * layer.n_out + part.neuron
    if a.sparse:
        kernels.sparse_forward[real](z, layer.n_out, &a.sparse.scaled, part.row, part.rows, w, part.neurons,
                                     layer.n_in, b,
                                     &a.sparse.following if part.neuron == 0 else <const cr_sparse *> NULL)
        return
    if not is_whole(part, layer.n_out):
        way = way_of[real](layer, False, True, part.all_rows, layer.n_out, layer.n_in, w)
    kernels.gemm[real](way, False, True, part.rows, part.neurons, layer.n_in, 1.0, x, layer.n_in, w, layer.n_in,
                       0.0, z, layer.n_out, b)


cdef inline Rows input_of(Py_ssize_t i, const Rows *x, const Tape *tape) noexcept nogil:
    """a^{l-1}: what layer l = i + 2 reads."""
    cdef Rows a
    if i == 0:
        return x[0]
    a.a, a.sparse, a.coming.rows = tape.a[i - 1], NULL, 0
    if tape.dropout and tape.dropout.mask[i - 1]:
        a.a = tape.dropout.kept[i - 1]
    return a


cdef inline void scale_entries(const cr_entries *out, const cr_entries *x, Py_ssize_t row,
                               const real *s) noexcept nogil:
    cdef Py_ssize_t e, first = row * x.room
    cdef const real *values = <const real *> x.values + first
    cdef real *scaled = <real *> out.values + first
    for e in range(x.counts[row]):
        scaled[e] = s[x.columns[first + e]] * values[e]


cdef inline void scale_inputs(const Net *net, const real *parameters, const Rows *x, const Part *part,
                              Tape *tape) noexcept nogil:
    """s ⊙ a^1 of some of the samples, if the network has an s."""
    cdef Py_ssize_t i, k, n_in = net.layers[0].n_in
    cdef const real *a = <const real *> x.a
    cdef const real *s
    cdef real *out = <real *> tape.scaled
    if net.scale < 0:
        return
    s = parameters + net.scale
    for i in range(part.row, part.row + part.rows):
        if x.sparse:
            scale_entries[real](&x.sparse.scaled, &x.sparse.entries, i, s)
            continue
        for k in range(n_in):
            out[i * n_in + k] = s[k] * a[i * n_in + k]


cdef inline Rows read_by(Py_ssize_t i, const Net *net, const Rows *x, const Tape *tape) noexcept nogil:
    """What layer l = i + 2 reads on the way forward: a^{l-1}, but for l = 2 s ⊙ a^1 where there is an s."""
    cdef Rows a = input_of(i, x, tape)
    if i == 0 and net.scale >= 0:
        a.a = tape.scaled
    return a


cdef inline void drop_units(const real *a, const Net *net, Py_ssize_t i, const Part *part, Tape *tape) noexcept nogil:
    """Draw the mask of hidden layer l = i + 2, and hand on a = a^l as a^l ⊙ mask."""
    cdef Dropout *drop = tape.dropout
    cdef Py_ssize_t j, before = 0, width = net.layers[i].n_out, first = part.row * width
    if not drop.mask[i]:
        return
    for j in range(i):
        before += net.layers[j].n_out
    # a place of its own for every sample and layer, in steps of the 64 blocks that are drawn together
    kernels.dropout[real](<real *> drop.kept[i] + first, <real *> drop.mask[i] + first, a,
                          part.rows * width, drop.p[i], drop.seed, drop.stream,
                          64 * (drop.row * drop.units + part.all_rows * before), first)


cdef inline void activation(const Net *net, Py_ssize_t i, const Part *part, Tape *tape,
                            const real *precision) noexcept nogil:
    """a^l = σ(z^l) for layer l = i + 2, with what dropout hands on of it."""
    cdef const Layer *layer = &net.layers[i]
    cdef Py_ssize_t first = part.row * layer.n_out
    cdef real *a = <real *> tape.a[i] + first
    cdef const real *z = <const real *> tape.z[i] + first
    if layer.activation == OF_THE_USER:
        tape.user.activate(tape.user.context, i, a, z, part.rows)
    else:
        kernels.activate[real](layer.activation, a, z, part.rows, layer.n_out, layer.parameter)
    if tape.dropout and i + 1 < net.depth:
        drop_units[real](a, net, i, part, tape)


cdef inline void feedforward(const Net *net, const real *parameters, const Rows *x, const Part *part,
                             Tape *tape) noexcept nogil:
    """a^1 = x, or s ⊙ x; z^l = a^{l-1} (W^l)ᵀ + b^l and a^l = σ(z^l) for l = 2 ... L, for some of the samples."""
    cdef Py_ssize_t i
    cdef Rows a
    cdef Part of_layer = part[0]
    scale_inputs[real](net, parameters, x, part, tape)
    for i in range(net.depth):
        a = read_by(i, net, x, tape)
        of_layer.neuron, of_layer.neurons = 0, net.layers[i].n_out
        weighted_input[real](<real *> tape.z[i], &net.layers[i], parameters, &a, &of_layer)
        activation[real](net, i, &of_layer, tape, parameters)


cdef inline void multiply_by_slope(real *delta, const Net *net, Py_ssize_t i, const real *z, const real *a,
                                   Py_ssize_t m, const Tape *tape) noexcept nogil:
    """delta ← delta ⊙ σ'(z^l) for layer l = i + 2."""
    cdef const Layer *layer = &net.layers[i]
    if layer.activation == OF_THE_USER:
        tape.user.multiply_by_slope(tape.user.context, i, delta, z, a, m)
        return
    kernels.activate_prime[real](layer.activation, delta, z if layer.slope_from_z else a, m, layer.n_out,
                                 layer.parameter)


cdef inline void bp1(real *delta, const Net *net, const real *z, const real *a, const real *y, const real *u,
                     Py_ssize_t m, const Tape *tape) noexcept nogil:
    """BP1: δ^L = ∇_a C ⊙ σ'(z^L). Some costs give the product in closed form (cross-entropy: a^L - y).

    u (m, n_L), or NULL: how much each output counts in C."""
    cdef const Layer *output = &net.layers[net.depth - 1]
    if net.cost == OF_THE_USER:
        tape.user.cost_delta(tape.user.context, delta, z, a, y, m)
        return
    kernels.cost_delta[real](net.cost, delta, z, a, y, m, output.n_out, net.cost_parameters)
    if u:  # before the slope, which for softmax mixes the outputs
        kernels.multiply[real](delta, u, m * output.n_out)
    if cr_cost_outputs[net.cost] == CR_ACTIVATION_any:
        multiply_by_slope[real](delta, net, net.depth - 1, z, a, m, tape)


cdef inline void given_bp1(real *delta, const Net *net, const real *given, bint by_outputs, const real *z,
                           const real *a, Py_ssize_t m, const Tape *tape) noexcept nogil:
    """BP1 where no cost says the gradient: δ^L = given ⊙ σ'(z^L) for given = ∇_a C, or δ^L = given."""
    memcpy(delta, given, m * net.layers[net.depth - 1].n_out * sizeof(real))
    if by_outputs:
        multiply_by_slope[real](delta, net, net.depth - 1, z, a, m, tape)


cdef inline void pull_back(real *delta, const Net *net, Py_ssize_t i, const real *parameters,
                           const real *delta_following, const Part *part) noexcept nogil:
    """δ^{l+1} W^{l+1} for layer l = i + 2, the first half of BP2."""
    cdef const Layer *following = &net.layers[i + 1]
    cdef const real *w = parameters + following.weights + part.neuron
    cdef int way = way_of_whole[real](following, w)
    if not is_whole(part, following.n_in):
        way = way_of[real](following, False, False, part.all_rows, following.n_in, following.n_out, w)
    kernels.gemm[real](way, False, False, part.rows, part.neurons, following.n_out,
                       1.0, delta_following + part.row * following.n_out, following.n_out, w, following.n_in,
                       0.0, delta + part.row * following.n_in + part.neuron, following.n_in)


cdef inline void through_activation(real *delta, const Net *net, Py_ssize_t i, const real *z, const real *a,
                                    const Part *part, const Tape *tape) noexcept nogil:
    """δ ⊙ σ'(z^l) for layer l = i + 2, the second half, and ⊙ the mask of dropout where there is one."""
    cdef Py_ssize_t width = net.layers[i].n_out, first = part.row * width
    if tape.dropout and tape.dropout.mask[i]:
        kernels.multiply[real](delta + first, <const real *> tape.dropout.mask[i] + first, part.rows * width)
    multiply_by_slope[real](delta + first, net, i, z + first, a + first, part.rows, tape)


cdef inline void bp2(real *delta, const Net *net, Py_ssize_t i, const real *parameters, const real *delta_following,
                     const real *z, const real *a, const Part *part, const Tape *tape) noexcept nogil:
    """BP2 for layer l = i + 2: δ^l = (δ^{l+1} W^{l+1}) ⊙ σ'(z^l), for some of the samples."""
    pull_back[real](delta, net, i, parameters, delta_following, part)
    through_activation[real](delta, net, i, z, a, part, tape)


cdef inline void bp3(real *b, const Layer *layer, const real *delta, const Part *part,
                     double alpha, double beta) noexcept nogil:
    """BP3: ∂C/∂b^l = the column sums of δ^l, added with weight alpha to beta times what b holds, for some neurons."""
    kernels.sum_rows[real](b + part.neuron, delta + part.neuron, part.rows, part.neurons, layer.n_out, alpha, beta)


cdef inline void bp4(real *w, const Layer *layer, const real *delta, const Rows *a, const Part *part,
                     double alpha, double beta) noexcept nogil:
    """BP4: ∂C/∂W^l = (δ^l)ᵀ a^{l-1}, added with weight alpha to beta times what w holds, likewise."""
    cdef int way = way_of_whole[real](layer, w)
    w += part.neuron * layer.n_in
    if a.sparse:
        kernels.sparse_outer[real](w, &a.sparse.entries, delta + part.neuron, layer.n_out, part.rows, part.neurons,
                                   layer.n_in, alpha, beta)
        return
    if not is_whole(part, layer.n_out):
        way = way_of[real](layer, True, False, layer.n_out, layer.n_in, part.rows, w)
    kernels.gemm[real](way, True, False, part.neurons, layer.n_in, part.rows, alpha, delta + part.neuron, layer.n_out,
                       <const real *> a.a, layer.n_in, beta, w, layer.n_in, NULL,
                       &a.coming if a.coming.rows and part.neuron == 0 else <const cr_rows *> NULL)


cdef inline void hidden_deltas(const Net *net, const real *parameters, const Part *part, Tape *tape) noexcept nogil:
    """δ^{L-1}, ..., δ^2 of some of the samples from δ^L, by BP2."""
    cdef Py_ssize_t i
    cdef Part of_layer = part[0]
    for i in range(net.depth - 2, -1, -1):
        of_layer.neuron, of_layer.neurons = 0, net.layers[i].n_out
        bp2[real](<real *> tape.delta[i], net, i, parameters, <const real *> tape.delta[i + 1],
                  <const real *> tape.z[i], <const real *> tape.a[i], &of_layer, tape)


cdef inline void by_inputs(real *out, Py_ssize_t stride, const Net *net, const real *parameters, Py_ssize_t m,
                           const Tape *tape) noexcept nogil:
    """δ^2 W^2, what BP2 makes by a^1: a row for each of m samples, after `hidden_deltas`; rows are `stride` apart."""
    cdef const Layer *first = &net.layers[0]
    kernels.gemm[real](way_of_whole[real](first, parameters), False, False, m, first.n_in, first.n_out, 1.0, <const real *> tape.delta[0],
                       first.n_out, parameters + first.weights, first.n_in, 0.0, out, stride)


cdef inline void backward(const Net *net, const real *parameters, const real *y, const Part *part,
                          Tape *tape) noexcept nogil:
    """δ^L, ..., δ^2 of some of the samples, after `feedforward`. y are the targets of these."""
    cdef Py_ssize_t last = net.depth - 1, first = part.row * net.layers[last].n_out
    bp1[real](<real *> tape.delta[last] + first, net, <const real *> tape.z[last] + first,
              <const real *> tape.a[last] + first, y, NULL, part.rows, tape)
    hidden_deltas[real](net, parameters, part, tape)


cdef inline void add_layer_gradient(real *out, const Net *net, Py_ssize_t i, const Rows *x, const Part *part,
                                    const Tape *tape, double alpha, double beta) noexcept nogil:
    """BP3 and BP4 for some neurons of layer l = i + 2."""
    cdef const Layer *layer = &net.layers[i]
    cdef Rows a = input_of(i, x, tape)
    bp4[real](out + layer.weights, layer, <const real *> tape.delta[i], &a, part, alpha, beta)
    if layer.biases >= 0:
        bp3[real](out + layer.biases, layer, <const real *> tape.delta[i], part, alpha, beta)


cdef inline void through_scale(real *nabla, const Net *net, const real *parameters) noexcept nogil:
    """By the product rule, where BP4 has left V = ∂C/∂(W^2 diag s) = (δ^2)ᵀ a^1: ∂C/∂W^2 = V diag s, and ∂C/∂s = the
    column sums of W^2 ⊙ V."""
    cdef const Layer *first = &net.layers[0]
    cdef Py_ssize_t i, j, k, q, n_in = first.n_in, stripe = first.stripe
    cdef const real *w = parameters + first.weights
    cdef const real *s
    cdef real *v = nabla + first.weights
    cdef real *by_scale
    if net.scale < 0:
        return
    s, by_scale = parameters + net.scale, nabla + net.scale
    memset(by_scale, 0, n_in * sizeof(real))
    for j in range((first.n_out + stripe - 1) // stripe):
        i = j * stripe * n_in
        if stripe == 1:
            for k in range(n_in):
                by_scale[k] += w[i + k] * v[i + k]
                v[i + k] *= s[k]
            continue
        for k in range(n_in):
            for q in range(i + k * stripe, i + (k + 1) * stripe):
                by_scale[k] += w[q] * v[q]
                v[q] *= s[k]


cdef inline void gradient_of_tape(real *out, const Net *net, const real *parameters, const Rows *x, Py_ssize_t m,
                                  const Tape *tape) noexcept nogil:
    """out (n_parameters,) <- the sum over m samples of the gradient, after `backward`."""
    cdef Py_ssize_t i
    cdef Part whole_layer
    for i in range(net.depth):
        whole_layer = whole(m, net.layers[i].n_out)
        add_layer_gradient[real](out, net, i, x, &whole_layer, tape, 1, 0)
    through_scale[real](out, net, parameters)
