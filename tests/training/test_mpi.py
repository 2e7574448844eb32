"""One training in several processes, started by mpiexec: what threads cannot show.

That messages arrive as they were sent, and that a process that ends takes all others with it.
"""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytest.importorskip("mpi4py", reason="needs mpi4py, and an MPI such as the wheel of mpich")
MPIEXEC = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
pytestmark = pytest.mark.skipif(MPIEXEC is None, reason="needs mpiexec, as the wheel of mpich has")

COMMON = """
import hashlib, json, os, signal, sys
import numpy as np
from mpi4py import MPI
import chainrule as cr

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
rng = np.random.default_rng(0)
X, y, w = rng.normal(size=(101, 5)), rng.integers(3, size=101), rng.random(101)
rows = slice(rank * 101 // size, (rank + 1) * 101 // size)
OPTIONS = {"blocks": 8, "batch_size": 16, "epochs": 3, "comm": comm, "threads": 1}

def network(dtype="float32", **options):
    return cr.Network([5, 16, 8, 3], output="softmax", cost="log_likelihood", seed=3, dtype=dtype,
                      **options)
"""

BITS = """
VALIDATION = {"validation_data": (X, y), "metrics": {"sum": lambda y, a: float(a.sum())}}

def fit(path, **options):
    net = network(options.pop("dtype", "float32"), input_scale="standard")
    weights = w[rows] if options.pop("weighted", False) else None
    if options.pop("validated", False) and rank == 0:  # the others need not have any
        options |= VALIDATION | {"callbacks": [cr.EarlyStopping(patience=9), cr.Checkpoint(path)]}
    return net, net.fit(X[rows], y[rows], sample_weight=weights, **OPTIONS | options)

def digest(net, history):
    h = hashlib.sha256(net.parameters.tobytes())
    for name, values in sorted(net.optimizer_state.items()):
        h.update(name.encode() + values.tobytes())
    for name in history:
        if name != "seconds":
            h.update(name.encode() + history[name].tobytes())
    return h.hexdigest()

path = sys.argv[1]
runs = [
    fit(path, optimizer=cr.SGD(0.1), dropout=0.2, l1=1e-3),
    fit(path, optimizer=cr.Adam(0.05), average=0.9, weighted=True, class_weight="balanced"),
    fit(path, optimizer=cr.Adamax(0.01), clip_norm=0.1, max_norm=0.7, dtype="float64"),
    fit(path, optimizer=cr.AdamW(0.05), l2_of_batch=0.1, validated=True),
]
comm.Barrier()  # the file is there
history = cr.resume(path, X[rows], y[rows], epochs=5, comm=OPTIONS["comm"], **VALIDATION)
assert len(history) == 5
runs.append((cr.load(path) if rank == 0 else None, history))
found = [digest(*run) for run in runs if run[0] is not None]
everywhere = comm.gather(found)
if rank == 0:
    assert all(each == found[:4] for each in everywhere[1:])
    print(json.dumps(found))
"""


def start(size, script, *arguments):
    """Python on so many ranks."""
    code = COMMON + textwrap.dedent(script)
    return subprocess.Popen(
        [MPIEXEC, "-n", str(size), sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )


def finish(process):
    """What it printed on stdout and stderr, and its exit status; it has to end."""
    try:
        out, err = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        pytest.fail(f"the ranks did not end:\n{out}\n{err}")
    return out, err, process.returncode


def test_any_number_of_processes_comes_to_the_same_bits(tmp_path):
    found = {}
    for size in (1, 2, 4, 8):
        out, err, status = finish(start(size, BITS, tmp_path / f"run{size}.npz"))
        assert status == 0, err
        found[size] = json.loads(out.splitlines()[-1])
    without = BITS.replace("path = sys", 'OPTIONS["comm"] = None\npath = sys')
    out, err, status = finish(start(1, without, tmp_path / "run.npz"))
    assert status == 0, err
    assert found[1] == found[2] == found[4] == found[8] == json.loads(out.splitlines()[-1])
    assert len(set(found[1])) == 5


FAILS = {
    "bad data": (
        "X[60, 2] = np.inf\nnetwork().fit(X[rows], y[rows], **OPTIONS)",
        ["rank 1: ValueError: X", "(on rank 1 of 2)"],
    ),
    "a callback": (
        """
        def look(net, history):
            raise OSError("the disk is full")
        network().fit(X[rows], y[rows], callbacks=look, **OPTIONS)
        """,
        ["rank 0: OSError: the disk is full", "(on rank 0 of 2)"],
    ),
    "seeds": (
        "cr.Network([5, 3], seed=rank).fit(X[rows], y[rows], **OPTIONS)",
        ["seed must be the same on all ranks; got 0 on rank 0; 1 on rank 1"],
    ),
}


@pytest.mark.parametrize(("script", "fragments"), FAILS.values(), ids=FAILS)
def test_what_fails_on_one_rank_ends_all(script, fragments):
    _, err, status = finish(start(2, script))
    assert status != 0
    for fragment in fragments:
        assert fragment in err
    assert err.count("Traceback (most recent call last)") >= 2


def test_a_process_that_is_killed_ends_all():
    """In the middle of an epoch that would go on for hours."""
    script = """
    def look(net, history):
        print("begun", flush=True)
    if rank == 1:
        import threading
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGKILL)).start()
    network().fit(X[rows], y[rows], callbacks=look, **OPTIONS | {"epochs": 10**9})
    """
    process = start(2, script)
    out, _, status = finish(process)
    assert status != 0
    assert "begun" in out


def test_ctrl_c_on_one_process_ends_all_after_whole_epochs(tmp_path):
    script = """
    if rank == 1:
        import threading
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    net = network()
    try:
        net.fit(X[rows], y[rows], **OPTIONS | {"epochs": 10**9})
    except KeyboardInterrupt as error:
        done, twin = net.epochs_trained, network()
        assert len(net.history) == done > 0
        twin.fit(X, y, **OPTIONS | {"epochs": done, "comm": None})
        assert (twin.parameters == net.parameters).all()
        open(os.path.join(sys.argv[1], f"stopped {rank}"), "x")  # what ranks print may mingle
    """
    _, err, status = finish(start(2, script, tmp_path))
    assert status == 0, err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stopped 0", "stopped 1"]
