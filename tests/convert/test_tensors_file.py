"""safetensors: both ways, by our reader and by the package; and files that are not as they must be.

Whatever stands in a file, a network comes out of it, or a ValueError that names the file.
"""

import json
import time
import tracemalloc

import numpy as np
import pytest

import chainrule as cr
from chainrule.convert import from_safetensors, from_torch, to_safetensors, to_torch
from chainrule.convert.tensors_file import LONGEST_HEADER
from random_networks import draw_network


def contents(header, data=b""):
    """The bytes of a file with this header, as text or as an object."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(*shape, dtype="F32", begin=0, end=None):
    width = {"F64": 8, "F32": 4}.get(dtype, 2)
    end = begin + width * int(np.prod(shape)) if end is None else end
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def test_500_networks_go_and_come_back(tmp_path):
    for seed in range(500):
        net, X = draw_network(seed, scaled=bool(seed % 2))
        to_safetensors(net, tmp_path / "net.safetensors")
        again = from_safetensors(tmp_path / "net.safetensors")
        told = ("hidden", "output", "cost", "bias", "dtype", "answers")
        assert [repr(getattr(again, each)) for each in told] == [
            repr(getattr(net, each)) for each in told
        ]
        if net.scale.size == 0:
            np.testing.assert_array_equal(again(X), net(X))
        elif "step" not in (net.output, *net.hidden):  # which a rounding may flip
            bound = 64 * np.finfo(net.dtype).eps
            np.testing.assert_allclose(again(X), net(X), rtol=bound, atol=bound)


def test_the_package_reads_what_we_write_and_we_what_it_writes(tmp_path):
    numpy_files = pytest.importorskip("safetensors.numpy", reason="needs safetensors")
    path = tmp_path / "net.safetensors"
    for seed in range(50):
        net, X = draw_network(seed, hidden=["relu"], outputs=["identity"], scaled=False)
        to_safetensors(net, path)
        arrays = numpy_files.load_file(path)
        for i, W in enumerate(net.weights):
            np.testing.assert_array_equal(arrays[f"{2 * i}.weight"], W)
            assert arrays[f"{2 * i}.weight"].dtype == net.dtype
        numpy_files.save_file(arrays, path, metadata={"format": "pt"})
        again = from_safetensors(path, hidden="relu", output="identity")
        np.testing.assert_array_equal(again(X), net(X))


def test_pytorch_loads_it_into_its_modules(tmp_path):
    torch_files = pytest.importorskip("safetensors.torch", reason="needs safetensors and PyTorch")
    import torch

    path = tmp_path / "net.safetensors"
    net, X = draw_network(5, hidden=["tanh", "identity"], outputs=["softmax"])
    to_safetensors(net, path, fold=True)
    module = to_torch(net)
    with torch.no_grad():
        for each in module.parameters():
            each.zero_()
    module.load_state_dict(torch_files.load_file(path))
    said = module(torch.from_numpy(X)).detach().numpy()
    np.testing.assert_allclose(said, net(X), rtol=1e-5, atol=1e-6)
    torch_files.save_file(to_torch(net).to(torch.bfloat16).state_dict(), path)
    rounded = from_safetensors(path, hidden=net.hidden, output="softmax")
    again = from_torch(to_torch(net).to(torch.bfloat16))
    np.testing.assert_array_equal(rounded.parameters, again.parameters)


def test_ten_layers_are_in_order_though_the_package_sorts_names_as_text(tmp_path):
    numpy_files = pytest.importorskip("safetensors.numpy", reason="needs safetensors")
    net = cr.Network([3] * 14, hidden="tanh", output="identity", seed=0)
    to_safetensors(net, tmp_path / "a")
    numpy_files.save_file(numpy_files.load_file(tmp_path / "a"), tmp_path / "b")
    again = from_safetensors(tmp_path / "b", hidden="tanh", output="identity")
    np.testing.assert_array_equal(again.parameters, net.parameters)


def test_scalings_in_the_weights_instead(tmp_path):
    net = cr.Network([2, 3, 2], output="tanh", input_shift=[1, 2], output_scale=3, seed=0)
    to_safetensors(net, tmp_path / "a", fold=True)
    again = from_safetensors(tmp_path / "a")
    assert again.sizes == (2, 3, 2, 2)
    assert not again._scaling
    np.testing.assert_allclose(again([0.5, 1.0]), net([0.5, 1.0]), rtol=1e-5)


def test_it_tells_what_a_network_answers(tmp_path):
    X, y = np.random.default_rng(0).normal(size=(30, 2)), np.array(list("abc") * 10)
    net = cr.Network([2, 4, 3], output="sigmoid", cost=cr.costs.huber(0.5), seed=0)
    net.fit(X, y, epochs=1)
    net._input_names = ("u", "v")
    to_safetensors(net, tmp_path / "a")
    again = from_safetensors(tmp_path / "a")
    assert again.cost == cr.costs.huber(0.5)
    assert again.input_names == ("u", "v")
    assert again.predict(X).tolist() == net.predict(X).tolist()
    labels = cr.Network([2, 2], output="tanh", cost="quadratic", seed=0)
    labels.fit(X, (X > 0) * 1.0, epochs=1)
    assert labels.answers == "multilabel"
    to_safetensors(labels, tmp_path / "a")
    assert from_safetensors(tmp_path / "a").answers == "multilabel"


def test_bfloat16_and_float16(tmp_path):
    ones = np.array([[0x3F80, 0xC020]], "<u2").tobytes()  # 1, -2.5
    (tmp_path / "a").write_bytes(contents({"a.weight": entry(1, 2, dtype="BF16")}, ones))
    net = from_safetensors(tmp_path / "a", output="identity")
    assert net.dtype == np.float32
    assert net.weights[0].tolist() == [[1, -2.5]]
    half = np.array([[0.5, 2]], "<f2").tobytes()
    (tmp_path / "a").write_bytes(contents({"a.weight": entry(1, 2, dtype="F16")}, half))
    assert from_safetensors(tmp_path / "a", output="identity").weights[0].tolist() == [[0.5, 2]]


# ---------------------------------------------------------------- files that are wrong

W = np.ones((1, 2), np.float32).tobytes()
GOOD = {"0.weight": entry(1, 2)}
OURS = {"version": 1, "sizes": [2, 1], "hidden": [], "output": "tanh", "cost": "quadratic"}


def ours(**changes):
    return contents({"__metadata__": {"chainrule": json.dumps(OURS | changes)}, **GOOD}, W)


WRONG = {
    "nothing": (b"", "got nothing in a file of 0"),
    "a short length": (b"\0" * 7, "got nothing in a file of 7"),
    "a length beyond the file": ((100).to_bytes(8, "little") + b"{}", "got 100 in a file of 10"),
    "the largest length": (b"\xff" * 8 + b"{}", "so many bytes of JSON"),
    "no JSON": (contents(b"{"), "header in JSON"),
    "no text": (contents(b"\xff\xfe"), "header in JSON"),
    "a list": (contents([1]), "JSON object"),
    "nested": (contents(b'{"a":' * 4000 + b"1" + b"}" * 4000), "nested deeper"),
    "names twice": (contents(b'{"a.weight": {}, "a.weight": {}}'), "stands twice"),
    "no arrays": (contents({}), "got none"),
    "metadata of numbers": (contents({"__metadata__": {"a": 1}}), "object of strings"),
    "metadata in a list": (contents({"__metadata__": []}), "object of strings"),
    "no entry": (contents({"0.weight": 3}), "dtype, shape and data_offsets"),
    "a field more": (contents({"0.weight": entry(1, 2) | {"a": 1}}, W), "dtype, shape and"),
    "another dtype": (contents({"0.weight": entry(4, 2, dtype="I8")}, W), "got I8"),
    "a dtype that is a list": (contents({"0.weight": entry(1, 2) | {"dtype": []}}, W), "got []"),
    "a shape of floats": (contents({"0.weight": entry(1, 2) | {"shape": [1.0, 2]}}, W), "shape of"),
    "a shape of truths": (contents({"0.weight": entry(1, 2) | {"shape": [True, 2]}}, W), "shape o"),
    "a negative shape": (contents({"0.weight": entry(1, 2) | {"shape": [-1, -2]}}, W), "shape of"),
    "nine dimensions": (contents({"0.weight": entry(*[1] * 9)}, W), "up to 8"),
    "a huge shape": (
        contents({"0.weight": entry(1, 2) | {"shape": [2**62, 2**62, 2**62]}}, W),
        "as long as its shape says",
    ),
    "one offset": (contents({"0.weight": entry(1, 2) | {"data_offsets": [0]}}, W), "two data_off"),
    "offsets beyond": (contents({"0.weight": entry(2, 2)}, W), "expected 16 bytes of numbers, got"),
    "bytes behind": (contents(GOOD, W + b"\0"), "expected 8 bytes of numbers, got 9"),
    "a hole": (contents({"0.weight": entry(1, 2, begin=8)}, W + W), "behind the array before"),
    "an overlap": (
        contents({"0.weight": entry(1, 2), "2.weight": entry(1, 1, begin=4)}, W),
        "behind the array before",
    ),
    "another array": (contents({"0.gamma": entry(2)}, W), "weight and bias of dense layers alone"),
    "a vector": (contents({"0.weight": entry(2)}, W), "must be (n_out, n_in)"),
    "an empty matrix": (contents({"0.weight": entry(0, 2)}), "(n_out, n_in)"),
    "layers that do not fit": (
        contents({"0.weight": entry(1, 2), "1.weight": entry(1, 2, begin=8)}, W + W),
        "layers must fit",
    ),
    "names without order": (
        contents({"in.weight": entry(1, 2), "out.weight": entry(1, 1, begin=8)}, W + W[:4]),
        "do not tell their order",
    ),
    "infinite": (contents(GOOD, np.array([np.inf, 1], "<f4").tobytes()), "must be finite"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "fragment"), WRONG.values(), ids=WRONG)
def test_a_file_that_is_wrong_is_refused_with_its_name(tmp_path, content, fragment):
    path = tmp_path / "wrong.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"wrong\.safetensors cannot be loaded") as caught:
        from_safetensors(path, hidden="relu", output="tanh")
    assert fragment in str(caught.value)


OURS_WRONG = {
    "another version": (ours(version=2), "'version' to be 1"),
    "another field": (ours(code="x"), "expected only"),
    "sizes that are others": (ours(sizes=[3, 1]), "expected arrays of sizes [3, 1]"),
    "an activation more": (ours(hidden=["relu"]), "one for each of the 0 hidden"),
    "an activation that is none": (ours(output="code"), "unknown output activation 'code'"),
    "your own": (ours(output={"own": "A"}), "of your own"),
    "a bad parameter": (ours(output={"name": "elu", "alpha": -1}), "alpha of elu"),
    "a cost for another output": (ours(cost="cross_entropy"), "is for output='sigmoid'"),
    "a scale to be set": (ours(input_scale="standard"), "'input_scale' to be a number"),
    "three scales": (ours(input_scale=[1, 2, 3]), "each input"),
    "a scale below 0": (ours(output_scale=-1), "must be above 0"),
    "classes that are too many": (ours(classes=["a", "b", "c"]), "classes must be 2"),
    "names that are too many": (ours(input_names=["a", "b", "c"]), "expected 2 names"),
    "no JSON": (contents({"__metadata__": {"chainrule": "x"}, **GOOD}, W), "in JSON"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "fragment"), OURS_WRONG.values(), ids=OURS_WRONG)
def test_metadata_that_are_wrong_are_refused(tmp_path, content, fragment):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ValueError, match="cannot be loaded") as caught:
        from_safetensors(tmp_path / "a")
    assert fragment in str(caught.value)


def test_activations_are_told_once(tmp_path):
    (tmp_path / "a").write_bytes(ours())
    with pytest.raises(ValueError, match="leave hidden and output out"):
        from_safetensors(tmp_path / "a", output="tanh")
    (tmp_path / "a").write_bytes(contents(GOOD, W))
    with pytest.raises(ValueError, match="do not tell the activations"):
        from_safetensors(tmp_path / "a")


def test_what_is_no_file(tmp_path):
    with pytest.raises(OSError, match="folder or device"):
        from_safetensors(tmp_path)
    with pytest.raises(FileNotFoundError):
        from_safetensors(tmp_path / "none")
    with pytest.raises(TypeError, match="file name"):
        from_safetensors(3)


def outcome(path, content):
    """Whether a network comes; if not, it is the one error there may be."""
    path.write_bytes(content)
    try:
        net = from_safetensors(path)
    except ValueError as error:
        if not str(error).startswith(f"{path} cannot be loaded: "):
            raise
        return False
    assert np.isfinite(net.parameters).all()
    return True


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("written") / "net.safetensors"
    net = cr.Network([2, 3, 2], output="softmax", cost="log_likelihood", input_scale=[2, 3], seed=0)
    net.classes = ["no", "yes"]
    to_safetensors(net, path)
    return path.read_bytes()


def test_a_file_that_is_cut_off_anywhere(tmp_path, written):
    assert not any(outcome(tmp_path / "a", written[:n]) for n in range(len(written)))


def test_a_file_of_which_bytes_have_changed(tmp_path, written):
    rng = np.random.default_rng(0)
    came = 0
    for _ in range(1500):
        changed = bytearray(written)
        for place in rng.integers(len(written), size=rng.integers(1, 4)):
            changed[place] = rng.integers(256)
        came += outcome(tmp_path / "a", bytes(changed))
    assert 50 < came < 1450


def test_pieces_of_a_file_in_another_order(tmp_path, written):
    rng = np.random.default_rng(1)
    for _ in range(300):
        cut = np.sort(rng.integers(len(written), size=3))
        a, b, c, d = (bytes(each) for each in np.split(np.frombuffer(written, np.uint8), cut))
        outcome(tmp_path / "a", a + c + b + d + a[: rng.integers(9)])


HOSTILE = {
    "empty names": b"{" + b'"":0,' * ((LONGEST_HEADER - 10) // 5) + b'"":0}',
    "empty lists": b'{"a":[' + b"[]," * ((LONGEST_HEADER - 20) // 3) + b"[]]}",
    "many entries": b"{" + b",".join(b'"%x":{}' % k for k in range(300_000)) + b"}",
    "a long shape": b'{"a":{"dtype":"F32","data_offsets":[0,8],"shape":['
    + b"9999999999999999999," * 200_000
    + b"1]}}",
    "a long number": b'{"a":' + b"9" * (LONGEST_HEADER - 10) + b"}",
    "quotes": b'{"' + b'\\"' * (LONGEST_HEADER // 2 - 10) + b'":0}',
}


@pytest.mark.parametrize("header", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_header_takes_bounded_time_and_memory(tmp_path, header):
    assert len(header) <= LONGEST_HEADER
    begun = time.process_time()
    assert not outcome(tmp_path / "a", contents(header))
    assert time.process_time() - begun < 10
    tracemalloc.start()
    outcome(tmp_path / "a", contents(header[:200_000]))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 40 * 200_000


# ---------------------------------------------------------------- writing


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    net = cr.Network([2, 1], seed=0)
    path = tmp_path / "a"
    path.write_text("before")
    net.weights[0][0, 0] = np.nan
    with pytest.raises(ValueError, match="expected finite parameters"):
        to_safetensors(net, path)
    with pytest.raises(ValueError, match="not an ensemble of 2"):
        to_safetensors(cr.Ensemble([cr.Network([2, 1], seed=k) for k in range(2)]), path)
    assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


def test_what_a_header_cannot_hold_is_refused(tmp_path):
    n = 125_000
    net = cr.Network([n, 1], input_scale=np.full(n, 1 / 3), input_shift=np.full(n, 1 / 3), seed=0)
    with pytest.raises(ValueError, match="that a header may have"):
        to_safetensors(net, tmp_path / "a")
    to_safetensors(net, tmp_path / "a", fold=True)
    assert from_safetensors(tmp_path / "a").sizes == (n, 1)


def test_the_numbers_are_aligned(tmp_path):
    for n in range(1, 9):
        to_safetensors(cr.Network([n, 1], seed=0), tmp_path / "a")
        assert int.from_bytes((tmp_path / "a").read_bytes()[:8], "little") % 8 == 0
