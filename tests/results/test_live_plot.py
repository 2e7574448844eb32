"""The learning curves that grow in a notebook: when they are drawn, what they show, what stays."""

import ast
import base64
import io
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

import chainrule as cr
from chainrule.results import live_plot
from histories import finish_epoch

X, Y = np.eye(4), np.arange(4)


class Notebook:
    """Stands for IPython in the kernel of a notebook, and keeps what the cell is told to show."""

    config = ("IPKernelApp",)
    version_info = (9, 0)  # matplotlib asks

    def __init__(self):
        self.shown = []  # (number of the output, PNG) in the order of the drawings
        self.outputs = 0
        self.display = SimpleNamespace(Image=self._image, display=self._display)

    def get_ipython(self):
        return self

    @staticmethod
    def _image(data, **options):
        assert options == {"format": "png"}
        return data

    def _display(self, image, display_id):
        assert display_id is True
        number = self.outputs
        self.outputs += 1
        self.shown.append((number, image))
        return SimpleNamespace(update=lambda image: self.shown.append((number, image)))


@pytest.fixture
def notebook(monkeypatch):
    notebook = Notebook()
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    monkeypatch.setitem(sys.modules, "IPython.display", notebook.display)
    return notebook


@pytest.fixture
def drawings(monkeypatch):
    """How many epochs each drawing shows."""
    epochs, plot = [], cr.History.plot

    def count(history, ax=None):
        epochs.append(len(history))
        return plot(history, ax)

    monkeypatch.setattr(cr.History, "plot", count)
    return epochs


def fit(epochs, callbacks, **options):
    net = cr.Network([4, 4], seed=0)
    return net.fit(X, Y, epochs=epochs, callbacks=callbacks, **options)


def picture(png):
    return pyplot.imread(io.BytesIO(png))


def test_the_cell_shows_what_plot_draws(notebook):
    history = fit(3, cr.LivePlot(0), validation_data=(X, Y))
    assert [number for number, _ in notebook.shown] == [0, 0, 0]  # one output, drawn anew
    file = io.BytesIO()
    ax = history.plot(Figure(figsize=(6.4, 4), layout="constrained").subplots())
    ax.figure.savefig(file, format="png")
    np.testing.assert_array_equal(picture(notebook.shown[-1][1]), picture(file.getvalue()))
    assert np.any(picture(notebook.shown[0][1]) != picture(notebook.shown[1][1]))


