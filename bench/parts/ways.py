"""The ways out of the package, and how one asks what has left, once or again and again.

A way is a function of a network and a path without its ending, which returns what has `Left`.
"""

import atexit
import ctypes
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from time import perf_counter

import numpy as np

import chainrule as cr
from parts.bare import compiled
from parts.command import UnavailableError


@dataclass
class Left:
    """A network somewhere else: its outputs for rows (m, n_1), and what it takes to ask it again.

    `again` takes a row and how often, and returns the seconds.
    """

    bytes: int | None  # of its files, if it has any
    answers: Callable
    again: Callable
    back: Callable | None = None  # returns a network of ours


def each(call, row=lambda x: x):
    """Call it from Python, with what `row` makes of a row beforehand."""

    def again(x, times):
        given = row(x)
        began = perf_counter()
        for _ in range(times):
            call(given)
        return perf_counter() - began

    return again


def matrix(x):
    return x[np.newaxis]


def npz(net, path):
    path = path.with_suffix(".npz")
    net.save(path)
    there = cr.load(path)
    return Left(path.stat().st_size, lambda X: there(X), each(net), lambda: there)


def safetensors(net, path):
    path = path.with_suffix(".safetensors")
    cr.convert.to_safetensors(net, path)
    there = cr.convert.from_safetensors(path)
    return Left(path.stat().st_size, lambda X: there(X), each(there), lambda: there)


def onnx(net, path):
    import onnxruntime

    path = path.with_suffix(".onnx")
    cr.convert.to_onnx(net, path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = {output.name for output in session.get_outputs()}
    name = next(name for name in ("variable", "scores", "probabilities") if name in names)

    def answers(X):
        outputs = session.run([name], {"X": X})[0]
        return outputs[:, -net.sizes[-1] :]  # without 1-p beside the p of one output

    again = each(lambda row: session.run(None, row), lambda x: {"X": matrix(x)})
    return Left(path.stat().st_size, answers, again, lambda: cr.convert.from_onnx(path))


def c(net, path):
    path = path.with_suffix(".c")
    name = cr.convert.to_c(net, path).name
    flags = ["-std=c99", "-O2", f"-DFEEDFORWARD={name}_feedforward", str(path)]
    call = compiled("rows.c", "float", *flags).answers
    n_in, n_out = net.sizes[0], net.sizes[-1]

    def into(out, X, *counts):
        places = (ctypes.c_void_p(array.ctypes.data) for array in (X, out))
        call(*places, *map(ctypes.c_long, counts))
        return out

    def answers(X):
        return into(np.empty((len(X), n_out), np.float32), X, len(X), n_in, n_out)

    def again(x, times):
        out = np.empty(n_out, np.float32)
        began = perf_counter()
        into(out, x, times, 0, 0)
        return perf_counter() - began

    files = path.stat().st_size + path.with_suffix(".h").stat().st_size
    return Left(files, answers, again)


@cache
def node():
    """Node, with the program that asks modules; it ends with this one."""
    path = shutil.which("node")
    if path is None:
        raise UnavailableError("no Node here")
    program = os.path.join(os.path.dirname(__file__), "rows.mjs")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    process = subprocess.Popen([path, program], **pipes)
    atexit.register(process.communicate)
    return process


def js(net, path):
    path = path.with_suffix(".mjs")
    cr.convert.to_js(net, path)
    process = node()

    def ask(X, times):
        question = {"file": path.as_uri(), "rows": X.tolist(), "times": times}
        process.stdin.write(json.dumps(question) + "\n")
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"Node ended with status {process.wait()}")
        return json.loads(line)

    def answers(X):
        return np.array(ask(X, 1)["outputs"])

    def again(x, times):
        return ask(matrix(x), times)["seconds"]

    return Left(path.stat().st_size, answers, again)


@cache
def database():
    base = sqlite3.connect(":memory:")
    atexit.register(base.close)
    return base


def sql(net, path):
    columns = [f"x{i}" for i in range(net.sizes[0])]
    named = {"table": path.name, "columns": columns, "keep": ["id"], "materialized": True}
    try:
        text = cr.convert.to_sql(net, **named)
    except ValueError as why:  # too large
        raise UnavailableError(str(why)) from None
    base = database()
    base.execute(f"CREATE TABLE {path.name} (id, {', '.join(columns)})")

    def fill(X):
        base.execute(f"DELETE FROM {path.name}")
        marks = ", ".join("?" * (1 + net.sizes[0]))
        rows = [(i, *row) for i, row in enumerate(X.tolist())]
        base.executemany(f"INSERT INTO {path.name} VALUES ({marks})", rows)

    try:
        base.execute(text)
    except sqlite3.OperationalError as why:  # no EXP, or no MATERIALIZED
        raise UnavailableError(f"SQLite {sqlite3.sqlite_version}: {why}") from None

    def answers(X):
        fill(X)
        rows = sorted(base.execute(text).fetchall())
        return np.array([row[-net.sizes[-1] :] for row in rows])

    again = each(lambda _: base.execute(text).fetchall(), lambda x: fill(matrix(x)))
    return Left(len(text.encode()), answers, again)


def torch(net, path):
    import torch

    torch.set_num_threads(1)
    module = cr.convert.to_torch(net)

    def answers(X):
        with torch.inference_mode():
            return module(torch.from_numpy(X)).numpy()

    def again(x, times):
        with torch.inference_mode():
            return each(module, torch.from_numpy)(x, times)

    return Left(None, answers, again, lambda: cr.convert.from_torch(module))


def keras(net, path):
    os.environ.setdefault("KERAS_BACKEND", "torch")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    import keras

    model = cr.convert.to_keras(net)

    def answers(X):
        return keras.ops.convert_to_numpy(model(X))

    return Left(None, answers, each(model, matrix), lambda: cr.convert.from_keras(model))


def sklearn(net, path):
    model = cr.convert.to_sklearn(net)
    say = getattr(model, "predict_proba", model.predict)

    def answers(X):
        return say(X).reshape(len(X), -1)[:, -net.sizes[-1] :]

    return Left(None, answers, each(say, matrix), lambda: cr.convert.from_sklearn(model))


# Each way, what it is called, and which hidden activations are not drawn for it.
NOT_DRAWN = {"softmax", "step", "exponential"}  # the head of ../convert.py tells why
NOT_OF_SKLEARN = {*cr.ACTIVATIONS} - {"identity", "sigmoid", "tanh", "relu"}
WAYS = {
    "npz": (npz, "`save`, `load` (.npz)", NOT_DRAWN),
    "safetensors": (safetensors, "safetensors", NOT_DRAWN),
    "onnx": (onnx, "ONNX, in ONNX Runtime", NOT_DRAWN),
    "c": (c, "C, `-O2`", NOT_DRAWN),
    "js": (js, "JavaScript, in Node", NOT_DRAWN),
    "sql": (sql, "SQL, in SQLite", NOT_DRAWN | {"gelu"}),
    "torch": (torch, "PyTorch", NOT_DRAWN),
    "keras": (keras, "Keras", NOT_DRAWN),
    "sklearn": (sklearn, "scikit-learn", NOT_OF_SKLEARN),
}
