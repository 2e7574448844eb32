"""The file of ONNX: its messages, as much of them as chains of layers take, and its tensors.

The numbers are those of the standard's ``onnx.proto``. Messages are dicts, by the names of their
fields; a tensor that holds much has its numbers as they lie in memory, ``raw_data``.
"""

from math import prod
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.options import check_utf8
from chainrule.convert.protobuf import (
    BYTES,
    DOUBLE,
    FLOAT,
    INT,
    TEXT,
    Field,
    Message,
    decode,
    encode,
)
from chainrule.results.whole_file import write_whole

ML = "ai.onnx.ml"  # the domain of operators that are of other models than networks
METADATA = "chainrule"  # the key under which a file of ours says more of its model
LARGEST = 2**31 - 1  # bytes; no reader of protocol buffers takes more

# What tensors hold, as the standard numbers it, with NumPy's dtype.
STRING, INT64, BOOLEAN, SINGLE, DOUBLES, UINT8 = 8, 7, 9, 1, 11, 2
DTYPES: dict[int, Any] = {
    SINGLE: "<f4", UINT8: "<u1", 3: "<i1", 4: "<u2", 5: "<i2", 6: "<i4", INT64: "<i8",
    BOOLEAN: "?", 10: "<f2", DOUBLES: "<f8", 12: "<u4", 13: "<u8",
}  # fmt: skip
ELEMENTS = {np.dtype(dtype): element for element, dtype in DTYPES.items()}
FLOATING = {SINGLE, 10, DOUBLES}
EXTERNAL = 1  # data_location: in another file

TENSOR = Message("TensorProto", {
    "dims": Field(1, INT, repeated=True),
    "data_type": Field(2, INT),
    "float_data": Field(4, FLOAT, repeated=True),
    "int32_data": Field(5, INT, repeated=True),
    "string_data": Field(6, BYTES, repeated=True),
    "int64_data": Field(7, INT, repeated=True),
    "name": Field(8, TEXT),
    "raw_data": Field(9, BYTES),
    "double_data": Field(10, DOUBLE, repeated=True),
    "uint64_data": Field(11, INT, repeated=True),
    "external_data": Field(13, BYTES, repeated=True),
    "data_location": Field(14, INT),
})  # fmt: skip

ATTRIBUTE = Message("AttributeProto", {
    "name": Field(1, TEXT),
    "f": Field(2, FLOAT),
    "i": Field(3, INT),
    "s": Field(4, BYTES),
    "t": Field(5, TENSOR),
    "floats": Field(7, FLOAT, repeated=True),
    "ints": Field(8, INT, repeated=True),
    "strings": Field(9, BYTES, repeated=True),
    "type": Field(20, INT),
})  # fmt: skip
# How the standard numbers what an attribute holds, with the field that has it.
HOLDS = {1: "f", 2: "i", 3: "s", 4: "t", 6: "floats", 7: "ints", 8: "strings"}

NODE = Message("NodeProto", {
    "input": Field(1, TEXT, repeated=True),
    "output": Field(2, TEXT, repeated=True),
    "name": Field(3, TEXT),
    "op_type": Field(4, TEXT),
    "attribute": Field(5, ATTRIBUTE, repeated=True),
    "domain": Field(7, TEXT),
})  # fmt: skip

_SHAPE = Message("TensorShapeProto", {
    "dim": Field(1, Message("Dimension", {"dim_value": Field(1, INT), "dim_param": Field(2, TEXT)}),
                 repeated=True),
})  # fmt: skip
_TENSOR_TYPE = Field(1, Message("Tensor", {"elem_type": Field(1, INT), "shape": Field(2, _SHAPE)}))
_MAP = Message("Map", {
    "key_type": Field(1, INT),
    "value_type": Field(2, Message("TypeProto", {"tensor_type": _TENSOR_TYPE})),
})  # fmt: skip
_MAP_TYPE = Message("TypeProto", {"map_type": Field(5, _MAP)})
_TYPE = Message("TypeProto", {
    "tensor_type": _TENSOR_TYPE,
    "sequence_type": Field(4, Message("Sequence", {"elem_type": Field(1, _MAP_TYPE)})),
})  # fmt: skip
VALUE = Message("ValueInfoProto", {"name": Field(1, TEXT), "type": Field(2, _TYPE)})

