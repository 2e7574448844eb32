"""Training by an optimiser of all samples at once: an epoch is one of its iterations."""

from collections.abc import Generator
from contextlib import closing, suppress
from time import perf_counter
from types import SimpleNamespace

from chainrule.checks.samples import Samples
from chainrule.core import _core
from chainrule.model.model import Model
from chainrule.results.history import History
from chainrule.results.progress import Progress
from chainrule.training.causes import likely_cause
from chainrule.training.endings import DivergenceError, StopTraining
from chainrule.training.full_batch.cost import FullBatch, FullBatchOptimizer
from chainrule.training.transaction import Transaction, go_through
from chainrule.training.validation import Validation


class FullBatchTraining:
    """One call of `Network.fit` with a full-batch optimiser, for which batches have no meaning.

    All is checked when it is made; `run` is the first to change anything.

    Parameters
    ----------
    net : Model
    samples : Samples
        All that it is trained on.
    options : SimpleNamespace
        As `read_options` returns them.
    so_far : History, optional
        Of the epochs that are done of it: a fit that goes on.
    """

    def __init__(
        self,
        net: Model,
        samples: Samples,
        options: SimpleNamespace,
        so_far: History | None = None,
    ):
        self.net, self.samples, self.options = net, samples, options
        self.optimizer: FullBatchOptimizer = options.optimizer
        self.batches = None
        kind = type(self.optimizer).__name__
        if hooks := options.callbacks.of_batches:
            raise ValueError(
                f"a callback with {' and '.join(hooks)} cannot be used with {kind}, whose epochs "
                "have no batches; use on_epoch_begin and on_epoch_end"
            )
        self.validation = Validation.of(net, options, like=self.samples)
        self.optimizer.check(net)
        self._resumed = self.optimizer.resumed_state(net)
        net._check_delta(self.samples.targets)
        measures = self.validation.measures if self.validation else ()
        self.history = History(net.epochs_trained, measures).after(so_far)
        options.callbacks.check(self.history)

    def run(self) -> History:
        """Train, and return the history."""
        go_through(self.course())
        return self.history

    def course(self, at_once: int = 1) -> Generator[None]:
        """Train, and yield after each epoch, as `Training.course` does."""
        state: dict = {}
        transaction = Transaction(self.net, self.history, self.options.callbacks)
        yield from transaction.course(self.optimizer, state, self.samples, self._epochs(state))

    def _epochs(self, state):
        """Iterate until the last epoch is done, no step is found, or a callback says stop."""
        net, history, epochs = self.net, self.history, self.options.epochs
        call = self.options.callbacks.call
        log = _core.Log(*history.core_columns)
        shown = Progress(self.options.progress, epochs, len(history))
        # closed here: a Ctrl-C that came while it is collected would be swallowed
        with closing(self._iterations()) as iterations, shown, suppress(StopTraining):
            while len(history) < epochs:
                call("on_epoch_begin", net, net.epochs_trained)
                began = perf_counter()
                point, next_state = next(iterations, (None, None))
                if point is None:
                    return
                took = perf_counter() - began
                _core.accept(
                    net.parameters, point.w, net._clock, state, next_state, log, point.cost, took
                )
                if self.validation:
                    history.measure(**self.validation.evaluate(net))
                shown.epoch_done(history, len(self.samples))
                call("on_epoch_end", net, history)
                yield

    def _iterations(self):
        options = self.options
        l2 = options.l2
        if options.l2_of_batch:
            l2 += options.l2_of_batch / self.samples.total_weight
        function = FullBatch(self.net, self.samples, l2, options.threads)
        start = function.at(self.net.parameters)
        if not start.is_finite:
            layer = function.diverged_layer(start)
            raise DivergenceError(
                "the cost or its gradient is not finite where epoch "
                f"{self.net.epochs_trained} (counted from 0) begins, first at layer {layer}; "
                f"nothing has changed. {likely_cause(self.net, self.samples, None)}"
            )
        yield from self.optimizer.iterations(function, start, self._resumed)
