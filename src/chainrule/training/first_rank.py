"""What only the first of several ranks does: its callbacks, its validation."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from chainrule.model.model import Model
from chainrule.training.callbacks import Callbacks
from chainrule.training.endings import StopTraining
from chainrule.training.plateau import fingerprint
from chainrule.training.ranks import Ranks
from chainrule.training.validation import Validation


class FirstRanksCallbacks(Callbacks):
    """The callbacks of the first rank: where one of them ends training, all ranks do.

    Parameters
    ----------
    own : Callbacks
        Those given on this rank; only the first's are called.
    ranks : Ranks
    send_out : function
        Gives all ranks what the first has, which a callback may have changed.
    """

    def __init__(self, own: Callbacks, ranks: Ranks, send_out: Callable[[], None]):
        super().__init__(None)
        if ranks.rank == 0:
            vars(self).update(vars(own))
        self._ranks, self._send_out = ranks, send_out

    def __bool__(self):
        return True  # all ranks look after each epoch whether to go on

    def call(self, hook: str, *arguments):
        """Call those of the first rank that have the hook."""
        self._stop_together(lambda: super(FirstRanksCallbacks, self).call(hook, *arguments), hook)

    def resume(self):
        """Give those of the first rank their states."""
        self._stop_together(super().resume)

    def _stop_together(self, call, hook=None):
        def outcome():
            try:
                call()
            except StopTraining:
                return True, bool(self._by_hook.get(hook))
            return False, bool(self._by_hook.get(hook))

        stops, may_change = self._ranks.of_the_first(outcome)
        if may_change:
            self._send_out()
        if stops:
            raise StopTraining


class FirstRanksValidation:
    """The validation of the first rank, whose figures all ranks have.

    Parameters
    ----------
    own : Validation, or None on other ranks
    ranks : Ranks

    Attributes
    ----------
    measures : list of str
    samples : Samples
        On other ranks only what `fingerprint` asks for.
    """

    def __init__(self, own: Validation | None, ranks: Ranks):
        self._own, self._ranks = own, ranks
        known: Any = ranks.share(own and (own.measures, fingerprint(own.samples)))[0]
        self.measures: list[str] = known[0]
        self.samples: Any = SimpleNamespace(of_all=known[1]) if own is None else own.samples

    def evaluate(self, net: Model) -> dict[str, float]:
        """Return the measures on `net` as it is now."""
        return self._ranks.share(self._own and self._own.evaluate(net))[0]
