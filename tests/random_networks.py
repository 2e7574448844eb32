"""Random networks and inputs, for all that has to say the same as they do."""

import numpy as np

import chainrule as cr

HIDDEN = [
    "sigmoid", "tanh", "relu", "leaky_relu", cr.activations.leaky_relu(0.3), "elu",
    cr.activations.elu(0.7), "selu", "softplus", "gelu", "swish", cr.activations.swish(1.7), "mish",
    "softsign", "hard_sigmoid", "exponential", "identity", "step",
]  # fmt: skip
OUTPUTS = ["softmax", *HIDDEN]
COSTS = {"softmax": "log_likelihood", "sigmoid": "cross_entropy", "exponential": "poisson"}


def draw_network(seed, *, hidden=HIDDEN, outputs=OUTPUTS, scaled=True, largest=24, dtype=None):
    """Return a network of random shape and formulas, and inputs (m, n_1), all by one seed.

    hidden, outputs: what activations there may be. scaled: whether inputs and outputs may be.
    largest: of the widths. dtype: of the network, by default either.
    """
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, largest, size=rng.integers(2, 6)).tolist()
    output = outputs[rng.integers(len(outputs))]
    if output == "softmax":
        sizes[-1] = max(sizes[-1], 2)
    cost = COSTS.get(output, "quadratic")
    options = {}
    if scaled and rng.integers(2):
        options["input_scale"] = rng.uniform(0.5, 2, sizes[0])
        options["input_shift"] = rng.normal(size=sizes[0])
    if scaled and rng.integers(2) and cost == "quadratic":
        options["output_scale"] = rng.uniform(0.5, 2, sizes[-1])
        options["output_shift"] = rng.normal(size=sizes[-1])
    net = cr.Network(
        sizes,
        hidden=[hidden[k] for k in rng.integers(len(hidden), size=len(sizes) - 2)],
        output=output,
        cost=cost,
        init="glorot",
        bias=bool(rng.integers(4)),
        dtype=dtype or str(rng.choice(["float32", "float64"])),
        trainable_scale=scaled and not rng.integers(4),
        seed=seed,
        **options,
    )
    for b in net.biases:
        b[:] = rng.normal(scale=0.3, size=b.shape)
    net.scale[:] = rng.uniform(0.5, 1.5, net.scale.shape)
    return net, rng.normal(size=(rng.integers(1, 9), sizes[0])).astype(net.dtype)
