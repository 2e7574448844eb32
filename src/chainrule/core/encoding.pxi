# Columns of tables as inputs of a network: `chainrule.tables.numbers` and `categories` have the formulas.

cdef class NumberCode:
    """Encodes columns of numbers, each as z, maybe an indicator of holes, and bins, one after the other.

    median, scale: (n,); start: (n,), the first input of each; marked: (n,), whether it has an indicator; edges: those of
    the bins of all, and first: (n + 1,), where those of each begin. z is between -far and far, its input between -bend
    and bend."""

    cdef const double[::1] median, scale, edges
    cdef const int64_t[::1] start, marked, first
    cdef double bend, far

    def __cinit__(self, const double[::1] median, const double[::1] scale, const double[::1] edges,
                 const int64_t[::1] start, const int64_t[::1] marked, const int64_t[::1] first, double bend, double far):
        self.median, self.scale, self.edges = median, scale, edges
        self.start, self.marked, self.first = start, marked, first
        self.bend, self.far = bend, far

    def encode(self, const double[:, :] x, float[:, ::1] out):
        """Write what numbers x (m, n) become into out (m, width); the (row, place) of the first infinite one, or None."""
        cdef Py_ssize_t i, j
        for i in range(x.shape[0]):
            for j in range(x.shape[1]):
                if isinf(x[i, j]):
                    return i, j
                self.encode_number(x[i, j], j, &out[i, self.start[j]])
        return None

    cdef inline void encode_number(self, double x, Py_ssize_t j, float *out) noexcept:
        cdef double z = (x - self.median[j]) * self.scale[j], bent
        cdef bint missing = isnan(x)
        cdef Py_ssize_t k
        if isnan(z):  # of a hole, and of what overflowed where the scale is 0
            z = 0
        z = min(max(z, -self.far), self.far)
        bent = z / self.bend
        out[0] = <float> (z / sqrt(bent * bent + 1))
        out += 1
        if self.marked[j]:
            out[0] = missing
            out += 1
        for k in range(self.first[j], self.first[j + 1] - 1):
            out[0] = <float> in_bin(x, self.edges[k], self.edges[k + 1])
            out += 1


cdef inline double in_bin(double x, double low, double high) noexcept:
    """-1 below the bin, 1 above it, a line between; 0 for a hole."""
    if x <= low:
        return -1
    if x >= high:
        return 1
    return 0 if isnan(x) else 2 * ((x - low) / (high - low)) - 1


def encode_categories(const int32_t[:, ::1] places, const int64_t[::1] start, const int64_t[::1] signed,
                      float[:, ::1] out):
    """Write what places (n, m) among n columns of categories become into out (m, width), which is 0: 1 at the place of
    each, or, of two that are `signed`, -1 for the first and 1 for the second. A place is -1 for none of them."""
    cdef Py_ssize_t i, j
    cdef int32_t place
    for j in range(places.shape[0]):
        for i in range(places.shape[1]):
            place = places[j, i]
            if place < 0:
                continue
            if signed[j]:
                out[i, start[j]] = 2 * place - 1
            else:
                out[i, start[j] + place] = 1
