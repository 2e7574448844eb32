"""What is measured in the book's experiments: from settings, digits and a seed to a few numbers.

Each measure takes the settings of an experiment (see `chainrule.book.experiments`), the digits and
the seed of its networks, and returns a list of floats, one for each figure of the experiment.
"""

import time
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import chainrule
from chainrule.book import network
from chainrule.book.mnist_loader import vectorized_result

BATCH_SIZE = 10
CLASSES = 10


class Digits(NamedTuple):
    """The sets that `mnist_loader.load_data` returns: pairs of images (m, n_1) and labels (m,)."""

    training: tuple[NDArray, NDArray]
    validation: tuple[NDArray, NDArray]
    test: tuple[NDArray, NDArray]


def best_epoch(settings, digits, seed):
    """Return the accuracy after the best epoch, in %."""
    return [max(_accuracies(*settings, digits, seed)[1])]


def last_epoch(settings, digits, seed):
    """Return the accuracy after the last epoch, in %."""
    return [_accuracies(*settings, digits, seed)[1][-1]]


def first_and_last_epoch(settings, digits, seed):
    """Return the accuracy after the first and after the last epoch of each setting, in %."""
    curves = [_accuracies(setting, digits, seed)[1] for setting in settings]
    return [accuracy for curve in curves for accuracy in (curve[0], curve[-1])]


def best_and_first_epochs(settings, digits, seed):
    """Return the accuracy after the best epoch and after the first three, in %."""
    curve = _accuracies(*settings, digits, seed)[1]
    return [max(curve), *curve[:3]]


def best_epoch_and_training(settings, digits, seed):
    """Return the accuracy after the best epoch, and in the end on the digits trained on, in %."""
    (setting,) = settings
    net, curve = _accuracies(setting, digits, seed)
    return [max(curve), 100 * net.evaluate(*_trained_on(setting, digits))["accuracy"]]


def at_best_validation(settings, digits, seed):
    """Return the test accuracy after the epoch with the best validation accuracy, in %."""
    best, at_best = -1.0, 0.0
    for net in _epoch_by_epoch(*settings, digits, seed):
        accuracy = net.evaluate(*digits.validation)["accuracy"]
        if accuracy >= best:  # the later one of equals, as in the book's network3
            best, at_best = accuracy, net.evaluate(*digits.test)["accuracy"]
    return [100 * at_best]


def rises_of_the_cost(settings, digits, seed):
    """Return for each setting in how many epochs the training cost rises, then by how much at most.

    The cost is that on all training digits with its L2 term, after each epoch; a curve that never
    rises rises by 0.
    """
    curves = [_training_costs(setting, digits, seed) for setting in settings]
    rises = [[max(after - before, 0.0) for before, after in pairwise(curve)] for curve in curves]
    return [float(np.count_nonzero(r)) for r in rises] + [max(r) for r in rises]


def gradient_norms(settings, digits, seed):
    """Return ‖δ^l‖ for each hidden layer of each setting's network before any training.

    δ^l is the mean over the digits, so by BP3 it is ∂C/∂b^l, (n_l,).
    """
    norms = []
    for setting in settings:
        images, labels = _trained_on(setting, digits)
        nabla = _network(setting, images, seed).backprop(images, labels)
        norms += [float(np.linalg.norm(nabla_b)) for nabla_b in nabla.biases[:-1]]
    return norms


def loop_over_matrix(settings, digits, seed):
    """Return how many times as long as by matrices a mini-batch takes sample by sample.

    Both are the book's `network` in NumPy, float64: its matrix form takes the columns of a
    mini-batch side by side through backpropagation, the loop takes one at a time and adds up.
    """
    (setting,) = settings
    images, labels = _trained_on(setting, digits)
    pairs = [
        (x.astype(np.float64).reshape(-1, 1), vectorized_result(label))
        for x, label in zip(images, labels, strict=True)
    ]
    batches = [pairs[start : start + BATCH_SIZE] for start in range(0, len(pairs), BATCH_SIZE)]
    np.random.seed(seed)  # noqa: NPY002 (the generator that the book draws from)
    sizes = [images.shape[1], *setting.hidden, CLASSES]
    nets = network.Network(sizes), network.Network(sizes)
    # A `backprop` that has been assigned is called for one sample at a time, as the book prints it.
    nets[1].backprop = partial(network.Network.backprop, nets[1])
    ratios = []
    for _ in range(5):  # in turn, so that a drift of the machine hits both
        by_matrices, by_samples = (_seconds_of_steps(net, batches, setting.eta) for net in nets)
        ratios.append(by_samples / by_matrices)
    return [float(np.median(ratios))]


def _seconds_of_steps(net, batches, eta):
    began = time.perf_counter()
    for batch in batches:
        net.update_mini_batch(batch, eta)
    return time.perf_counter() - began


def _accuracies(setting, digits, seed):
    """Train as the setting says; return the network and its accuracy after each epoch, in %."""
    images, labels = _trained_on(setting, digits)
    net = _network(setting, images, seed)
    history = net.fit(
        images,
        labels,
        epochs=setting.epochs,
        validation_data=getattr(digits, setting.on),
        **_options(setting, images),
    )
    return net, (100 * history.validation_accuracy).tolist()


def _epoch_by_epoch(setting, digits, seed):
    """Train as the setting says; yield the network after each epoch."""
    images, labels = _trained_on(setting, digits)
    net = _network(setting, images, seed)
    for _ in range(setting.epochs):
        net.fit(images, labels, epochs=1, **_options(setting, images))
        yield net


def _training_costs(setting, digits, seed):
    """Return C = C_0 + (λ/2n) Σw² on the n training digits after each epoch."""
    images, labels = _trained_on(setting, digits)
    half_l2 = setting.lmbda / len(images) / 2
    return [
        net.evaluate(images, labels)["cost"]
        + half_l2 * sum(float(np.sum(W**2, dtype=np.float64)) for W in net.weights)
        for net in _epoch_by_epoch(setting, digits, seed)
    ]


def _trained_on(setting, digits):
    images, labels = digits.training
    return images[: setting.images], labels[: setting.images]


def _network(setting, images, seed):
    return chainrule.Network(
        [images.shape[1], *setting.hidden, CLASSES],
        output=setting.output,
        cost=setting.cost,
        init=setting.init,
        seed=seed,
    )


def _options(setting, images):
    """Return what `fit` is told besides data and epochs; the book's λ is l2·n."""
    return {
        "optimizer": chainrule.SGD(setting.eta),
        "batch_size": BATCH_SIZE,
        "l2": setting.lmbda / len(images),
    }
