"""What a call costs where one is made per step: control, reinforcement learning, a solver's loop.

Of the network 8-64-64-4 (tanh, identity, quadratic, float32) on one thread: one state forward, in
each form that users have it, its Jacobian, and the cost, the gradient and a step of Adam of 64
samples, by a trainer and as a `fit`, and an update of Q-learning: the target network forward, a
step, and the target network a hundredth of the way. Beside each the core's own work, the same from
arrays that are checked already (of steps: amid an epoch), and the same call of PyTorch (eager) and
JAX (jitted, with donated buffers), from NumPy and back, where they are installed. Then steps of
four sizes beside their core. All take turns; what is told is the least time of all turns. Goals:

    one state forward, of any kind          <= 2.5 µs, >= 10 times as fast as PyTorch and JAX
    the Jacobian of one state               <= 6 µs
    cost, gradient of 64 samples            <= 5 µs over the core's work
    a step of 64                            <= 3 µs over the core's, >= 14 times PyTorch, 2.8 JAX
    an update of Q-learning                 >= 6 times as fast as PyTorch

    python bench/calls.py [--peers torch,jax] [--json FILE]
"""

from functools import partial
from time import perf_counter

import numpy as np

import chainrule as cr
from chainrule.core import _core
from parts.callers import PEERS
from parts.command import Command
from parts.machine import header
from parts.output import table, write_json

SIZES, BATCH, STEPS = [8, 64, 64, 4], 64, 100
OURS, CORE = "chainrule", "its core"
STATE, JACOBIAN, OVER, OVER_STEP = 2.5e-6, 6e-6, 5e-6, 3e-6  # goals, in seconds
TIMES = {  # goals: how many times as fast as the peers
    "a state": {"torch": 10, "jax": 10},
    "a step of 64": {"torch": 14, "jax": 2.8},
    "a Q update of 64": {"torch": 6},
}
MORE = [([4, 32, 2], 32), ([17, 64, 64, 6], 64), ([17, 256, 256, 6], 256), ([784, 100, 10], 64)]

rng = np.random.default_rng(0)
X = rng.standard_normal((BATCH, SIZES[0]), dtype=np.float32)
Y = rng.standard_normal((BATCH, SIZES[-1]), dtype=np.float32)
BATCH_OF_Q = (
    X,
    rng.integers(SIZES[-1], size=BATCH, dtype=np.int32),
    rng.random(BATCH, dtype=np.float32),
    rng.standard_normal((BATCH, SIZES[0]), dtype=np.float32),
)
FORMS = {
    "a state": X[0],
    "a state in float64": X[0].astype(np.float64),
    "a state in a list": X[0].tolist(),
    "a state as a row": X[:1],
}


def network(sizes=SIZES):
    return cr.Network(sizes, hidden="tanh", output="identity", seed=0)


def fit(net, X, Y, batch=BATCH):
    net.fit(X, Y, optimizer=cr.Adam(1e-4), epochs=1, batch_size=batch, shuffle=False, threads=1)


def trainer_of(net):
    return net.trainer(cr.Adam(1e-4), threads=1)


def q_learning(batch):
    """An update by states, actions, rewards and the states after."""
    S, actions, rewards, after = batch
    net = network()
    target, trainer = net.copy(), trainer_of(net)

    def update():
        trainer.step(S, rewards + 0.99 * target(after, threads=1).max(axis=1), actions=actions)
        target.blend(net, 0.01)

    return update


def steps_of_more():
    """The same of steps of other sizes."""
    found = {}
    for sizes, batch in MORE:
        x = rng.standard_normal((batch, sizes[0]), dtype=np.float32)
        y = rng.standard_normal((batch, sizes[-1]), dtype=np.float32)
        epoch = partial(fit, network(sizes), np.tile(x, (STEPS, 1)), np.tile(y, (STEPS, 1)), batch)
        name = f"a step of {batch}, {'-'.join(map(str, sizes))}"
        found[name] = partial(trainer_of(network(sizes)).step, x, y), epoch, STEPS
    return found