GRAPH = Message("GraphProto", {
    "node": Field(1, NODE, repeated=True),
    "name": Field(2, TEXT),
    "initializer": Field(5, TENSOR, repeated=True),
    "input": Field(11, VALUE, repeated=True),
    "output": Field(12, VALUE, repeated=True),
    "sparse_initializer": Field(15, BYTES, repeated=True),
})  # fmt: skip

MODEL = Message("ModelProto", {
    "ir_version": Field(1, INT),
    "producer_name": Field(2, TEXT),
    "producer_version": Field(3, TEXT),
    "graph": Field(7, GRAPH),
    "opset_import": Field(8, Message("OperatorSetIdProto", {
        "domain": Field(1, TEXT), "version": Field(2, INT),
    }), repeated=True),
    "metadata_props": Field(14, Message("StringStringEntryProto", {
        "key": Field(1, TEXT), "value": Field(2, TEXT),
    }), repeated=True),
})  # fmt: skip


def write_model(path: str | PathLike[str], model: dict[str, Any]) -> None:
    """Write a model to a file, whole or not at all.

    Raises
    ------
    OSError
        If it cannot be written.
    ValueError
        If it is too large for any reader.
    """
    content = encode(MODEL, model)
    if len(content) > LARGEST:
        raise ValueError(f"a file of ONNX has at most {LARGEST} bytes; it would be {len(content)}")
    write_whole(path, lambda file: file.write(content))


def read_model(content: bytes) -> dict[str, Any]:
    """Return the model that the bytes of a file are.

    Raises
    ------
    ValueError
        For bytes that are none.
    """
    model = decode(MODEL, content)
    if model["graph"] is None or not 1 <= model["ir_version"] <= 100:
        raise ValueError("expected a model of ONNX, got another or a damaged file")
    return model


def tensor_of(name: str, array: NDArray[Any]) -> dict[str, Any]:
    """Return the tensor that holds an array; of text, objects, as UTF-8."""
    tensor: dict[str, Any] = {"dims": array.shape, "name": name}
    if array.dtype.kind in "OU":
        text = [check_utf8("a class", each) for each in array.ravel().tolist()]
        return tensor | {"data_type": STRING, "string_data": text}
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return tensor | {"data_type": ELEMENTS[little.dtype], "raw_data": little.tobytes()}


def array_of(tensor: dict[str, Any]) -> NDArray[Any]:
    """Return what a tensor holds, read-only; of text, objects.

    Raises
    ------
    ValueError
        For one whose shape is not that of its data, of another kind, and with its data elsewhere.
    """
    called, shape, element = tensor["name"] or "constant", tensor["dims"], tensor["data_type"]
    if tensor["data_location"] == EXTERNAL or tensor["external_data"]:
        raise ValueError(
            f"tensor {called!r} has its data in another file, which is not read: write all in one "
            "file, such as torch.onnx.export(..., external_data=False)"
        )
    if any(not 0 <= n < 2**40 for n in shape) or len(shape) > 8:
        raise ValueError(f"expected a shape of tensor {called!r}, got {shape!r:.80}")
    array: NDArray[Any]
    if element == STRING:
        try:
            text = [each.decode() for each in tensor["string_data"]]
        except UnicodeDecodeError:
            raise ValueError(f"expected text in UTF-8 in tensor {called!r}") from None
        array = np.array(text, object)
    elif element not in DTYPES:
        raise ValueError(f"expected tensor {called!r} of numbers or text, got kind {element}")
    elif tensor["raw_data"]:
        dtype = np.dtype(DTYPES[element])
        if len(tensor["raw_data"]) % dtype.itemsize:
            raise ValueError(f"expected whole numbers of {dtype.itemsize} bytes in {called!r}")
        array = np.frombuffer(tensor["raw_data"], dtype)
    else:
        array = _in_fields(tensor, element)
    if array.size != prod(shape):
        raise ValueError(
            f"expected {prod(shape)} numbers in tensor {called!r} of shape {tuple(shape)}, "
            f"got {array.size}"
        )
    return array.reshape(shape)


def _in_fields(tensor, element):
    """Return numbers that stand in fields of their own kind, as an array."""
    dtype = np.dtype(DTYPES[element])
    name = {SINGLE: "float_data", DOUBLES: "double_data", INT64: "int64_data",
            12: "uint64_data", 13: "uint64_data"}.get(element, "int32_data")  # fmt: skip
    given = np.array(tensor[name])
    if element == 10:  # float16: its bits
        return given.astype(np.uint16).view(dtype)
    return given.astype(dtype)
