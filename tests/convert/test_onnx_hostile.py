"""Files that nobody should have written: one kind of error, in little time and memory."""

import json
import re
import time
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

import chainrule as cr
from chainrule.convert import from_onnx, to_onnx
from chainrule.convert import protobuf as wire
from chainrule.convert.onnx_file import GRAPH, MODEL, NODE, read_model, tensor_of
from chainrule.convert.protobuf import Field, Message, decode, encode

SECONDS = 2.0  # of a core, for what takes some milliseconds
MEGABYTE = 2**20


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


def small_file(path, **options):
    net = cr.Network([3, 4, 2], hidden="gelu", output="softmax", cost="log_likelihood",
                     input_scale=[1.0, 2.0, 1 / 3], seed=0)  # fmt: skip
    net.classes = ["no", "yes"]
    to_onnx(net, path, **options)
    return path.read_bytes()


def refused(path, content):
    """Return what is said of these bytes, None if they are a network; no other error may come."""
    path.write_bytes(content)
    began, told = time.process_time(), None
    try:
        from_onnx(path)
    except ValueError as error:
        told = error
    assert time.process_time() - began < SECONDS
    if told is None:
        return None
    assert type(told.__cause__) is ValueError, repr(told.__cause__)
    assert str(told).startswith(f"{path} cannot be loaded: ")
    assert len(str(told)) < 2000
    return str(told)


def test_every_truncation(path):
    content = small_file(path)
    for n in range(len(content)):
        if refused(path, content[:n]) is None:
            # What is cut off are whole fields at the end, such as the metadata.
            assert n > len(content) - 400


@pytest.mark.parametrize("seed", range(4))
def test_random_bytes_exchanged(path, seed):
    rng = np.random.default_rng(seed)
    content = small_file(path, zipmap=seed % 2 == 1)
    said = []
    for _ in range(300):
        changed = bytearray(content)
        for place in rng.integers(len(content), size=rng.integers(1, 5)):
            changed[place] = rng.integers(256)
        said.append(refused(path, bytes(changed)))
    assert len(set(said)) > 30


@pytest.mark.parametrize("seed", range(2))
def test_random_pieces_moved(path, seed):
    rng = np.random.default_rng(seed)
    content = small_file(path)
    for _ in range(150):
        a, b, c = np.sort(rng.integers(len(content), size=3))
        pieces = [content[:a], content[a:b], content[b:c], content[c:]]
        kept = [pieces[k] for k in rng.choice(4, size=rng.integers(1, 6))]
        refused(path, b"".join(kept))


@pytest.mark.parametrize("content", [b"", b"\x00", b"PK\x03\x04", b"{}", b"\xff" * 100])
def test_what_is_no_model(path, content):
    assert refused(path, content) is not None


# ---------------------------------------------------------------- messages

NUMBER = Message("Number", {"n": Field(1, wire.INT), "all": Field(2, wire.INT, repeated=True),
                            "x": Field(3, wire.FLOAT), "xs": Field(4, wire.DOUBLE, repeated=True),
                            "text": Field(5, wire.TEXT)})  # fmt: skip
OUTER = Message("Outer", {"inner": Field(1, NUMBER), "many": Field(2, NUMBER, repeated=True)})


def test_messages_there_and_back():
    values = {"n": -(2**63), "all": [0, 1, 127, 128, 2**63 - 1, -1], "x": 0.5,
              "xs": [1.0, -2.5], "text": "größe"}  # fmt: skip
    found = decode(OUTER, encode(OUTER, {"inner": values, "many": [{"n": 3}, values]}))
    for each in (found["inner"], found["many"][1]):
        assert {name: np.asarray(value).tolist() for name, value in each.items()} == values
    assert found["many"][0]["all"] == ()
    assert found["many"][0]["text"] == ""


def test_unpacked_numbers_and_unknown_fields():
    content = bytes([0x10, 3, 0x10, 4, 0x7D, 1, 2, 3, 4, 0x79, *range(8), 0x7A, 1, 9, 0x78, 5])
    content += bytes([0x21]) + np.float64(2.5).tobytes()
    found = decode(NUMBER, content)
    assert (found["all"], found["xs"].tolist()) == ([3, 4], [2.5])


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        (b"\x08", "ends within a number"),
        (b"\x08" + b"\xff" * 10, "a number of 64 bits"),
        (b"\x08" + b"\xff" * 9 + b"\x7f", "a number of 64 bits"),
        (b"\x08\x01\x08\x02", r"expected Number\.n once"),
        (b"\x0a\x00", r"expected Number\.n as wire type 0, got 2"),
        (b"\x1d\x00\x00", r"expected 4 bytes of Number\.x"),
        (b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f", r"Number\.all is said to be .* bytes long"),
        (b"\x22\x07" + b"\x00" * 7, "numbers of 8 bytes"),
        (b"\x2a\x01\xff", "text in UTF-8"),
        (b"\x7b\x7c", "expected a field of Number"),
        (b"\x00\x00", "expected a field of Number"),
        (b"\x7a\x05\x00", "is said to be 5 bytes long"),
        (b"\x12\x02\x01\x80", "ends within a number"),
    ],
)
def test_messages_that_are_damaged(content, fragment):
    with pytest.raises(ValueError, match=fragment):
        decode(NUMBER, content)


