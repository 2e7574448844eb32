# What a training call is given to learn from.

cdef class Data:
    """Samples, and how an epoch goes through them: in mini-batches of so many, in which order."""

    cdef object X, Y, weights, output_weights, draw
    cdef const int32_t[::1] labels, order
    cdef Py_ssize_t batch_size
    cdef bint drop_last, shuffle, in_blocks
    cdef uint64_t seed
    cdef Stream stream
    cdef int exponent

    def __cinit__(self, X=None, Y=None, const int32_t[::1] labels=None, weights=None, output_weights=None,
                  const int32_t[::1] order=None, *, Py_ssize_t batch_size, bint drop_last=False, bint shuffle=False,
                  uint64_t seed=0, draw=None, Stream stream=None, int exponent=0, bint in_blocks=False):
        """X (m, n_1), of one of INPUTS; Y (m, n_L), or labels (m,); weights (m,) of the samples and
        output_weights (m, n_L) of the outputs, or None where all count alike. order: the rows to go through, one after
        another; None: all of them. exponent: the weights are so many 2**exponent.
        drop_last: a mini-batch of fewer rows at the end of an epoch is left out.
        shuffle: each epoch goes through all rows in an order of its own, that of the seed; or, if given, that which
        draw() returns, int32 (m,).
        stream: where the mini-batches come from, in the place of all these; for one epoch a call.
        in_blocks: the gradient of each block of a mini-batch is asked for by itself (Blocks), as the user knows it."""
        self.X, self.Y, self.labels, self.order = X, Y, labels, order
        self.weights, self.output_weights = weights, output_weights
        self.batch_size, self.drop_last = batch_size, drop_last
        self.shuffle, self.seed, self.stream = shuffle, seed, stream
        self.draw, self.exponent, self.in_blocks = draw, exponent, in_blocks
