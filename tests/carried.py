"""What training goes on from, to tell by whether two networks are the same one."""


def carried(net):
    """The parameters, all that the optimiser keeps, and the epochs behind it, to the last bit."""
    state = {name: (a.dtype.str, a.tobytes()) for name, a in net.optimizer_state.items()}
    return net.parameters.tobytes(), state, net.epochs_trained
