"""The calls of calls.py in other libraries, each from NumPy's arrays and back to such.

Every function takes (sizes, X, Y) and returns {what is called: a function without arguments}. One
thread; the network is tanh, identity at the end, and half the squared error.
"""

from itertools import pairwise

import numpy as np


def torch_calls(sizes, X, Y):
    import torch

    torch.set_num_threads(1)
    layers = []
    for n_in, n_out in pairwise(sizes):
        layers += [torch.nn.Linear(n_in, n_out), torch.nn.Tanh()]
    net = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(net.parameters(), 1e-4)

    def cost():
        return 0.5 * ((net(torch.from_numpy(X)) - torch.from_numpy(Y)) ** 2).sum(1).mean()

    @torch.no_grad()
    def state():
        return net(torch.from_numpy(X[0])).numpy()

    @torch.no_grad()
    def cost_alone():
        return cost().item()

    def gradient():
        optimizer.zero_grad(set_to_none=True)
        cost().backward()

    def step():
        gradient()
        optimizer.step()

    jacobian = torch.func.jacrev(net)
    return {
        "a state": state,
        "its Jacobian": lambda: jacobian(torch.from_numpy(X[0])).detach().numpy(),
        "cost of 64": cost_alone,
        "gradient of 64": gradient,
        "a fit of 64": step,
    }


def jax_calls(sizes, X, Y):
    import jax
    import jax.numpy as jnp
    import optax

    rng = np.random.default_rng(1)
    parameters = [
        (jnp.asarray(rng.standard_normal((n_in, n_out), np.float32) / n_in**0.5), jnp.zeros(n_out))
        for n_in, n_out in pairwise(sizes)
    ]
    optimizer = optax.adam(1e-4)

    def net(parameters, a):
        for w, b in parameters[:-1]:
            a = jnp.tanh(a @ w + b)
        w, b = parameters[-1]
        return a @ w + b

    def cost(parameters, x, y):
        return 0.5 * ((net(parameters, x) - y) ** 2).sum(1).mean()

    def update(parameters, state, x, y):
        changes, state = optimizer.update(jax.grad(cost)(parameters, x, y), state, parameters)
        return optax.apply_updates(parameters, changes), state

    forward, jacobian = jax.jit(net), jax.jit(jax.jacrev(net, argnums=1))
    value, gradient = jax.jit(cost), jax.jit(jax.grad(cost))
    step = jax.jit(update, donate_argnums=(0, 1))
    copy = jax.tree.map(jnp.copy, parameters)  # what is given away is gone
    held = [(copy, optimizer.init(copy))]

    def train():
        held[0] = jax.block_until_ready(step(*held[0], X, Y))

    return {
        "a state": lambda: np.asarray(forward(parameters, X[0])),
        "its Jacobian": lambda: np.asarray(jacobian(parameters, X[0])),
        "cost of 64": lambda: float(value(parameters, X, Y)),
        "gradient of 64": lambda: jax.block_until_ready(gradient(parameters, X, Y)),
        "a fit of 64": train,
    }


PEERS = {"torch": torch_calls, "jax": jax_calls}
