"""What a graph of ONNX makes of the outputs of its network: labels, and probabilities of two."""

from dataclasses import dataclass, replace
from typing import Any

from chainrule.convert.onnx_chain import unknown
from chainrule.convert.onnx_file import FLOATING, ML
from chainrule.convert.onnx_nodes import Node, Nodes

MOST_BEHIND = 16  # nodes behind the outputs
TABLES = {"Gather", f"{ML}.ArrayFeatureExtractor"}  # (classes, places)
PASSING = TABLES | {"Cast", "Reshape", "Squeeze"}
ENDS = {"ArgMax", "Greater", f"{ML}.Binarizer"}


@dataclass(frozen=True, eq=False)
class Answers:
    """What is made of the outputs of a network.

    Attributes
    ----------
    tensor : str
        These outputs.
    is_two : bool
        Whether 1 - p is handed out beside p.
    answers : "classes", "multilabel" or None
        None where there are no labels.
    classes : list of str or int, or None
        What the classes are called; None where they are not called anything.
    threshold : float or None
        Above which an output counts; None where the largest does.
    """

    tensor: str
    is_two: bool = False
    answers: str | None = None
    classes: list[Any] | None = None
    threshold: float | None = None


def read_answers(nodes: Nodes) -> Answers:
    """Return what is handed out.

    Raises
    ------
    ValueError
        For outputs that are not of one network; where it can, it names the node.
    """
    names = nodes.output_names
    ways = {name: _way_to_label(nodes, name) for name in names} if len(names) > 1 else {}
    labels = [way for way in ways.values() if way]
    said = [_said(nodes, name) for name in names if not ways.get(name)]
    if len({each.tensor for each in said}) != 1 or len(labels) > 1:
        raise ValueError(
            f"expected the outputs of one network, and at most one label, got {names!s:.80}"
        )
    return _labelled(nodes, said[0], labels[0]) if labels else said[0]


def _said(nodes: Nodes, tensor: str) -> Answers:
    """Return what a network says of what is handed out: behind a map by class, and 1 - p."""
    node = nodes.maker(tensor)
    if node is not None and node.op == f"{ML}.ZipMap":
        nodes.used.add(node)
        tensor = node.input(0)
        node = nodes.maker(tensor)
    if node is None or node.op != "Concat" or len(node.inputs) != 2:
        return Answers(tensor)
    less, one = nodes.maker(node.inputs[0]), node.inputs[1]
    if less is None or less.op != "Sub" or less.inputs[1:] != [one]:
        return Answers(tensor)
    if nodes.number(less.inputs[0]) != 1 or node.attributes.get("axis") not in (1, -1):
        return Answers(tensor)
    nodes.used |= {node, less}
    return Answers(one, is_two=True)


def _way_to_label(nodes: Nodes, tensor: str) -> list[Node]:
    """Return the nodes from a label back to what makes it of outputs; none if it is no label."""
    way: list[Node] = []
    while len(way) < MOST_BEHIND and (node := nodes.maker(tensor)) is not None:
        way.append(node)
        if node.op in ENDS:
            return way
        becomes_float = node.op == "Cast" and node.attributes.get("to") in FLOATING
        if becomes_float or node.op not in PASSING:
            break
        tensor = node.input(1 if node.op in TABLES else 0)
    return []


def _labelled(nodes: Nodes, found: Answers, way: list[Node]) -> Answers:
    """Return what a label says of the outputs that were found."""
    end, classes = way[-1], None
    for node in way:
        if node.op in TABLES:
            table = nodes.constant(node.input(0))
            if table is None or table.ndim != 1 or table.dtype.kind not in "Oiuf":
                raise unknown(node, "expected a constant list of classes")
            classes = [int(each) if each == each and not isinstance(each, str) else each
                       for each in table.tolist()]  # fmt: skip
    by = _said(nodes, end.input(0))
    if by.tensor != found.tensor:
        raise unknown(end, "expected a label by the outputs that are handed out")
    nodes.used.update(way)
    if end.op == "ArgMax":
        if end.attributes.get("axis") not in (1, -1) or end.attributes.get("select_last_index"):
            raise unknown(end, "expected the first of the largest in each row")
        return replace(
            found, answers="classes", classes=classes, threshold=0.5 if by.is_two else None
        )
    if end.op == "Greater":
        threshold = nodes.number(end.input(1))
    else:
        threshold = end.attributes.get("threshold", 0.0)
    if threshold is None:
        raise unknown(end, "expected a constant number")
    answers = "multilabel" if classes is None else "classes"
    return replace(found, answers=answers, classes=classes, threshold=threshold)
