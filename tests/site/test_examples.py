"""Every public class and function shows an example, which runs as it stands and says the truth."""

import doctest
import importlib

import pytest

from site_parts import public_names

PUBLIC = [each for each in public_names.public_names() if each.kind != "data"]
MODULES = [importlib.import_module(name) for name in public_names.MODULES]


def run_examples(value, name):
    """Run the examples of a docstring, and of those of a class's methods; return how many lines."""
    tried = 0
    for examples in doctest.DocTestFinder().find(value, name, globs={}):
        try:
            result = doctest.DebugRunner().run(examples)
        except doctest.UnexpectedException as error:
            if isinstance(error.exc_info[1], ImportError):  # of a package that is not everywhere
                pytest.skip(f"{examples.name}: {error.exc_info[1]}")
            raise error.exc_info[1] from error
        except doctest.DocTestFailure as error:
            pytest.fail(f"{examples.name}: {error.example.source}printed {error.got!r}")
        tried += result.attempted if result else len(examples.examples)
    return tried


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras
@pytest.mark.parametrize("public", PUBLIC, ids=lambda public: public.path)
def test_a_public_name_shows_an_example_that_runs(public, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, _, section = (public.value.__doc__ or "").partition("Examples\n")
    assert ">>> " in section, f"{public.path} has no section Examples in its docstring"
    assert run_examples(public.value, public.path) > 0


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_examples_of_a_module_run(module):
    examples = doctest.DocTestParser().get_doctest(
        module.__doc__ or "", {}, module.__name__, module.__file__, 0
    )
    printed = []
    failed, _ = doctest.DocTestRunner(verbose=False).run(examples, out=printed.append)
    assert not failed, "".join(printed)


def test_what_is_listed_is_what_there_is():
    paths = [each.path for each in PUBLIC]
    assert len(set(paths)) == len(paths) > 110
    assert {"chainrule.Network", "chainrule.costs.huber", "chainrule.sklearn.SearchCV"} < set(paths)


def test_an_example_that_says_something_else_is_found():
    def wrong():
        """Add.

        >>> 1 + 1
        3
        """

    with pytest.raises(pytest.fail.Exception, match=r"1 \+ 1\nprinted '2"):
        run_examples(wrong, "wrong")
