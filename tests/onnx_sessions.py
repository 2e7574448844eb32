"""Models in ONNX, checked by its own package, and what ONNX Runtime says of inputs."""

import pytest

# One version of each may warn of another.
onnx = pytest.importorskip("onnx", reason="needs onnx")
runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")


def checked(path):
    """Return the model of a file that passes the checker and the strict inference of shapes."""
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    return model


def session(path):
    checked(path)
    return opened(path)


def opened(path):
    """Return the session of a file of any tool."""
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def said(path, X):
    """Return what it hands out by name, of inputs X or of a dict of them."""
    asked = session(path)
    fed = X if isinstance(X, dict) else {"X": X}
    names = [each.name for each in asked.get_outputs()]
    return dict(zip(names, asked.run(None, fed), strict=True))


def outputs_of(handed_out):
    """Return the outputs of the network itself (m, n_L), where one of two classes is p alone."""
    names = [each for each in ("variable", "scores", "probabilities") if each in handed_out]
    return handed_out[names[0]]
