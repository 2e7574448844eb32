# A data set as the core sees it, and the rows of a tile.

# What stands in y: targets of the cost, or in the place of these ∂C/∂a^L or δ^L = ∂C/∂z^L of each sample.
cdef enum:
    TARGETS, OUTPUT_GRADIENTS, OUTPUT_DELTAS

cdef struct Samples:       # a data set and the order in which its rows are visited (NULL: as they stand)
    const void *x          # (m, n_1), of the type `kind`; of a sparse matrix what is not 0,
    const int32_t *columns # where each stands,
    const int64_t *begins  # and where each row begins in both, (m + 1,); NULL: x is dense
    Py_ssize_t room        # the most numbers of a row, where only these are read; 0: rows are made dense
    int kind               # one of INPUTS
    bint in_place          # whether the network reads these rows as they stand: of its own type, not to be scaled
    const void *y          # (m, n_L), or NULL where labels has (m,)
    const int32_t *labels
    int given              # what y holds: TARGETS, OUTPUT_GRADIENTS or OUTPUT_DELTAS
    const void *u          # how much each output counts, (m, n_L), or NULL where all count alike
    const void *weights    # of the samples, (m,), likewise;
    int exponent           # they are so many 2**exponent, which counts beside other batches
    const int32_t *order
    const int32_t *x_order # likewise of x, of whose rows the samples may be some: then order is of all else
    Py_ssize_t m           # that are visited
    Py_ssize_t first       # how many rows of the epoch came before these: those of other batches


cdef inline int own_kind(const real *precision) noexcept nogil:
    if real is float:
        return CR_INPUT_float32
    else:
        return CR_INPUT_float64


cdef inline Rows inputs(const Samples *samples, Py_ssize_t start, Py_ssize_t rows, Py_ssize_t width,
                        real *room) noexcept nogil:
    """Where the inputs of the rows from `start` on are: where they stand if together and as the network reads them,
    else in `room` once gathered."""
    cdef Rows x
    x.sparse, x.coming.rows = NULL, 0
    if samples.in_place and not samples.x_order:
        x.a = <const real *> samples.x + start * width
        return x
    x.a = room
    if (samples.x_order and not samples.begins and samples.kind == own_kind[real](room)
            and cr_few_long_rows(rows, width)):
        x.coming.x, x.coming.order, x.coming.width = samples.x, samples.x_order + start + rows, width
        x.coming.rows = min(rows, samples.m - start - rows)
    return x


cdef inline Rows sparse_inputs(const Samples *samples, Py_ssize_t start, Py_ssize_t rows,
                               Sparse *sparse) noexcept nogil:
    """The same for rows of which only the numbers that are not 0 are read, always into a room of their own."""
    cdef Rows x
    cdef Py_ssize_t rows_left = samples.m - start - rows
    x.a, x.sparse, x.coming.rows = NULL, sparse, 0
    sparse.following.x, sparse.following.size = samples.x, cr_input_sizes[samples.kind]
    sparse.following.columns, sparse.following.begins = samples.columns, samples.begins
    sparse.following.order = samples.x_order + start + rows
    sparse.following.coming = min(rows, rows_left) if samples.x_order else 0
    sparse.following.later = min(2 * rows, rows_left) if samples.x_order else 0
    return x


cdef inline const real *targets(const Samples *samples, Py_ssize_t start, const Net *net, real *room) noexcept nogil:
    """Where their targets are, likewise."""
    if samples.order or samples.labels:
        return room
    return <const real *> samples.y + start * net.layers[net.depth - 1].n_out


cdef inline const real *output_weights(const Samples *samples, Py_ssize_t start, const Net *net,
                                       real *room) noexcept nogil:
    """Where the weights of their outputs are, likewise, or NULL."""
    if not samples.u:
        return NULL
    return room if samples.order else <const real *> samples.u + start * net.layers[net.depth - 1].n_out


