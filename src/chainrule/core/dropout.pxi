# Room for dropout in a training call.

cdef size_t bytes_for_dropouts(const Net *net, const double[::1] p, Py_ssize_t rows, Py_ssize_t threads,
                               size_t itemsize) noexcept:
    cdef Py_ssize_t i
    cdef size_t bytes = 2 * padded(net.depth * sizeof(void *))
    for i in range(p.shape[0]):
        if p[i] > 0:
            bytes += 2 * padded(rows * net.layers[i].n_out * itemsize)
    return padded(threads * sizeof(Dropout)) + threads * bytes


cdef Dropout *set_up_dropouts(const double[::1] p, Workspace work, uint64_t seed) except NULL:
    """Dropout for each thread: hidden layers drop their units with the probabilities p (L - 2,)."""
    cdef Py_ssize_t i
    cdef Dropout *dropouts = <Dropout *> work.reserve(work.threads * sizeof(Dropout))
    for i in range(work.threads):
        set_up_dropout(&dropouts[i], p, work, seed)
        work.tapes[i].dropout = &dropouts[i]
    return dropouts


cdef int set_up_dropout(Dropout *drop, const double[::1] p, Workspace work, uint64_t seed) except -1:
    cdef const Net *net = &work.plan.net
    cdef Py_ssize_t i
    cdef size_t bytes
    drop.p, drop.units, drop.seed = &p[0], n_units(net), seed
    drop.mask = <void **> work.reserve(net.depth * sizeof(void *))
    drop.kept = <void **> work.reserve(net.depth * sizeof(void *))
    for i in range(net.depth):
        drop.mask[i] = drop.kept[i] = NULL
        if i < p.shape[0] and p[i] > 0:
            bytes = work.rows * net.layers[i].n_out * work.itemsize
            drop.mask[i], drop.kept[i] = work.reserve(bytes), work.reserve(bytes)
    return 0
