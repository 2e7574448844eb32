"""A network with activations and costs of the user's own: the file has their names alone."""

import doctest

import pytest

import chainrule as cr
from carried import carried
from chainrule.tables import loading
from model_files import header_of, refused, rewrite
from three_classes import three_classes
from users_functions import Focal, Sine

X, LABELS = three_classes(47)


class Named(Sine):
    def __init__(self, name, omega=1.0):
        super().__init__(omega)
        self.name = name


class WrongSlope(Sine):
    def slope(self, z, a):
        return a


class WrongDelta(Focal):
    def delta(self, z, a, y):
        return a - y


def begin(dtype="float32", **options):
    options = {"hidden": [Sine(2.0), "tanh"], "output": "softmax", "cost": Focal(2.0)} | options
    return cr.Network([4, 6, 5, 3], dtype=dtype, seed=5, **options)


OWN = {"Sine": Sine(2.0), "Focal": Focal(2.0)}


@pytest.fixture
def path(tmp_path):
    begin().save(tmp_path / "net.npz")
    return tmp_path / "net.npz"


# ---------------------------------------------------------------- what comes back


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": cr.Adam(cr.CosineDecay(0.05, 8)), "batch_size": 10, "dropout": 0.3},
        {"optimizer": cr.LBFGS()},
    ],
    ids=["Adam", "LBFGS"],
)
def test_it_goes_on_as_one_that_never_was_a_file(tmp_path, dtype, options):
    whole, first = begin(dtype), begin(dtype)
    whole.fit(X, LABELS, epochs=8, **options)
    first.fit(X, LABELS, epochs=3, **options)
    first.save(tmp_path / "net.npz")
    own = {"Sine": Sine(2.0), "Focal": Focal(2.0)}
    back = cr.load(tmp_path / "net.npz", own=own)
    assert back.hidden == (own["Sine"], "tanh")
    assert back.cost is own["Focal"]
    assert back.output == "softmax"
    assert carried(back) == carried(first)
    assert back(X).tobytes() == first(X).tobytes()
    back.fit(X, LABELS, epochs=5, **options)
    assert carried(back) == carried(whole)


def test_the_file_has_names_and_nothing_else_of_them(path):
    header = header_of(path)
    assert header["hidden"] == [{"own": "Sine"}, "tanh"]
    assert header["output"] == "softmax"
    assert header["cost"] == {"own": "Focal"}
    assert b"omega" not in path.read_bytes()
    assert b"gamma" not in path.read_bytes()


def test_what_is_given_is_what_counts(path):
    """Its parameters are the user's: another γ is another cost."""
    back = cr.load(path, own=OWN | {"Focal": Focal(0.5)})
    twin = begin(cost=Focal(0.5))
    assert back.evaluate(X, LABELS) == twin.evaluate(X, LABELS)
    assert back.evaluate(X, LABELS) != begin().evaluate(X, LABELS)


def test_an_attribute_is_a_name_too(tmp_path):
    slow, fast = Named("slow", 0.5), Named("fast", 2.0)
    net = begin(hidden=[slow, fast])
    net.save(tmp_path / "net.npz")
    assert header_of(tmp_path / "net.npz")["hidden"] == [{"own": "slow"}, {"own": "fast"}]
    back = cr.load(tmp_path / "net.npz", own={"slow": slow, "fast": fast} | {"Focal": Focal(2.0)})
    assert back.hidden == (slow, fast)
    assert back(X).tobytes() == net(X).tobytes()


def test_one_object_in_several_places_has_one_name(tmp_path):
    sine = Sine(2.0)
    net = begin(hidden=sine, output=sine, cost="quadratic")
    net.save(tmp_path / "net.npz")
    back = cr.load(tmp_path / "net.npz", own={"Sine": sine})
    assert (*back.hidden, back.output) == (sine,) * 3
    assert back(X).tobytes() == net(X).tobytes()


def test_objects_with_the_names_of_the_package_are_still_the_users(tmp_path):
    net = begin(hidden=[Named("tanh", 2.0), "tanh"])
    net.save(tmp_path / "net.npz")
    own = {"tanh": Named("tanh", 2.0), "Focal": Focal(2.0)}
    assert cr.load(tmp_path / "net.npz", own=own)(X).tobytes() == net(X).tobytes()
    with pytest.raises(ValueError, match="without 'tanh'"):
        cr.load(tmp_path / "net.npz", own={"Focal": Focal(2.0)})


