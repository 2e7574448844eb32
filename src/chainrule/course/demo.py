"""`chainrule demo`: train on handwritten digits, and leave a model and a picture behind."""

import math
import time
from pathlib import Path

import numpy as np

from chainrule import datasets
from chainrule.network import Network
from chainrule.optimizers import SGD
from chainrule.results.pictures import check_matplotlib

_BATCH_SIZE = 10
_MISREAD_SHOWN = 15  # three rows of five


def run_demo(data=None, *, epochs=30, output="."):
    """Train the book's kind of network on digits; print the results, write a model and a picture.

    Parameters
    ----------
    data : str or path object, optional
        Folder of the MNIST files, or the book's ``mnist.pkl.gz``; scikit-learn's 8x8 digits
        without it.
    epochs : int
    output : str or path object
        Folder for ``digits.npz`` and ``digits.png``; made if it is not there.

    Returns
    -------
    accuracy : float
        Share of the test digits that the network reads right.

    Raises
    ------
    ImportError
        If matplotlib, or scikit-learn where its digits are used, is not installed.
    OSError, ValueError
        If the data cannot be read or the results cannot be written.
    """
    check_matplotlib("the demo")  # before the training: without it there is no point in going on
    train, validation, test, recipe = _load(data)
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    model, picture = output / "digits.npz", output / "digits.png"

    images, labels = train
    net = Network(recipe["sizes"], cost="cross_entropy", seed=0)
    print(
        f"Training a {'-'.join(map(str, net.sizes))} network on {len(images):,} digits "
        f"of {recipe['side']}x{recipe['side']} pixels",
        flush=True,  # before the progress, which goes to stderr
    )
    began = time.perf_counter()
    history = net.fit(
        images,
        labels,
        optimizer=SGD(recipe["learning_rate"]),
        epochs=epochs,
        batch_size=_BATCH_SIZE,
        l2=recipe["l2"],
        validation_data=validation,
        progress=True,
    )
    elapsed = time.perf_counter() - began

    outputs = net.feedforward(test[0])
    right = np.count_nonzero(outputs.argmax(axis=1) == test[1])
    accuracy = right / len(test[1])
    n_samples = len(history) * len(images)
    steps = len(history) * math.ceil(len(images) / _BATCH_SIZE)
    seconds = history.seconds.sum()
    print(
        f"Test accuracy {accuracy:.2%}: {right:,} of {len(test[1]):,} digits read right\n"
        f"Speed {n_samples / seconds:,.0f} samples/s, {1e6 * seconds / steps:.1f} µs per step "
        f"of {_BATCH_SIZE} samples; {elapsed:.2f} s in all"
    )

    net.save(model)
    # Not pyplot: this one needs no screen and changes nothing in the process.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.6), dpi=150, layout="constrained")
    _draw(figure, history, outputs, test, recipe["side"], accuracy)
    figure.savefig(picture)
    print(f"Wrote {model} and {picture}. To read a digit with the model:\n")
    for line in _reading_lines(data, model):
        print(f"    {line}")
    return accuracy


def _load(data):
    """Load the digits as train, validation, test; a fourth part says how to train on them."""
    if data is not None:
        # As the book ends its chapter 3; its λ is 5.0 = l2 · 50,000.
        recipe = {"sizes": [784, 100, 10], "side": 28, "learning_rate": 0.1, "l2": 1e-4}
        return *datasets.load_mnist(data), recipe
    images, labels = datasets.load_digits8x8()
    order = np.random.default_rng(0).permutation(len(images))
    parts = [(images[rows], labels[rows]) for rows in np.split(order, [1000, 1200])]
    return *parts, {"sizes": [64, 30, 10], "side": 8, "learning_rate": 0.5, "l2": 1e-4}


def _draw(figure, history, outputs, test, side, accuracy):
    """Learning curves on the left, the digits misread most surely on the right."""
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
    curves, digits = figure.subfigures(1, 2, width_ratios=[1.15, 1], wspace=0.04)
    curves.suptitle(f"Learning curves: {accuracy:.2%} of the test digits read right at the end")
    history.plot(curves.subplots())

    images, labels = test
    read = outputs.argmax(axis=1)
    wrong = np.flatnonzero(read != labels)
    surest = wrong[np.argsort(-outputs[wrong, read[wrong]], kind="stable")][:_MISREAD_SHOWN]
    of_all = f" of the {len(wrong)}" if len(wrong) > len(surest) else ""
    digits.suptitle(f"{len(surest)}{of_all} misread test digits (true → read)")
    for ax in digits.subplots(3, 5).flat:
        ax.set_axis_off()
    for ax, row in zip(digits.axes, surest, strict=False):
        ax.imshow(images[row].reshape(side, side), cmap="gray_r", vmin=0, vmax=1)
        ax.set_title(f"{labels[row]} → {read[row]}", fontsize=11)


def _reading_lines(data, model):
    if data is None:
        digits = "images, labels = datasets.load_digits8x8()"
    else:
        digits = f"_, _, (images, labels) = datasets.load_mnist({str(data)!r})"
    return (
        "from chainrule import datasets, load",
        digits,
        f"print(load({str(model)!r})(images[0]).argmax(), labels[0])",
    )