def calls_of_ours():
    """{what is called: (ours, its core's work, how many of these at once)}."""
    net, trained = network(), network()
    plan, parameters = net._plan, net.parameters
    nabla = np.empty_like(parameters)
    one = partial(_core.feedforward_one, plan, parameters, X[0], None)
    checked = plan, parameters, X, Y, None
    epoch = partial(fit, trained, np.tile(X, (STEPS, 1)), np.tile(Y, (STEPS, 1)))
    return {
        **{name: (partial(net, x), one, 1) for name, x in FORMS.items()},
        "a state, threads=1": (partial(net, X[0], threads=1), one, 1),
        "its Jacobian": (
            partial(net.jacobian, X[0]), partial(_core.jacobian_one, plan, parameters, X[0]), 1,
        ),
        "cost of 64": (
            partial(net.evaluate, X, Y, threads=1), partial(_core.evaluate, *checked), 1,
        ),
        "gradient of 64": (
            partial(net.backprop, X, Y, threads=1), partial(_core.gradient, *checked, nabla), 1,
        ),
        "a step of 64": (partial(trainer_of(network()).step, X, Y), epoch, STEPS),
        "a Q update of 64": (q_learning(BATCH_OF_Q), epoch, STEPS),
        "a fit of 64": (partial(fit, trained, X, Y), epoch, STEPS),
        **steps_of_more(),
    }  # fmt: skip


def goal_of(name, core):
    """The most seconds that a call of ours may take; None: any."""
    if name.startswith("a state"):
        return STATE
    return {
        "its Jacobian": JACOBIAN, "cost of 64": core + OVER, "gradient of 64": core + OVER,
    }.get(name, core + OVER_STEP if name.startswith("a step") else None)  # fmt: skip


def seconds(call, repeats):
    began = perf_counter()
    for _ in range(repeats):
        call()
    return (perf_counter() - began) / repeats


def least_times(calls, options):
    """The least seconds of each of the calls, {name: (call, how many at once)}, in turns."""
    repeats = {
        name: max(1, int(options.seconds / seconds(it, 3))) for name, (it, _) in calls.items()
    }
    turns = [
        [seconds(call, repeats[name]) / at_once for name, (call, at_once) in calls.items()]
        for _ in range(options.rounds)
    ]
    return dict(zip(calls, np.min(turns, axis=0).tolist(), strict=True))


def told_goal(name, peer, quick):
    goal = TIMES.get(name, {}).get(peer)
    return f" (at least {goal})" if goal and not quick else ""


def told(results, peers, quick):
    rows = []
    for name, times in results.items():
        goal = None if quick else goal_of(name, times[CORE])
        ours = f"{times[OURS] * 1e6:.2f}" + (f" (at most {goal * 1e6:.2f})" if goal else "")
        others = [
            f"{times[peer] * 1e6:.1f}: {times[peer] / times[OURS]:.1f}x"
            + told_goal(name, peer, quick)
            if peer in times
            else ""
            for peer in peers
        ]
        rows.append([name, ours, f"{times[CORE] * 1e6:.2f}", *others])
    return table(["µs", OURS, CORE, *peers], rows)


def main(options):
    print(header(options.about))
    peers = {}
    for name in options.peers:
        try:
            peers[name] = PEERS[name](SIZES, X, Y, BATCH_OF_Q)
        except ImportError as why:
            print(f"{name} absent: {why}")
    results = {}
    for name, (ours, core, at_once) in calls_of_ours().items():
        others = {peer: (calls[name], 1) for peer, calls in peers.items() if name in calls}
        calls = {OURS: (ours, 1), CORE: (core, at_once)} | others
        results[name] = least_times(calls, options)
    print(told(results, peers, options.quick))
    write_json(options.json, options.about, results=results)


if __name__ == "__main__":
    parser = Command(__doc__, rounds=20, seconds=0.02, files=["json"])
    parser.add_names("peers", PEERS, list(PEERS), "all")
    parser.run(main)
