# Room for dropout in a training call.

cdef size_t dropout_bytes(Plan plan, const double[::1] p, Py_ssize_t rows, size_t itemsize):
    cdef Py_ssize_t i
    cdef size_t bytes = 2 * (plan.net.depth * sizeof(void *) + 64)
    for i in range(p.shape[0]):
        if p[i] > 0:
            bytes += 2 * (rows * plan.net.layers[i].n_out * itemsize + 64)
    return bytes


cdef void set_up_dropout(Dropout *drop, Plan plan, const double[::1] p, Py_ssize_t rows, size_t itemsize, Workspace work,
                         Tape *tape, uint64_t seed):
    """Fill in `drop` for hidden layers that drop their units with the probabilities p (L - 2,)."""
    cdef Py_ssize_t i
    cdef size_t bytes
    drop.p, drop.units, drop.seed = &p[0], n_units(&plan.net), seed
    drop.mask = <void **> work.reserve(plan.net.depth * sizeof(void *))
    drop.kept = <void **> work.reserve(plan.net.depth * sizeof(void *))
    for i in range(plan.net.depth):
        drop.mask[i] = drop.kept[i] = NULL
        if i < p.shape[0] and p[i] > 0:
            bytes = rows * plan.net.layers[i].n_out * itemsize
            drop.mask[i], drop.kept[i] = work.reserve(bytes), work.reserve(bytes)
    tape.dropout = drop
