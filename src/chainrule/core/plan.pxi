# What is computed.

# Rows that go forward and back together: 512, or fewer where the network is so large that a signal would wait for them.
# Neither the data nor the number of threads decides, so that results depend on neither.
cdef enum:
    MOST_ROWS = 512, FEWEST_ROWS = 8
cdef double WORK_OF_A_TILE = 1.2e11
cdef double DENSE_OVER_SPARSE = 16


cdef class Plan:
    """What is computed: the layers with their activations, the cost, and where each W^l and b^l stands among the flat
    parameters."""

    cdef Net net
    cdef double *cost_parameters
    cdef const float[:, ::1] scaling_f32   # of the inputs, or None: what `scaling` points to
    cdef const double[:, ::1] scaling_f64
    cdef cr_scaling scaling
    cdef const double[:, ::1] output_scaling
    cdef readonly object user_cost         # a Python object, or None
    cdef readonly list user_activations    # by layer, likewise
    cdef readonly bint calls_python        # whether there is one of these
    cdef readonly bint shifts_inputs
    cdef readonly bint bfloat16            # whether the factors of products are rounded to it
    cdef readonly tuple sizes
    cdef readonly Py_ssize_t n_parameters, tile
    cdef readonly double flops  # of a forward and a backward pass of one sample
    cdef Pace pace              # of its training
    cdef object one_sample      # the memory for one, once it was needed; None while a call has it
    cdef Plan striped           # the same with W^2 in stripes, likewise
    cdef tuple arguments

    def __cinit__(self, sizes, activations, cost, bint bias, scaling=None, output_scaling=None,
                  bint trainable_scale=False, bint bfloat16=False, Py_ssize_t stripe=1):
        """scaling: of the inputs, float64 (2, n_1), what each is multiplied by and what is added then, or None.
        output_scaling: likewise what is handed out of a^L, (2, n_L). trainable_scale: whether the parameters end with
        a scale of the inputs, (n_1,). bfloat16: whether the factors of products are rounded to it, in float32. stripe: how many neurons of W^2 stand together in memory."""
        self.arguments = (sizes, activations, cost, bias, scaling, output_scaling, trainable_scale, bfloat16)
        self.bfloat16 = bfloat16
        self.sizes = tuple(sizes)
        self.net.depth = len(self.sizes) - 1
        self.set_cost(cost)
        self.set_scaling(scaling)
        if output_scaling is not None:
            self.output_scaling = output_scaling
            self.net.output_scaling = &self.output_scaling[0, 0]
        self.set_layers(activations, bias, stripe)
        self.net.scale = self.n_parameters if trainable_scale else -1
        if trainable_scale:
            self.n_parameters += self.net.layers[0].n_in
        self.net.n_parameters = self.n_parameters
        self.set_tile()
        self.calls_python = any(user is not None for user in (self.user_cost, *self.user_activations))

    cdef int set_cost(self, cost) except -1:
        """The cost (name, parameters), or (object, parameters) where it is a user's."""
        cdef Py_ssize_t i
        name, parameters = cost
        self.user_cost = None if isinstance(name, str) else name
        self.net.cost = COSTS.index(name) if self.user_cost is None else <int> OF_THE_USER
        self.net.low = cr_cost_lows[self.net.cost] if self.user_cost is None else 0
        self.cost_parameters = <double *> cr_aligned_alloc((len(parameters) + 1) * sizeof(double))
        if not self.cost_parameters:
            raise MemoryError
        for i, parameter in enumerate(parameters):
            self.cost_parameters[i] = parameter
        self.net.cost_parameters = self.cost_parameters
        return 0

    cdef int set_scaling(self, scaling) except -1:
        self.shifts_inputs = scaling is not None and scaling[1].any()
        if scaling is not None:
            self.scaling_f64 = scaling
            with numpy.errstate(over="ignore"):  # a float64 network may have larger numbers, and reads only these
                self.scaling_f32 = scaling.astype(numpy.float32)
            self.scaling.f64, self.scaling.f32 = &self.scaling_f64[0, 0], &self.scaling_f32[0, 0]
            self.net.scaling = &self.scaling
        return 0

    cdef int set_layers(self, activations, bint bias, Py_ssize_t stripe) except -1:
        """The layers, one after another among the parameters, each with its activation (name or object, parameter)."""
        cdef Py_ssize_t i, offset = 0
        cdef Layer *layer
        self.user_activations = [None if isinstance(name, str) else name for name, _ in activations]
        self.net.layers = <Layer *> cr_aligned_alloc(self.net.depth * sizeof(Layer))
        if not self.net.layers:
            raise MemoryError
        for i in range(self.net.depth):
            layer = &self.net.layers[i]
            layer.n_in, layer.n_out = self.sizes[i], self.sizes[i + 1]
            name, layer.parameter = activations[i]
            if isinstance(name, str):
                layer.activation = ACTIVATIONS.index(name)
                layer.slope_from_z = cr_activation_sources[layer.activation] == c'z'
            else:
                layer.activation, layer.slope_from_z = OF_THE_USER, True
            layer.weights, layer.stripe = offset, stripe if i == 0 else 1
            layer.bfloat16 = self.bfloat16
            offset += n_weights(layer, layer.n_out)
            layer.biases = offset if bias else -1
            offset += layer.n_out if bias else 0
            # of sparse rows nobody knows how many numbers there will be: a guess
            self.flops += 6.0 * layer.n_in * layer.n_out / (1 if layer.stripe == 1 else DENSE_OVER_SPARSE)
        self.n_parameters = offset
        return 0

    cdef Plan in_stripes(self, Py_ssize_t stripe):
        """The same with W^2 in such stripes; the last one is kept. Several threads may ask."""
        cdef Plan found
        with cython.critical_section(self):
            if self.striped is None or self.striped.net.layers[0].stripe != stripe:
                self.striped = Plan(*self.arguments, stripe)
            found = self.striped
        return found

    cdef void set_tile(self) noexcept:
        self.tile = MOST_ROWS
        while self.tile > FEWEST_ROWS and self.tile * self.flops > WORK_OF_A_TILE:
            self.tile //= 2
        self.net.tile = self.tile

    @property
    def scales_inputs(self):
        return self.net.scaling != NULL

    def __dealloc__(self):
        cr_aligned_free(self.net.layers)
        cr_aligned_free(self.cost_parameters)


cdef Py_ssize_t n_units(const Net *net) noexcept nogil:
    """n_2 + ... + n_L."""
    cdef Py_ssize_t i, total = 0
    for i in range(net.depth):
        total += net.layers[i].n_out
    return total
