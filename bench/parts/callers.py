"""The calls of calls.py in other libraries, each from NumPy's arrays and back to such.

Every function takes (sizes, X, Y, q) and returns {what is called: a function without arguments}; q
are the states, actions, rewards and states after of an update of Q-learning. One thread; the
network is tanh, identity at the end, and half the squared error.
"""

import copy
from itertools import pairwise

import numpy as np


def torch_calls(sizes, X, Y, q):
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

    slow = copy.deepcopy(net)
    S, actions, rewards, after = (torch.from_numpy(each) for each in q)
    chosen = actions.long()[:, None]

    def q_update():
        with torch.no_grad():
            worth = rewards + 0.99 * slow(after).max(1).values
        optimizer.zero_grad(set_to_none=True)
        (0.5 * (net(S).gather(1, chosen)[:, 0] - worth) ** 2).mean().backward()
        optimizer.step()
        with torch.no_grad():
            for its, mine in zip(slow.parameters(), net.parameters(), strict=True):
                its.lerp_(mine, 0.01)

    jacobian = torch.func.jacrev(net)
    return {
        "a state": state,
        "its Jacobian": lambda: jacobian(torch.from_numpy(X[0])).detach().numpy(),
        "cost of 64": cost_alone,
        "gradient of 64": gradient,
        "a step of 64": step,
        "a Q update of 64": q_update,
    }


def jax_calls(sizes, X, Y, q):
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

    def q_cost(parameters, worth, S, actions):
        said = jnp.take_along_axis(net(parameters, S), actions[:, None], 1)[:, 0]
        return 0.5 * ((said - worth) ** 2).mean()

    def q_change(parameters, slow, state, S, actions, rewards, after):
        worth = rewards + 0.99 * net(slow, after).max(1)
        changes = jax.grad(q_cost)(parameters, worth, S, actions)
        changes, state = optimizer.update(changes, state, parameters)
        parameters = optax.apply_updates(parameters, changes)
        slow = jax.tree.map(lambda its, mine: its + 0.01 * (mine - its), slow, parameters)
        return parameters, slow, state

    q_step = jax.jit(q_change, donate_argnums=(0, 1, 2))
    own, slow = (jax.tree.map(jnp.copy, parameters) for _ in range(2))
    q_held = [(own, slow, optimizer.init(own))]

    def q_update():
        q_held[0] = jax.block_until_ready(q_step(*q_held[0], *q))

    return {
        "a state": lambda: np.asarray(forward(parameters, X[0])),
        "its Jacobian": lambda: np.asarray(jacobian(parameters, X[0])),
        "cost of 64": lambda: float(value(parameters, X, Y)),
        "gradient of 64": lambda: jax.block_until_ready(gradient(parameters, X, Y)),
        "a step of 64": train,
        "a Q update of 64": q_update,
    }


PEERS = {"torch": torch_calls, "jax": jax_calls}