cdef inline void read_inputs(const Samples *samples, Py_ssize_t first, Py_ssize_t rows, const Net *net,
                             real *a) noexcept nogil:
    """a (rows, n_1) <- a^1 of the rows from `first` on, where they are not read where they stand."""
    cdef Py_ssize_t n_in = net.layers[0].n_in, skipped = 0 if samples.x_order else first
    cdef const int32_t *order = samples.x_order + first if samples.x_order else <const int32_t *> NULL
    cdef const char *x = <const char *> samples.x
    if samples.in_place:
        if order:
            kernels.gather[real](a, <const real *> x, order, rows, n_in)
    elif samples.begins:
        kernels.densify[real](samples.kind, a, x, samples.columns, samples.begins + skipped, order, rows, n_in,
                              net.scaling)
    else:
        kernels.convert[real](samples.kind, a, x + skipped * n_in * cr_input_sizes[samples.kind], order, rows, n_in,
                              net.scaling)


cdef Py_ssize_t room_of(const Samples *samples) noexcept nogil:
    """For the most numbers of a row, filled up to whole rounds of the kernels."""
    cdef Py_ssize_t i, row
    cdef int64_t most = 1
    for i in range(samples.m):
        row = samples.x_order[i] if samples.x_order else i
        most = max(most, samples.begins[row + 1] - samples.begins[row])
    return most + CR_SPARSE_SUMS


cdef void read_all_entries(const Samples *samples, Py_ssize_t start, const Part *part, const Net *net,
                           const cr_entries *out, const real *precision) noexcept nogil:
    """out <- dense rows from `start` on, number by number, those that are 0 too; then zeros of the last column."""
    cdef Py_ssize_t i, j, n_in = net.layers[0].n_in
    cdef Py_ssize_t in_whole_rounds = (n_in + CR_SPARSE_SUMS - 1) // CR_SPARSE_SUMS * CR_SPARSE_SUMS
    cdef real *values
    cdef int32_t *columns
    for i in range(part.row, part.row + part.rows):
        values, columns = <real *> out.values + i * out.room, out.columns + i * out.room
        memset(values + n_in, 0, (in_whole_rounds - n_in) * sizeof(real))
        if samples.in_place:
            memcpy(values, <const real *> samples.x + (start + i) * n_in, n_in * sizeof(real))
        else:
            read_inputs[real](samples, start + i, 1, net, values)
        for j in range(in_whole_rounds):
            columns[j] = min(j, n_in - 1)
        out.counts[i] = in_whole_rounds


cdef inline void read_entries(const Samples *samples, Py_ssize_t start, const Part *part, const Net *net,
                              const Sparse *sparse, const real *precision) noexcept nogil:
    """sparse.entries <- what is not 0 in some of the rows from `start` on, or all of dense ones among sparse
    batches."""
    cdef cr_sparse x = sparse.following
    cdef const int32_t *order = samples.x_order + start + part.row if samples.x_order else <const int32_t *> NULL
    if not samples.begins:
        read_all_entries[real](samples, start, part, net, &sparse.entries, precision)
        return
    if not order:
        x.begins += start + part.row
    kernels.unpack[real](samples.kind, &sparse.entries, part.row, &x, order, part.rows, net.layers[0].n_in,
                         net.scaling, precision)


cdef inline void read_samples(const Samples *samples, Py_ssize_t start, const Part *part, const Net *net,
                              const Sparse *sparse, real *x, real *y, real *u) noexcept nogil:
    """Gather some of the rows from `start` on, where they are not together: their inputs into the room x, or into the
    sparse one, their targets into the room y; labels become one-hot rows there; the weights of outputs into u."""
    cdef Py_ssize_t first = start + part.row, n_out = net.layers[net.depth - 1].n_out
    if sparse:
        read_entries[real](samples, start, part, net, sparse, y)
    else:
        read_inputs[real](samples, first, part.rows, net, x + part.row * net.layers[0].n_in)
    if samples.labels:
        kernels.one_hot[real](y + part.row * n_out, samples.labels if samples.order else samples.labels + first,
                              samples.order + first if samples.order else <const int32_t *> NULL, part.rows, n_out,
                              net.low)
    elif samples.order:
        kernels.gather[real](y + part.row * n_out, <const real *> samples.y, samples.order + first, part.rows, n_out)
    if samples.u and samples.order:
        kernels.gather[real](u + part.row * n_out, <const real *> samples.u, samples.order + first, part.rows, n_out)


cdef inline double weight(const Samples *samples, Py_ssize_t i, const real *precision) noexcept nogil:
    """Of the sample in place i, where weights are given."""
    return (<const real *> samples.weights)[samples.order[i] if samples.order else i]


