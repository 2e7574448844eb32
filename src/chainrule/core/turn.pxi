# One at a time.

cdef class Turn:
    """Calls of a network that train it: one at a time, another is refused. (Compiled, so that no signal comes between a
    call and its end.)"""

    cdef bint taken

    def __cinit__(self):
        self.taken = False

    def call(self, function, *arguments, **options):
        if self.taken:
            raise RuntimeError(
                "the network is in training: a fit, or a step of a trainer, has yet to end, of which this is a "
                "callback, or which another thread does. Train a copy, net.copy(), or wait"
            )
        self.taken = True
        try:
            return function(*arguments, **options)
        finally:
            self.taken = False
