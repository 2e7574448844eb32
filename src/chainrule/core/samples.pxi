# A data set as the core sees it, and the rows of a tile.

cdef struct Samples:       # a data set and the order in which its rows are visited (NULL: as they stand)
    const void *x          # (m, n_1)
    const void *y          # (m, n_L), or NULL where labels has (m,)
    const int32_t *labels
    const void *weights    # of the samples, (m,), or NULL where all count alike
    const int32_t *order
    Py_ssize_t m
    Py_ssize_t first       # how many rows of the epoch came before these: those of other batches


cdef inline Rows inputs(const Samples *samples, Py_ssize_t start, Py_ssize_t rows, Py_ssize_t width,
                        real *room) noexcept nogil:
    """Where the inputs of the rows from `start` on are: where they stand if together, else in `room` once gathered."""
    cdef Rows x
    x.coming = 0
    if not samples.order:
        x.a = <const real *> samples.x + start * width
        return x
    x.a = room
    if cr_few_long_rows(rows, width):
        x.x, x.order = samples.x, samples.order + start + rows
        x.coming = min(rows, samples.m - start - rows)
    return x


cdef inline const real *targets(const Samples *samples, Py_ssize_t start, const Net *net, real *room) noexcept nogil:
    """Where their targets are, likewise."""
    if samples.order or samples.labels:
        return room
    return <const real *> samples.y + start * net.layers[net.depth - 1].n_out


cdef inline void read_samples(const Samples *samples, Py_ssize_t start, const Part *part, const Net *net,
                              real *x, real *y) noexcept nogil:
    """Gather some of the rows from `start` on, where they are not together: their inputs into the room x, their targets
    into the room y; labels become one-hot rows there."""
    cdef Py_ssize_t first = start + part.row, n_in = net.layers[0].n_in, n_out = net.layers[net.depth - 1].n_out
    if samples.order:
        gather[real](x + part.row * n_in, <const real *> samples.x, samples.order + first, part.rows, n_in)
    if samples.labels:
        one_hot[real](y + part.row * n_out, samples.labels if samples.order else samples.labels + first,
                      samples.order + first if samples.order else <const int32_t *> NULL, part.rows, n_out, net.low)
    elif samples.order:
        gather[real](y + part.row * n_out, <const real *> samples.y, samples.order + first, part.rows, n_out)


cdef inline double weight(const Samples *samples, Py_ssize_t i, const real *any_real) noexcept nogil:
    """Of the sample in place i, where weights are given."""
    return (<const real *> samples.weights)[samples.order[i] if samples.order else i]


cdef double total_weight(const Samples *samples, Py_ssize_t start, Py_ssize_t rows, const real *any_real) noexcept nogil:
    """Of the samples from `start` on: their number, if they have no weights."""
    cdef Py_ssize_t i
    cdef double total = 0
    if not samples.weights:
        return rows
    for i in range(rows):
        total += weight[real](samples, start + i, any_real)
    return total


cdef Samples samples_of(const real[:, ::1] X, const real[:, ::1] Y, const int32_t[::1] labels,
                        const int32_t[::1] order, const real[::1] weights=None):
    cdef Samples samples
    samples.first = 0
    if X is None:  # they come batch by batch
        memset(&samples, 0, sizeof(Samples))
        return samples
    samples.x = &X[0, 0]
    samples.y = NULL if Y is None else &Y[0, 0]
    samples.labels = NULL if labels is None else &labels[0]
    samples.weights = NULL if weights is None else &weights[0]
    samples.order = NULL if order is None else &order[0]
    samples.m = X.shape[0] if order is None else order.shape[0]
    return samples