cdef double total_weight(const Samples *samples, Py_ssize_t start, Py_ssize_t rows,
                         const real *precision) noexcept nogil:
    """Of the samples from `start` on: their number, if they have no weights."""
    cdef Py_ssize_t i
    cdef double total = 0
    if not samples.weights:
        return rows
    for i in range(rows):
        total += weight[real](samples, start + i, precision)
    return total


cdef bint is_format(const Py_buffer *buffer, const char *letters) noexcept:
    """Whether its numbers are of one of the types that have these letters."""
    cdef char letter = buffer.format[0]
    return letter != 0 and buffer.format[1] == 0 and strchr(letters, letter) != NULL


cdef object ARRAY = numpy.ndarray  # looked up once


cdef int kind_of(const Py_buffer *buffer) noexcept:
    """Which of INPUTS its numbers are; -1 for others."""
    cdef int kind
    for kind in range(CR_INPUT_COUNT):
        if is_format(buffer, cr_input_formats[kind]) and <size_t> buffer.itemsize == cr_input_sizes[kind]:
            return kind
    return -1


cdef bint get_numbers(array, Py_buffer *buffer):
    """Whether these are numbers one after another in C order; then the buffer is to be released."""
    if type(array) is not ARRAY:
        return False
    try:
        PyObject_GetBuffer(array, buffer, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
    except (BufferError, ValueError):
        return False
    return True


cdef inline bint is_aligned(const Py_buffer *buffer) noexcept:
    return <size_t> buffer.buf % buffer.itemsize == 0


cdef int take_inputs(Samples *samples, X) except -1:
    """samples <- the inputs X (m, n_1), dense or a SparseRows, or a RowsOf one of these, whose memory is not copied; who
    calls keeps X."""
    cdef Py_buffer buffer
    cdef const int32_t[::1] columns, rows
    cdef const int64_t[::1] begins
    cdef bint sparse = not isinstance(X, ARRAY)
    if sparse and hasattr(X, "rows"):
        rows = X.rows
        take_inputs(samples, X.of)
        samples.x_order, samples.m = &rows[0], rows.shape[0]
        return 0
    PyObject_GetBuffer(X.data if sparse else X, &buffer, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
    samples.x, samples.m, samples.kind = buffer.buf, buffer.shape[0], kind_of(&buffer)
    PyBuffer_Release(&buffer)
    if samples.kind < 0:
        raise ValueError(f"inputs must be of one of the types {', '.join(INPUTS)}")
    if sparse:
        columns, begins = X.indices, X.indptr
        with cython.boundscheck(False):  # there may be none, and then nobody reads them
            samples.columns = &columns[0]
        samples.begins, samples.m = &begins[0], begins.shape[0] - 1
    return 0


def has_sorted_rows(const int32_t[::1] columns, const int64_t[::1] begins):
    """Whether the columns of each row grow, so that none stands twice."""
    cdef Py_ssize_t i, k, steps_back = 0, n = begins[begins.shape[0] - 1]
    for k in range(1, n):
        steps_back += columns[k] <= columns[k - 1]
    for i in range(1, begins.shape[0] - 1):  # but where a row begins (and ends: the empty ones do not begin)
        k = begins[i]
        if begins[i + 1] > k > 0:
            steps_back -= columns[k] <= columns[k - 1]
    return steps_back == 0


cdef Samples samples_of(Plan plan, X, const real[:, ::1] Y, const int32_t[::1] labels, const int32_t[::1] order,
                        const real[::1] weights=None, const real[:, ::1] output_weights=None, int given=0):
    cdef Samples samples
    memset(&samples, 0, sizeof(Samples))
    if X is None:  # they come batch by batch
        return samples
    take_inputs(&samples, X)
    samples.in_place = (samples.kind == own_kind[real](<const real *> NULL) and samples.begins == NULL
                        and plan.net.scaling == NULL)
    samples.y, samples.given = NULL if Y is None else &Y[0, 0], given
    samples.labels = NULL if labels is None else &labels[0]
    samples.weights = NULL if weights is None else &weights[0]
    samples.u = NULL if output_weights is None else &output_weights[0, 0]
    if order is not None:
        samples.order, samples.x_order, samples.m = &order[0], &order[0], order.shape[0]
    return samples