# ---------------------------------------------------------------- what is not saved


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": [Sine(1.0), Sine(2.0)]}, r"two objects of the name 'Sine'.*attribute 'name'"),
        ({"output": Named("Focal"), "cost": Focal(2.0)}, "two objects of the name 'Focal'"),
        ({"output": Named(3), "cost": "quadratic"}, r"to be a string, got 3 of Named\(\)"),
        ({"output": Named(""), "cost": "quadratic"}, "to be a string, got ''"),
    ],
)
def test_names_that_would_not_do_are_not_written(path, options, message):
    old = path.read_bytes()
    with pytest.raises(ValueError, match=f"this network cannot be saved: .*{message}"):
        begin(**options).save(path)
    assert path.read_bytes() == old
    assert [each.name for each in path.parent.iterdir()] == [path.name]


# ---------------------------------------------------------------- what is not loaded


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (None, r"without 'Focal', 'Sine'.*chainrule.load\(path, own={'Focal': ..., 'Sine': ...}\)"),
        ({}, "without 'Focal', 'Sine'"),
        ({"Sine": Sine(2.0)}, "without 'Focal'"),
        ({"sine": Sine(2.0), "Focal": Focal(2.0)}, "without 'Sine'"),
        (OWN | {"Cosine": Sine()}, "'Focal': ..., 'Sine': .* got also 'Cosine'; leave them out"),
        (OWN | {3: Sine()}, "got also 3"),
        (OWN | {"Sine": Focal(2.0)}, r"a hidden activation of your own must have .* slope"),
        (OWN | {"Focal": Sine(2.0)}, r"a cost of your own must have .* delta"),
        (OWN | {"Sine": Sine}, r"got the class: use Sine\(\)"),
        (OWN | {"Sine": "tanh"}, r"own\['Sine'\] must be a hidden activation .* got 'tanh'"),
        (OWN | {"Focal": cr.costs.huber()}, r"own\['Focal'\] must be a cost .* got huber"),
        (OWN | {"Focal": None}, r"own\['Focal'\] must be a cost with value\(...\) and delta"),
        (OWN | {"Sine": WrongSlope()}, r"slope\(z, a\) of WrongSlope\(\) is not the derivative"),
    ],
)
def test_objects_that_do_not_fit_are_refused(path, own, message):
    refused(path, message, own=own)


def test_a_wrong_delta_is_found_at_first_use_as_in_a_new_network(path):
    back = cr.load(path, own=OWN | {"Focal": WrongDelta(2.0)})
    before = carried(back)
    with pytest.raises(ValueError, match=r"delta\(z, a, y\) of WrongDelta\(\) is not"):
        back.fit(X, LABELS)
    assert carried(back) == before


@pytest.mark.parametrize("own", [[Sine()], Sine(), "Sine", 3, {"Sine"}])
def test_own_is_a_dict(path, own):
    with pytest.raises(TypeError, match=r"own must be a dict of objects by name, such as {'Focal'"):
        cr.load(path, own=own)


def test_a_network_without_any_takes_none(tmp_path):
    cr.Network([2, 1], seed=0).save(tmp_path / "net.npz")
    cr.load(tmp_path / "net.npz", own={})
    with pytest.raises(ValueError, match=r"expected no objects of your own .* got also 'Sine'"):
        cr.load(tmp_path / "net.npz", own={"Sine": Sine()})


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"hidden": [{"own": 3}, "tanh"]}, "'hidden' to be a list of names"),
        ({"hidden": [{"own": "Sine", "omega": 2}, "tanh"]}, "'hidden' to be a list of names"),
        ({"hidden": [{"own": "Sine", "name": "elu"}, "tanh"]}, "'hidden' to be a list"),
        ({"cost": {"own": None}}, "'cost' to be a name"),
        ({"cost": {"own": "Sine"}}, "expected own={'Sine': ...} .* got also 'Focal'"),
        ({"cost": {"own": "os.system"}}, "without 'os.system'"),
        ({"cost": {"own": "__class__"}}, "without '__class__'"),
        ({"hidden": ["softmax", "tanh"]}, "got also 'Sine'"),
    ],
)
def test_a_crafted_header_is_refused(path, header, message):
    rewrite(path, header=header)
    refused(path, message, own=OWN)
    refused(path, "cannot be loaded")  # without them, too


def test_a_file_calls_nothing_before_it_is_checked(path):
    """The objects are called once all else is right."""

    class Watched(Sine):
        def value(self, z):
            raise AssertionError("called")

    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="damaged"):
        cr.load(path, own=OWN | {"Sine": Watched()})


def test_the_example_of_load():
    (example,) = doctest.DocTestFinder().find(loading.load, "load", globs={})
    assert doctest.DocTestRunner().run(example) == (0, 7)
