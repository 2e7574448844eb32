"""`load`: what a file holds, a network, an ensemble, or a table's model.

It stands above them, since reading makes them.
"""

from collections.abc import Mapping
from os import PathLike
from typing import Any

from chainrule.checks.keywords import known_options
from chainrule.files.ensemble_file import read_model
from chainrule.files.model_file import told_with
from chainrule.network import Network
from chainrule.sweeps.ensemble import Ensemble
from chainrule.tables.predictor import Predictor


@known_options({"custom_objects": "Use own=..."})
def load(path: str | PathLike[str], *, own: Mapping[str, object] | None = None) -> Network | Any:
    """Read a network that `Network.save` wrote, an `Ensemble`, or the model of a table.

    Parameters
    ----------
    path : str or path object
    own : dict of str to object, optional
        The activations and costs that are objects of your own, by the names that `save` wrote.
        Make each as it was made for the network: the file does not know its parameters. They are
        checked as when a network is made.

    Returns
    -------
    net : Network, Ensemble or Predictor
        As the file has it; to type checkers a Network, unless ``isinstance`` tells them more. It
        gives the same outputs and continues training the same way, to the last bit. Of a
        `TabularClassifier` or `TabularRegressor` of `chainrule.sklearn` it is the Predictor, by
        which rows of a table are predicted without scikit-learn. The optimiser
        of the last `fit` is `net.optimizer`; what else belongs to a call of `fit`, such as
        batch_size and l2, is not in the file; give it again. A file of a version that did not keep
        the optimiser has None: its `fit` needs optimizer= where the file has an optimiser's state,
        and else goes by ``Adam()``.

    Raises
    ------
    OSError
        If there is no such file or it cannot be read.
    TypeError
        If `path` is no file name, or `own` no dict.
    ValueError
        If it is no such file of this format version, is cut short or is damaged, or if
        `own` lacks an object, holds one too many or one that does not fit; the message names the
        file, what was expected and what came. Nothing in a file is ever run, and nothing is
        allocated beyond a small multiple of the file's size on the disk.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import chainrule as cr
    >>> class Sine:
    ...     def __init__(self, omega):
    ...         self.omega = omega
    ...     def value(self, z):
    ...         return np.sin(self.omega * z)
    ...     def slope(self, z, a):
    ...         return self.omega * np.cos(self.omega * z)
    >>> path = os.path.join(tempfile.mkdtemp(), "waves.npz")
    >>> cr.Network([4, 8, 2], hidden=Sine(2.0), seed=0).save(path)
    >>> net = cr.load(path, own={"Sine": Sine(2.0)})
    """
    model, record, arrays = read_model(path, Network, Ensemble, own)
    if record is None or isinstance(model, Network):  # beside which a checkpoint may be
        return model
    with told_with(path):
        return Predictor.of(model, record, arrays)
