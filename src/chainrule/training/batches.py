"""Batches that come one by one, for data that do not fit in memory."""

from collections.abc import Iterable, Iterator
from types import SimpleNamespace

from chainrule.checks.frames import is_frame
from chainrule.checks.options import check_count
from chainrule.checks.samples import Samples
from chainrule.model.model import Model
from chainrule.model.reach import check_reach


class Batches:
    """The mini-batches of `fit`'s iterable, checked as they come.

    Parameters
    ----------
    net : Model
    given : iterable, or function
        What is gone through in each epoch, or a function without arguments that returns it. A batch
        is a tuple (X, y), (X, y, sample_weight) or (X, y, sample_weight, output_weight), each as
        `fit` takes them.
    options : SimpleNamespace
        As `read_options` returns them; steps_per_epoch, epochs, class_weight and missing_targets
        count here.

    Raises
    ------
    ValueError, TypeError
        For what cannot be gone through as often as asked.

    Attributes
    ----------
    like : Samples or None
        As `Samples` takes it: the validation data.
    """

    def __init__(self, net: Model, given, options: SimpleNamespace):
        one_table = hasattr(given, "__array__") or is_frame(given)
        if not (callable(given) or isinstance(given, Iterable)) or one_table:
            raise TypeError(
                "without y, X must be an iterable of batches (X, y), or a function that returns "
                f"one; got {type(given).__name__}. Targets? fit(X, y)"
            )
        self._net, self._given = net, given
        self._class_weight, self._missing = options.class_weight, options.missing_targets
        self.like: Samples | None = None
        # One that is its own iterator can be gone through once; it goes on from epoch to epoch.
        self._goes_on = isinstance(given, Iterator)
        steps = options.steps_per_epoch
        if steps is None and self._goes_on and options.epochs > 1:
            raise ValueError(
                f"a {type(given).__name__} can be gone through only once, not in "
                f"{options.epochs} epochs; "
                "give the function that makes it, or epochs=1, or steps_per_epoch"
            )
        if steps is None and hasattr(given, "__len__"):
            steps = check_count("the number of batches", len(given), least=1)
        self.steps = steps
        self._batches = given if self._goes_on else None
        self.count = self.n_samples = 0  # that came in this epoch

    def begin_epoch(self):
        """Go to the first batch."""
        self.count = self.n_samples = 0
        if not self._goes_on:
            given = self._given() if callable(self._given) else self._given
            self._batches = iter(given)

    def following(self):
        """Return the next batch as the core takes it, or None at the end of the epoch.

        Its weights come with the power of two that was taken out of them.
        """
        if self.count == self.steps:
            return None
        try:
            batch = next(self._batches)
        except StopIteration:
            if self.count == 0 or self.steps is not None:
                raise ValueError(
                    f"expected {self.steps or 'some'} batches in epoch {self._net.epochs_trained} "
                    f"(counted from 0); the iterable ended after {self.count}"
                ) from None
            return None
        return self._checked(batch)

    def _checked(self, batch):
        if not isinstance(batch, tuple | list) or len(batch) not in (2, 3, 4):
            raise TypeError(
                "a batch must be (X, y), (X, y, sample_weight) or (X, y, sample_weight, "
                f"output_weight); batch {self.count} is a {type(batch).__name__}"
            )
        X, y, sample_weight, output_weight = (*batch, None, None)[:4]
        try:
            samples = Samples(
                self._net, X, y, sample_weight, self._class_weight,
                output_weight=output_weight, missing_targets=self._missing, like=self.like,
                part=True,
            )  # fmt: skip
            check_reach(self._net, samples)
            self._net._check_delta(samples.targets)
            if self.count == 0:
                self._net._settle(samples)
            elif samples.names is not None:
                self._net._input_names = samples.names
        except (TypeError, ValueError) as error:
            error.add_note(f"(batch {self.count} of epoch {self._net.epochs_trained})")
            raise
        self.count += 1
        self.n_samples += len(samples)
        return samples.for_core, samples.exponent


def check_options_of_batches(options: SimpleNamespace) -> None:
    """Raise for options of `fit` that need all samples, where these come batch by batch."""
    if options.sample_weight is not None:
        raise ValueError(
            "sample_weight is for arrays; from an iterable the weights of its samples come with "
            "each batch, (X, y, sample_weight)"
        )
    if options.rows is not None:
        raise ValueError(
            "rows are of arrays; from an iterable the batches that come are trained on, all of them"
        )
    if options.output_weight is not None:
        raise ValueError(
            "output_weight is for arrays; from an iterable the weights of its targets come with "
            "each batch, (X, y, sample_weight, output_weight), where sample_weight may be None"
        )
    if options.drop_last:
        raise ValueError(
            "drop_last is for arrays; of an iterable each batch is trained on as it comes, so that "
            "one that is too short is to be left out there"
        )
    if callable(options.shuffle):
        raise ValueError(
            "shuffle=function is for arrays; batches from an iterable come in the order they have"
        )
    if options.validation_split is not None:
        raise ValueError(
            "validation_split needs arrays to take samples from; with batches from an iterable "
            "give validation_data=(X, y)"
        )
    if isinstance(options.class_weight, str):
        raise ValueError(
            f"class_weight={options.class_weight!r} counts all samples before training, which "
            "batches from an iterable do not allow; give the weights, such as {0: 1.0, 1: 5.0}"
        )
