# One at a time.

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident() nogil

cdef class Turn:
    """Calls of a network that train it: one at a time, another is refused. (Compiled, so that no signal comes between a
    call and its end.)"""

    cdef bint taken
    cdef unsigned long thread  # that has taken it

    def __cinit__(self):
        self.taken = False

    def call(self, function, *arguments, **options):
        self.begin()
        try:
            return function(*arguments, **options)
        finally:
            self.end()

    def begin(self):
        """Begin a call that goes on in parts, until its end."""
        with cython.critical_section(self):  # without the GIL two threads would both find it free
            self.check_free("Train a copy, net.copy(), or wait")
            self.taken = True
            self.go_on()

    def go_on(self):
        """Go on in this thread."""
        self.thread = PyThread_get_thread_ident()

    def end(self):
        with cython.critical_section(self):
            self.taken = False

    def check_free(self, str instead, bint but_for_callbacks=False):
        """Raise RuntimeError, with what to do instead, while a call trains; or if another thread's call does."""
        if self.taken and not (but_for_callbacks and self.thread == PyThread_get_thread_ident()):
            raise RuntimeError(
                "the network is in training: a fit, or a step of a trainer, has yet to end, of which this is a "
                f"callback, or which another thread does. {instead}"
            )