def test_it_draws_as_often_as_asked(notebook, drawings, monkeypatch):
    """A clock by hand: an epoch takes 1 s, a drawing 10 s, the pause after it is 2.5 s."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(live_plot.time, "perf_counter", lambda: clock.now)
    plot = cr.History.plot

    def slow_plot(history, ax=None):
        clock.now += 10
        return plot(history, ax)

    def tick(net, history):
        clock.now += 1

    monkeypatch.setattr(cr.History, "plot", slow_plot)
    fit(9, [tick, cr.LivePlot(2.5)])
    # at 1 s; it ends at 11, epochs at 12, 13, 14: drawn; it ends at 24, then 25, 26, 27: drawn
    assert drawings == [1, 4, 7, 9]


def test_it_draws_a_last_time_at_the_end(notebook, drawings):
    fit(50, cr.LivePlot(1e6))
    assert drawings == [1, 50]


def test_nothing_is_drawn_twice(notebook, drawings):
    fit(2, cr.LivePlot(0))
    fit(1, cr.LivePlot(1e6))
    assert drawings == [1, 2, 1]


def stop_after(epochs, error):
    def stop(net, history):
        if len(history) == epochs:
            raise error

    return stop


@pytest.mark.parametrize("stopper_first", [True, False])
def test_it_draws_the_end_that_a_callback_made(notebook, drawings, stopper_first):
    both = [cr.LivePlot(1e6), stop_after(7, cr.StopTraining)]
    fit(50, both[:: -1 if stopper_first else 1])
    assert drawings == [1, 7]


def test_without_an_epoch_nothing_is_drawn(notebook, drawings):
    assert len(fit(0, cr.LivePlot(0))) == 0
    assert drawings == []
    assert notebook.shown == []


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt()])
def test_an_exception_leaves_the_last_drawing_and_nothing_else(notebook, drawings, error):
    plot, figures = cr.LivePlot(1e6), pyplot.get_fignums()
    with pytest.raises(type(error)):
        fit(50, [plot, stop_after(7, error)])
    assert drawings == [1]
    assert pyplot.get_fignums() == figures
    fit(3, plot)  # an output of its own
    assert [number for number, _ in notebook.shown] == [0, 1, 1]
    assert drawings == [1, 1, 3]


def test_no_figure_stays_open(notebook, monkeypatch):
    """pyplot warns, which is an error here, when more than its limit are open."""
    monkeypatch.setitem(pyplot.rcParams, "figure.max_open_warning", 1)
    figures, plot = pyplot.get_fignums(), cr.LivePlot()
    for _ in range(3):
        fit(2, plot)
    assert pyplot.get_fignums() == figures
    assert notebook.outputs == 3


def test_figures_that_are_not_finite_are_drawn(notebook):
    history, plot = cr.History(0, ("validation_cost", "validation_accuracy")), cr.LivePlot(0)
    plot.on_train_begin(None)
    for scores in ((np.inf, np.nan), (1.0, 0.5), (np.nan, 0.5)):
        finish_epoch(history, 1.0, 0.25)
        history.measure(validation_cost=scores[0], validation_accuracy=scores[1])
        plot.on_epoch_end(None, history)
    assert len(notebook.shown) == 3


def test_training_is_the_same_with_it(notebook):
    assert fit(5, cr.LivePlot(0)).cost.tolist() == fit(5, None).cost.tolist()


def test_elsewhere_it_refuses_before_anything_changes(monkeypatch):
    net = cr.Network([4, 4], seed=0)
    before = net.parameters.tobytes()
    terminal = SimpleNamespace(get_ipython=lambda: SimpleNamespace(config={"TerminalIPythonApp"}))
    for ipython in (None, terminal, SimpleNamespace(get_ipython=lambda: None)):
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        with pytest.raises(RuntimeError, match=r"no notebook .* progress=True.* history\.plot\(\)"):
            net.fit(X, Y, callbacks=cr.LivePlot())
    assert net.parameters.tobytes() == before
    assert net.history is None


def test_without_matplotlib_it_names_the_extra(notebook, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    net = cr.Network([4, 4], seed=0)
    with pytest.raises(ImportError, match=r'LivePlot needs .* pip install "chainrule\[demo\]"'):
        net.fit(X, Y, callbacks=cr.LivePlot())
    assert net.epochs_trained == 0


def test_options():
    assert repr(cr.LivePlot(2)) == "LivePlot(seconds=2.0)"
    with pytest.raises(ValueError, match="seconds must be a number, 0 or more; got -1"):
        cr.LivePlot(-1)
    with pytest.raises(TypeError, match="seconds"):
        cr.LivePlot("1")


# ---------------------------------------------------------------- in a true kernel

CELL = """
import numpy as np, chainrule as cr
rng = np.random.default_rng(0)
X = rng.normal(size=(200, 2))
y = (X[:, 0] * X[:, 1] > 0).astype(int)
net = cr.Network([2, 16, 2], hidden="tanh", cost="cross_entropy", seed=0)
options = {"optimizer": cr.Adam(0.01), "validation_split": 0.3, "progress": True}
history = net.fit(X, y, epochs=60, callbacks=cr.LivePlot(0), **options)
"""
FIGURES = "from matplotlib import pyplot; len(pyplot.get_fignums())"
EARLY = """
stopping = cr.EarlyStopping(patience=1, min_change=9)
len(net.fit(X, y, epochs=99, callbacks=stopping, **options))
"""
BARS = """
import sys
found = sys.modules.get("ipywidgets.widgets.widget")
found = list(found._instances.values()) if found else []
[(bar.value, bar.max, bar.bar_style) for bar in found if hasattr(bar, "bar_style")]
"""
TEXTS = '"".join(text.value for text in found if type(text).__name__ == "HTML")'


def test_a_true_notebook():
    """One picture, a progress of one bar beside it, and nothing of pyplot."""
    nbformat = pytest.importorskip("nbformat", reason="needs nbclient and ipykernel")
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient and ipykernel")
    pytest.importorskip("ipykernel", reason="needs nbclient and ipykernel")
    cells = map(nbformat.v4.new_code_cell, (CELL, FIGURES, EARLY, BARS, TEXTS))
    notebook = nbformat.v4.new_notebook(cells=list(cells))
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    first, *later = (cell.outputs for cell in notebook.cells)
    images = [o.data["image/png"] for o in first if "image/png" in o.get("data", {})]
    assert len(images) == 1
    assert picture(base64.b64decode(images[0])).shape[:2] == (400, 640)
    figures, early, bars, texts = (outputs[-1].data["text/plain"] for outputs in later)
    assert figures == "0"
    assert early == "2"
    if ast.literal_eval(bars):  # else ipywidgets is not installed
        assert ast.literal_eval(bars) == [(60, 60, "success"), (2, 2, "success")]
        assert "epoch 60/60  cost 0." in ast.literal_eval(texts).replace("\u2007", " ")
        assert "█" not in texts
