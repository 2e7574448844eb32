"""Processes that train one network together (MPI): what one of them says, all know."""

import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from numpy.typing import NDArray

from chainrule.training.transaction import as_raised

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
UNIT = 16  # numbers that stay together, a cache line or more


def check_comm(name: str, comm: Any) -> Any:
    """Return a communicator of mpi4py, or None, as it is given.

    Whoever has a communicator has imported mpi4py, so that it is not imported here.

    Raises
    ------
    TypeError
        For anything else.
    """
    known = sys.modules.get("mpi4py.MPI")
    if comm is not None and (known is None or not isinstance(comm, known.Intracomm)):
        raise TypeError(
            f"{name} must be a communicator of mpi4py, such as MPI.COMM_WORLD after "
            "`from mpi4py import MPI` (pip install 'chainrule[mpi]', which runs without an MPI of "
            f"the system); got {comm!r}"
        )
    return comm


class Ranks:
    """The processes of a communicator, or this one alone.

    All go the same way from one `share` to the next. One that fails says so in the place of what it
    would share, so that nobody waits for it in vain.

    Parameters
    ----------
    comm : mpi4py.MPI.Intracomm, or None
        Its numbers go by the names of NumPy arrays, which mpi4py sends as they stand.

    Attributes
    ----------
    rank, size : int
        Which this process is, of how many.
    """

    def __init__(self, comm: Any):
        self._comm = comm
        self.rank: int = 0 if comm is None else comm.Get_rank()
        self.size: int = 1 if comm is None else comm.Get_size()
        self._is_over = False  # one has failed, and all know

    def __str__(self) -> str:
        return f"rank {self.rank} of {self.size}"

    def share(self, value: Any) -> list[Any]:
        """Return what each rank gives here, in their order.

        Raises
        ------
        RuntimeError, KeyboardInterrupt
            Where another rank has failed instead, with what it failed by.
        """
        return self._tell(value, None)

    def _tell(self, value, failure):
        if self.size == 1:
            return [value]
        told = self._comm.allgather((value, failure))
        failed = {rank: what for rank, (_, what) in enumerate(told) if what is not None}
        if failed:
            self._is_over = True
            if failure is None:
                said = "; ".join(f"rank {rank}: {what}" for rank, (what, _) in failed.items())
                stopped = all(by_hand for _, by_hand in failed.values())
                kind = KeyboardInterrupt if stopped else RuntimeError
                raise kind(f"training ended on {len(failed)} of {self.size} ranks: {said}")
        return [value for value, _ in told]

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let the others know what is raised within; it comes out of each, or word of it does."""
        try:
            yield
        except BaseException as error:
            if self.size > 1 and not self._is_over:
                error.add_note(f"(on {self})")
                told = as_raised(error) if isinstance(error, Exception) else error
                what = f"{type(told).__name__}: {told}"
                self._tell(None, (what, isinstance(error, KeyboardInterrupt)))
            raise

    def of_the_first(self, function: Callable[[], Any]) -> Any:
        """Return what ``function()`` does on the first rank, which alone calls it."""
        return self.share(function() if self.rank == 0 else None)[0]

    def agree(self, **facts: Any) -> None:
        """Raise ValueError unless each of these is the same on all ranks; says what each has."""
        # an object has another address in each process
        all_facts = self.share({name: _ADDRESS.sub("", str(fact)) for name, fact in facts.items()})
        for name in facts:
            by_value: dict[str, list[int]] = {}
            for rank, theirs in enumerate(all_facts):
                by_value.setdefault(theirs[name], []).append(rank)
            if len(by_value) > 1:
                said = "; ".join(f"{value} on {_listed(them)}" for value, them in by_value.items())
                raise ValueError(f"{name} must be the same on all ranks; got {said}")

    def sum_up(self, vector: NDArray, spare: NDArray) -> tuple[int, int]:
        """Sum vectors (n,) over the ranks, at the part of them that is this rank's.

        Pairs of ranks are summed, then pairs of these pairs: the upper part of one binary tree over
        all blocks. In each round both of a pair hold the sums of a part of the vector; each hands
        over half of it, and goes on with the other half.

        Parameters
        ----------
        vector : ndarray (n,)
            Of this rank; in the part that is returned their sum is in its place.
        spare : ndarray (n,)
            Overwritten.

        Returns
        -------
        (first, end)
        """
        with self._all_or_none():
            for other, (first, end), (theirs, their_end) in self._rounds(len(vector)):
                self._comm.Sendrecv(
                    vector[theirs:their_end], other, recvbuf=spare[first:end], source=other
                )
                vector[first:end] += spare[first:end]
        return self._own(len(vector))

    def hand_out(self, vectors: Iterable[NDArray]) -> None:
        """Give all ranks the part of vectors (n,) that each has, `sum_up`'s way back."""
        with self._all_or_none():
            for vector in vectors:
                for other, (first, end), (theirs, their_end) in self._rounds(len(vector))[::-1]:
                    self._comm.Sendrecv(
                        vector[first:end], other, recvbuf=vector[theirs:their_end], source=other
                    )

    def send_out(self, arrays: Iterable[NDArray]) -> None:
        """Give all ranks what the first has in arrays."""
        with self._all_or_none():
            for array in arrays if self.size > 1 else ():
                self._comm.Bcast(array)

    def _rounds(self, n):
        """Return for each round: with whom, the part that this rank goes on with, and the other."""
        rounds, first, end, distance = [], 0, n, 1
        while distance < self.size:
            middle = first + (end - first) // (2 * UNIT) * UNIT
            halves = (first, middle), (middle, end)
            mine = bool(self.rank & distance)
            rounds.append((self.rank ^ distance, halves[mine], halves[not mine]))
            (first, end), distance = halves[mine], 2 * distance
        return rounds

    def _own(self, n):
        rounds = self._rounds(n)
        return rounds[-1][1] if rounds else (0, n)

    @contextmanager
    def _all_or_none(self):
        """End all ranks where messages fail half way: others would wait for the rest."""
        try:
            yield
        except BaseException:
            if self.size > 1:
                traceback.print_exc()
                self._comm.Abort(1)
            raise


def _listed(ranks):
    return f"rank{'s' if len(ranks) > 1 else ''} {', '.join(map(str, ranks))}"