# ---------------------------------------------------------------- graphs


def model_of(nodes, constants=(), metadata=(), **of_graph):
    """Return the bytes of a model from x to y."""
    graph = {
        "node": nodes,
        "initializer": [tensor_of(name, array) for name, array in constants],
        "input": [{"name": "x"}],
        "output": [{"name": "y"}],
    } | of_graph
    props = [{"key": "chainrule", "value": each} for each in metadata]
    return encode(MODEL, {"ir_version": 8, "graph": graph, "metadata_props": props,
                          "opset_import": [{"domain": "", "version": 13}]})  # fmt: skip


def node(op, inputs, outputs, **more):
    return {"op_type": op, "input": inputs.split(), "output": outputs.split()} | more


EYE = ("w", np.eye(2, dtype=np.float32))


def tensor(**fields):
    return {"name": "w", "dims": [2, 2], "data_type": 1} | fields


def of_tensor(**fields):
    return model_of([node("MatMul", "x w", "y")], initializer=[tensor(**fields)])


ATTRIBUTE = {"name": "transB", "i": 1, "type": 2}
HOSTILE = {
    "a circle of two": (model_of([node("Identity", "y", "z"), node("Identity", "z", "y")]),
                        "stands in a circle"),
    "a circle of one": (model_of([node("Relu", "y", "y")]), "stands in a circle"),
    "a circle of layers": (model_of([node("MatMul", "y w", "y")], [EYE]), "stands in a circle"),
    "made of nothing": (model_of([node("MatMul", "z w", "y")], [EYE]), "to be made, and it is not"),
    "made twice": (model_of([node("MatMul", "x w", "y")] * 2, [EYE]), "expected each tensor once"),
    "constant twice": (model_of([node("MatMul", "x w", "y")], [EYE] * 2), "expected each tensor"),
    "no inputs": (model_of([node("MatMul", "", "y")], [EYE]), "must be a constant matrix"),
    "no outputs": (model_of([node("MatMul", "x w", "")], [EYE]), "to be made, and it is not"),
    "nothing at all": (model_of([]), "to be made, and it is not"),
    "no output of the graph": (model_of([], output=[]), "expected the outputs of one network"),
    "two inputs": (model_of([], input=[{"name": "a"}, {"name": "b"}]), "expected one input"),
    "an attribute twice": (
        model_of([node("Gemm", "x w", "y", attribute=[ATTRIBUTE] * 2)], [EYE]), "of a kind that",
    ),
    "an attribute of another kind": (
        model_of([node("Gemm", "x w", "y", attribute=[ATTRIBUTE | {"type": 5}])], [EYE]),
        "of a kind",
    ),
    "a tensor that is not there": (
        model_of([node("Constant", "", "y", attribute=[{"name": "value", "type": 4}])]),
        "of a kind",
    ),
    "no data": (of_tensor(), "expected 4 numbers in tensor 'w'"),
    "too few data": (of_tensor(raw_data=b"\0" * 12), "expected 4 numbers in tensor 'w'"),
    "half a number": (of_tensor(raw_data=b"\0" * 15), "expected whole numbers of 4 bytes"),
    "a huge shape": (of_tensor(dims=[2**39, 2**39]), "expected .* numbers in tensor"),
    "a shape without end": (of_tensor(dims=[2**62, 2**62]), "expected a shape"),
    "a shape below 0": (of_tensor(dims=[-2, -2], raw_data=b"\0" * 16), "expected a shape"),
    "many dimensions": (of_tensor(dims=[1] * 100, raw_data=b"\0" * 4), "expected a shape"),
    "a width of nothing": (of_tensor(dims=[0, 2**38]), "must be a constant matrix"),
    "of text": (of_tensor(data_type=8, string_data=[b"a"] * 4), "must be a constant matrix"),
    "of no kind": (of_tensor(data_type=99, raw_data=b"\0" * 16), "of numbers or text, got kind 99"),
    "elsewhere": (of_tensor(data_location=1), "has its data in another file"),
    "elsewhere, too": (of_tensor(external_data=[b""]), "has its data in another file"),
    "no IR": (encode(MODEL, {"graph": {}}), "expected a model of ONNX"),
    "no graph": (encode(MODEL, {"ir_version": 8}), "expected a model of ONNX"),
    "sparse": (model_of([], sparse_initializer=[b""]), "expected dense weights"),
    "a label of text alone": (
        model_of([node("MatMul", "x w", "y"), node("Gather", "y y", "l")], [EYE],
                 output=[{"name": "y"}, {"name": "l"}]), "expected the outputs of one network",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "fragment"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_graphs(path, content, fragment):
    said = refused(path, content)
    assert said is not None
    assert re.search(fragment, said), said


GOOD = {"networks": 1, "columns": None, "bias": False, "cost": "quadratic", "cost_parameters": [],
        "inputs": None, "classes": None}  # fmt: skip
METADATA = {
    "no JSON": "{",
    "deep": "[" * 100_000,
    "a list": "[]",
    "a long number": "9" * 10_000,
    "a field less": json.dumps({key: GOOD[key] for key in GOOD if key != "inputs"}),
    "no networks": json.dumps({**GOOD, "networks": "1"}),
    "inputs": json.dumps({**GOOD, "inputs": [1, 2]}),
    "inputs of one name": json.dumps({**GOOD, "inputs": ["a", "a"]}),
    "more inputs": json.dumps({**GOOD, "inputs": ["a", "b", "c"]}),
    "columns": json.dumps({**GOOD, "columns": 3}),
    "an ensemble": json.dumps({**GOOD, "networks": 0}),
    "no cost": json.dumps({**GOOD, "cost": "mine"}),
    "a parameter more": json.dumps({**GOOD, "cost_parameters": [1]}),
    "a parameter of another kind": json.dumps({**GOOD, "cost": "huber", "cost_parameters": ["1"]}),
    "a parameter below 0": json.dumps({**GOOD, "cost": "huber", "cost_parameters": [-1]}),
    "levels of another kind": json.dumps({**GOOD, "cost": "quantile", "cost_parameters": [{}]}),
    "a cost for another output": json.dumps({**GOOD, "cost": "poisson"}),
}


@pytest.mark.parametrize("metadata", METADATA.values(), ids=METADATA)
def test_hostile_metadata(path, metadata):
    assert refused(path, model_of([node("MatMul", "x w", "y")], [EYE], [metadata])) is not None
    good = model_of([node("MatMul", "x w", "y")], [EYE], [json.dumps(GOOD)])
    assert refused(path, good) is None


def chain_of(n, inputs):
    names = ["x", *(f"t{k}" for k in range(n - 1)), "y"]
    return [node(inputs[0], f"{a} {inputs[1]}", b) for a, b in pairwise(names)]


LARGE = np.ones((300, 300), np.float32)
TURNS = [node("Transpose", "w" if k == 0 else f"v{k}", f"v{k + 1}") for k in range(10_000)]
MANY = "expected at most 200000 fields and integers"
MUCH = {
    # Each node becomes much more than the few bytes it has.
    "many nodes": (encode(MODEL, {"ir_version": 8, "graph": {"node": [{}] * 110_000}}), MANY),
    "many constants": (
        encode(MODEL, {"ir_version": 8, "graph": {"initializer": [{}] * 110_000}}), MANY,
    ),
    "many numbers": (
        model_of([node("Reshape", "x s", "y")], initializer=[tensor(int64_data=[0] * 210_000)]),
        MANY,
    ),
    "weights of many layers": (
        model_of(chain_of(1000, ("MatMul", "w")), [("w", LARGE)]), "of too many other layers",
    ),
    "many turns": (
        model_of([*TURNS, node("MatMul", "x v10000", "y")], [EYE]), "must be a constant matrix",
    ),
    "a long way": (model_of(chain_of(10_000, ("Identity", ""))), "expected layers with weights"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "fragment"), MUCH.values(), ids=MUCH)
def test_little_memory_for_much(path, content, fragment):
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=f"cannot be loaded: .*{fragment}"):
            from_onnx(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 150 * MEGABYTE + 4 * len(content)


def test_files_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError):
        from_onnx(tmp_path / "none.onnx")
    with pytest.raises(OSError, match="got a folder or device"):
        from_onnx(tmp_path)
    for what in (3, None, b"net.onnx"):
        with pytest.raises(TypeError, match="expected a file name"):
            from_onnx(what)
        with pytest.raises(TypeError, match="expected a file name"):
            to_onnx(cr.Network([2, 1]), what)


def test_what_is_skipped_is_not_looked_into():
    """Fields of other messages may hold anything, as standards grow."""
    unknown = Message("ModelProto", {**MODEL.fields, "new": Field(99, GRAPH)})
    content = encode(unknown, {"ir_version": 8, "graph": {}, "new": {"node": [{}] * 10}})
    assert read_model(content)["ir_version"] == 8
    assert NODE.by_number[4][0] == "op_type"
