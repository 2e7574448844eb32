# Derivatives other than the mean gradient: of single samples, of the outputs, and by differences.

# In the measure of `Workspace.pause`: what it takes to write a number where nothing was written before, in memory that
# the system has yet to find. Where there is much to write, that takes longer than the arithmetic.
cdef double WORK_OF_A_NUMBER = 200

def sample_gradients(Plan plan not None, const real[::1] parameters, X, const real[:, ::1] Y,
                     const int32_t[::1] labels, real[:, ::1] nabla):
    """nabla (m, n_parameters) <- the gradient of each sample's own cost."""
    cdef Samples samples = samples_of[real](plan, X, Y, labels, None)
    cdef Workspace work = Workspace(plan, 1, sizeof(real))
    cdef Py_ssize_t i = 0
    cdef double cost
    cdef Tile tile = tile_of(work, 0, <void *> &parameters[0], &samples, &cost)
    cdef Part one_row = whole(1, 0)
    tile.way_down, tile.counted = TO_BUFFER, 1
    with nogil:
        while i < samples.m and not work.pause(plan.flops + plan.n_parameters * WORK_OF_A_NUMBER):
            place_tile[real](&tile, i, 1, &parameters[0])
            forward_part[real](&tile, &one_row, &parameters[0])
            backward_part[real](&tile, &one_row, &parameters[0])
            tile.nabla = &nabla[i, 0]
            go_down[real](&tile, NULL, DOWN, &parameters[0])
            equations.through_scale[real](&nabla[i, 0], &plan.net, &parameters[0])
            i += 1
    work.reraise()


cdef void output_deltas(const Net *net, const real *parameters, Py_ssize_t q, Py_ssize_t m, Tape *tape) noexcept nogil:
    """δ^l = ∂a^L_q/∂z^l of m samples, after `feedforward`: BP1 with a^L_q in the place of the cost, and BP2."""
    cdef Py_ssize_t i, last = net.depth - 1, n_out = net.layers[last].n_out
    cdef Part whole_tile = whole(m, n_out)
    cdef real *delta = <real *> tape.delta[last]
    memset(delta, 0, m * n_out * sizeof(real))
    for i in range(m):
        delta[i * n_out + q] = 1
    equations.multiply_by_slope[real](delta, net, last, <const real *> tape.z[last], <const real *> tape.a[last], m,
                                      tape)
    equations.hidden_deltas[real](net, parameters, &whole_tile, tape)


cdef inline bint jacobian_of_rows(real *out, const Net *net, const real *parameters, const Rows *a, Py_ssize_t m,
                                  Workspace work) noexcept nogil:
    """out (m, n_L, n_1) <- the derivatives of what is said of m samples by these, from a^1; whether it came to its
    end."""
    cdef Py_ssize_t q, n_in = net.layers[0].n_in, n_out = net.layers[net.depth - 1].n_out
    cdef Part whole_tile = whole(m, 0)
    equations.feedforward[real](net, parameters, a, &whole_tile, work.tape)
    for q in range(n_out):
        if work.pause(m * (work.plan.flops + n_in * WORK_OF_A_NUMBER)):
            return False
        output_deltas[real](net, parameters, q, m, work.tape)
        equations.by_inputs[real](out + q * n_in, n_out * n_in, net, parameters, m, work.tape)
    chain_inputs[real](out, net, parameters, m * n_out)
    chain_outputs[real](out, net, m, n_in)
    return True


def jacobian(Plan plan not None, const real[::1] parameters, const real[:, ::1] A, real[:, :, ::1] out):
    """out (m, n_L, n_1) <- the derivatives of what is said of each sample by x, from A = a^1 (m, n_1)."""
    cdef Py_ssize_t start = 0, m, rows = A.shape[0]
    cdef Workspace work = Workspace(plan, min(rows, plan.tile), sizeof(real))
    cdef Rows a
    a.sparse, a.coming.rows = NULL, 0
    with nogil:
        while start < rows:
            m = min(rows - start, plan.tile)
            a.a = &A[start, 0]
            if not jacobian_of_rows[real](&out[start, 0, 0], &plan.net, &parameters[0], &a, m, work):
                break
            start += m
    work.reraise()


