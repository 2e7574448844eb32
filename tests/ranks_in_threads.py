"""Ranks of one training as threads of this process, on a communicator that only looks like MPI."""

import pickle
import queue
import sys
import threading
from types import ModuleType

import numpy as np

PATIENCE = 20  # seconds: whoever waits for longer would for ever


class Intracomm:
    """What a training asks of a communicator of mpi4py."""

    def __init__(self, world, rank):
        self.world, self.rank = world, rank

    def Get_rank(self):  # noqa: N802 - its names
        return self.rank

    def Get_size(self):  # noqa: N802
        return self.world.size

    def allgather(self, value):
        world = self.world
        world.told[self.rank] = pickle.dumps(value)
        world.barrier.wait(PATIENCE)
        values = [pickle.loads(told) for told in world.told]
        world.barrier.wait(PATIENCE)
        return values

    def Sendrecv(self, sendbuf, dest, recvbuf, source):  # noqa: N802
        self.world.mail[self.rank, dest].put(sendbuf.copy())
        recvbuf[:] = self.world.mail[source, self.rank].get(timeout=PATIENCE)

    def Bcast(self, array):  # noqa: N802
        array[:] = self.allgather(array)[0]

    def Abort(self, code):  # noqa: N802
        self.world.barrier.abort()


class World:
    def __init__(self, size):
        self.size, self.told = size, [None] * size
        self.barrier = threading.Barrier(size)
        self.mail = {(i, j): queue.SimpleQueue() for i in range(size) for j in range(size)}


def together(size, function):
    """What ``function(comm)`` returns on each of so many ranks, or the exception it raises."""
    module = ModuleType("mpi4py.MPI")
    module.Intracomm = Intracomm
    before = sys.modules.get("mpi4py.MPI")
    sys.modules["mpi4py.MPI"] = module
    world, outcomes = World(size), [None] * size

    def run(rank):
        try:
            outcomes[rank] = function(Intracomm(world, rank))
        except BaseException as error:
            outcomes[rank] = error

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(size)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        if before is None:
            del sys.modules["mpi4py.MPI"]
        else:
            sys.modules["mpi4py.MPI"] = before
    return outcomes


def shard(comm, *arrays):
    """The rows of each array that a rank has."""
    rank, size = comm.Get_rank(), comm.Get_size()
    m = len(arrays[0])
    rows = np.arange(rank * m // size, (rank + 1) * m // size)
    return [array[rows] for array in arrays]
