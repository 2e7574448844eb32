"""The progress that `fit_many` shows: a table, of which a terminal sees the last line alone."""

from time import perf_counter

from chainrule.results.progress import duration, in_notebook, in_terminal, live_bar, say, short

SECONDS = {True: 0.1, False: 1.0}  # between two lines, by whether they replace each other
COLUMNS = f"{'done':>11}  {'running':>7}  {'best':>10}  {'of network':>10}  {'samples/s':>9}  left"


class ProgressOfMany:
    """Report on stderr how many trainings are over.

    With tqdm installed, a terminal or a notebook gets a live bar; files, pipes and terminals
    without tqdm a line a second, if anything has ended in it.

    Parameters
    ----------
    enabled : bool
        Whether to show anything at all.
    count : int
        How many trainings there are.
    """

    def __init__(self, enabled: bool, count: int):
        self._enabled, self._count = enabled, count
        self._bar = None
        self._began = perf_counter()
        self._next, self._shown = 0.0, 0
        if enabled and (in_notebook() or in_terminal()):
            self._bar = live_bar(count, 0, True, "{bar}" if in_notebook() else "{bar:10}")
        self._title: str | None = COLUMNS

    @property
    def is_live(self) -> bool:
        """Whether it can show more than what has ended."""
        return self._bar is not None

    def is_due(self, done: int) -> bool:
        """Whether to show so many as done: unless it was a moment ago, or is no news."""
        if not self._enabled or (done == self._shown and not self.is_live):
            return False
        return done == self._count or perf_counter() - self._began >= self._next

    def show(
        self,
        done: int,
        running: int,
        best: tuple[float, int] | None,
        n_samples: float,
        left: float,
    ) -> None:
        """Show where they stand.

        Parameters
        ----------
        done, running : int
            How many are.
        best : (figure, k), or None
            The best figure so far, and whose it is.
        n_samples : float
            Seen by all together, each as often as it was.
        left : float
            The share of all work that is yet to be done.
        """
        now = perf_counter() - self._began
        seconds = now * left / max(1 - left, 1e-9)
        figure, k = ("", "") if best is None else (f"{best[0]:.4g}", str(best[1]))
        rate = short(n_samples / max(now, 1e-9))
        if self._bar is None:
            line = (
                f"{f'{done}/{self._count}':>11}  {running:7}  {figure:>10}  {k:>10}  {rate:>9}  "
                f"{duration(seconds)}"
            )
            self._enabled = say(line if self._title is None else f"{self._title}\n{line}")
            self._title = None
        else:
            told = f"best {figure} of {k}  " if best else ""
            self._bar.set_description_str(
                f"{done}/{self._count} networks, {running} running  {told}{duration(seconds)} left"
                f"  {rate} samples/s",
                refresh=False,
            )
            self._bar.update(done - self._shown)
            self._bar.refresh()
        self._shown, self._next = done, now + SECONDS[self.is_live]

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()
