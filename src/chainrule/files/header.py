"""The header of a model file: which fields there are, and what each of them must be."""

import json
import re
import sys

from chainrule.files.formulas import is_formula, is_object
from chainrule.model.scaling import SCALINGS, STANDARD
from chainrule.model.sizes import count_parameters
from chainrule.training.optimizer_state import COUNTERS

FORMAT = "chainrule network"
FORMAT_VERSION = 1
DTYPES = ("float32", "float64")
DEEPEST = 8  # lists and objects within each other; a header of ours has 4
# Possessive, and of strings the end may be missing: so no byte is looked at twice.
STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
ANSWERS = ("classes", "multilabel", "values")

# What a field must be, in words and as a test.
FIELDS = {
    "format": (f"{FORMAT!r}", lambda v: v == FORMAT),
    "format_version": (f"{FORMAT_VERSION}", lambda v: _is_whole(v) and v == FORMAT_VERSION),
    "package_version": ("a string", lambda v: isinstance(v, str)),
    "sizes": (
        "a list of two or more whole numbers from 1 to 2**31 - 1",
        lambda v: isinstance(v, list) and len(v) >= 2 and all(_is_whole(n, 1, 2**31) for n in v),
    ),
    "hidden": ("a list of names", lambda v: isinstance(v, list) and all(map(is_formula, v))),
    "output": ("a name", is_formula),
    "cost": ("a name", is_formula),
    "bias": ("true or false", lambda v: isinstance(v, bool)),
    "dtype": (" or ".join(DTYPES), lambda v: v in DTYPES),
    "seed": ("a whole number from 0 to 2**64 - 1", lambda v: _is_whole(v, 0, 2**64)),
    "epochs_trained": ("a whole number from 0 to 2**63 - 1", lambda v: _is_whole(v)),
    "optimizer_state": (
        "a list of names",
        lambda v: isinstance(v, list) and all(map(_is_state, v)),
    ),
}

# What may be missing, where it is the default.
SHIFT = ("a number, or a list of numbers", lambda v: _is_number(v) or _is_numbers(v))
SCALE = (f"{SHIFT[0]}, or {STANDARD!r}", lambda v: v == STANDARD or SHIFT[1](v))
OPTIONAL = {
    **{name: SCALE if name.endswith("scale") else SHIFT for name in SCALINGS},
    **dict.fromkeys(
        ("answers", "task_answers"),
        ("'classes', 'multilabel' or 'values'", lambda v: v in ANSWERS),
    ),
    "classes": ("a list of text, whole numbers or booleans", lambda v: _is_classes(v)),
    "optimizer": ("an object with a name", is_object),
    "input_names": ("a list of different strings", lambda v: _are_names(v)),
    "trainable_scale": ("true", lambda v: v is True),
    "precision": ("'bfloat16'", lambda v: v == "bfloat16"),
}


def parse_header(text):
    """Return the checked header of a network out of its bytes."""
    header = parse_object(text)
    check_header(header)
    return header


def parse_object(text):
    """Return the JSON object that the bytes of a header are."""
    try:
        check_nesting(text.decode(), DEEPEST)
        header = json.loads(text, object_pairs_hook=without_twins)
    except ValueError as error:
        raise ValueError(f"expected a header in JSON, got {text[:40]!r} ({error})") from error
    if type(header) is not dict:
        raise ValueError(f"expected a JSON object as header, got {_shown(header)}")
    return header


def check_nesting(text: str, deepest: int) -> None:
    """Raise ValueError for text that is nested deeper than ours, before it is parsed."""
    depth = 0
    for found in STRING_OR_BRACKET.finditer(text):
        depth += (found[0] in "[{") - (found[0] in "]}")
        if depth > deepest:
            raise ValueError(f"nested deeper than {deepest}")


def without_twins(pairs):
    """Return the dict of an object's names and values, each name once."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"a name stands twice among {listed(name for name, _ in pairs)}")
    return found


def check_header(header):
    """Raise ValueError for a field of a network that is missing, unknown or not what it must be."""
    check_fields(header, FIELDS, OPTIONAL)
    if "answers" in header and "task_answers" in header:
        raise ValueError("expected 'answers' or 'task_answers', what stands before it; got both")
    if "precision" in header and header["dtype"] != "float32":
        raise ValueError(f"expected 'precision' beside float32, got it beside {header['dtype']}")
    names, n_in = header.get("input_names"), header["sizes"][0]
    if names is not None and len(names) != n_in:
        raise ValueError(f"expected 'input_names' to be {n_in}, one an input, got {len(names)}")


def check_fields(header, fields, optional):
    """Raise ValueError unless a header has all the fields, maybe the optional ones, no others."""
    # The order of fields: of a file of another version, the version is told and nothing else.
    for name, (wanted, is_right) in (fields | optional).items():
        if name in optional and name not in header:
            continue
        if name not in header:
            raise ValueError(f"expected {name!r} in the header, got only {listed(header)}")
        if not is_right(header[name]):
            raise ValueError(f"expected {name!r} to be {wanted}, got {_shown(header[name])}")
    if header.keys() - (fields | optional).keys():
        known = listed(fields | optional)
        raise ValueError(f"expected only {known} in the header, got {listed(header)}")


def expected_arrays(header):
    """Name, dtype and size of the arrays that belong to a header."""
    parameters = count_parameters(
        header["sizes"], header["bias"], header.get("trainable_scale", False)
    )
    expected = {"parameters": (header["dtype"], parameters)}
    for name in header["optimizer_state"]:
        # The compiled core goes through the state as far as through the parameters.
        expected[f"optimizer.{name}"] = COUNTERS.get(name, expected["parameters"])
    return expected


def _is_whole(value, least=0, end=2**63):
    # Not isinstance: to Python, True is a whole number too.
    return type(value) is int and least <= value < end


def _is_number(value):
    return type(value) in (int, float) and abs(value) <= sys.float_info.max  # not NaN, nor infinite


def _is_numbers(value):
    return isinstance(value, list) and all(map(_is_number, value))


def _is_classes(value):
    return type(value) is list and (
        all(type(each) is str for each in value)
        or all(type(each) is bool for each in value)
        or all(_is_whole(each, -(2**63)) for each in value)
    )


def _are_names(value):
    are_strings = isinstance(value, list) and all(isinstance(name, str) for name in value)
    return are_strings and len(set(value)) == len(value)


def _is_state(name):
    return isinstance(name, str) and re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) is not None


def listed(names):
    """Write some of the names for a message, none of them long."""
    return ", ".join(repr(str(name))[:40] for name in list(names)[:20])


def _shown(value):
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