def sensitivity(Plan plan not None, const real[::1] parameters, const real[:, ::1] x, real[:, ::1] by_parameter,
                real[:, ::1] by_input):
    """by_parameter (n_L, n_parameters), by_input (n_L, n_1) <- the derivatives of what is said of one sample, from
    x = a^1 (1, n_1)."""
    cdef Py_ssize_t q
    cdef Workspace work = Workspace(plan, 1, sizeof(real))
    cdef const real *p = &parameters[0]
    cdef Part one_row = whole(1, 0)
    cdef Rows row
    row.a, row.sparse, row.coming.rows = &x[0, 0], NULL, 0
    with nogil:
        equations.feedforward[real](&plan.net, p, &row, &one_row, work.tape)
        for q in range(by_input.shape[0]):
            if work.pause(plan.flops + plan.n_parameters * WORK_OF_A_NUMBER):
                break
            output_deltas[real](&plan.net, p, q, 1, work.tape)
            equations.gradient_of_tape[real](&by_parameter[q, 0], &plan.net, p, &row, 1, work.tape)
            equations.by_inputs[real](&by_input[q, 0], by_input.shape[1], &plan.net, p, 1, work.tape)
        chain_inputs[real](&by_input[0, 0], &plan.net, p, by_input.shape[0])
        chain_outputs[real](&by_input[0, 0], &plan.net, 1, by_input.shape[1])
        chain_outputs[real](&by_parameter[0, 0], &plan.net, 1, by_parameter.shape[1])
    work.reraise()


def parameter_jacobian(Plan plan not None, const real[::1] parameters, const real[:, ::1] X, real[:, :, ::1] out):
    """out (m, n_L, n_parameters) <- ∂a^L_q/∂p of each sample, for every weight and bias p."""
    cdef Py_ssize_t i = 0, q
    cdef Workspace work = Workspace(plan, 1, sizeof(real))
    cdef const real *p = &parameters[0]
    cdef Part one_row = whole(1, 0)
    cdef Rows x
    x.sparse, x.coming.rows = NULL, 0
    with nogil:
        while i < X.shape[0] and work.error is None:
            x.a = &X[i, 0]
            equations.feedforward[real](&plan.net, p, &x, &one_row, work.tape)
            for q in range(out.shape[1]):
                if work.pause(plan.flops + plan.n_parameters * WORK_OF_A_NUMBER):
                    break
                output_deltas[real](&plan.net, p, q, 1, work.tape)
                equations.gradient_of_tape[real](&out[i, q, 0], &plan.net, p, &x, 1, work.tape)
            i += 1
    work.reraise()


def numerical_gradient(Plan plan not None, const double[::1] parameters, X, const double[:, ::1] Y,
                       const int32_t[::1] labels, const int64_t[::1] indices, double step, bint central,
                       double[::1] nabla):
    """nabla[i] <- ∂C/∂p for the parameter p = parameters[indices[i]], by differences of the mean cost C: over p - h to
    p + h if central, else over p to p + h, where h = step · max(1, |p|). Returns C, and how many forward passes it
    took."""
    cdef Samples samples = samples_of[double](plan, X, Y, labels, None)
    cdef size_t bytes = plan.n_parameters * sizeof(double)
    cdef Py_ssize_t tiles = (samples.m + plan.tile - 1) // plan.tile
    cdef Workspace work = Workspace(plan, min(samples.m, plan.tile), sizeof(double),
                                    padded(bytes) + padded(tiles * sizeof(double)))
    cdef double *p = <double *> work.reserve(bytes)
    cdef double *costs = <double *> work.reserve(tiles * sizeof(double))
    cdef double here, above, below, kept, cost_above, cost_below
    cdef Py_ssize_t i, j, passes = 0
    memcpy(p, &parameters[0], bytes)
    with nogil:
        here = total_cost[double](plan, p, &samples, work, NULL, costs, NULL)
        passes += 1
        for i in range(indices.shape[0]):
            j = indices[i]
            kept = p[j]
            # the differences as they come out after rounding
            above = kept + step * max(1.0, fabs(kept))
            below = kept - step * max(1.0, fabs(kept)) if central else kept
            p[j] = above
            cost_above = total_cost[double](plan, p, &samples, work, NULL, costs, NULL)
            passes += 1
            cost_below = here
            if central:
                p[j] = below
                cost_below = total_cost[double](plan, p, &samples, work, NULL, costs, NULL)
                passes += 1
            p[j] = kept
            if work.error is not None:
                break
            nabla[i] = (cost_above - cost_below) / samples.m / (above - below)
    work.reraise()
    return here / samples.m, passes
