"""The lessons: each page's code runs, prints what the page shows, and draws the page's picture."""

import importlib.util
import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.image import imread

LESSONS = Path(__file__).parents[1] / "docs" / "lessons"
SPEC = importlib.util.spec_from_file_location("lessons", LESSONS / "run.py")
lessons = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(lessons)

LARGEST = 60_000  # bytes of a picture kept with its page


@pytest.fixture
def drawing():
    """Draw to files, in matplotlib's own style, and close what was drawn."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        pyplot.switch_backend("agg")
        yield
        pyplot.close("all")


@pytest.fixture(params=lessons.PAGES, ids=lambda page: page.stem)
def page(request):
    return request.param


def links(page):
    return re.findall(r"\]\((?!http)(.*?)\)", page.read_text(encoding="utf-8"))


def assert_a_picture(path):
    pixels = imread(path)[..., :3]
    assert pixels.shape[1] > pixels.shape[0] > 300
    ink = pixels.min(axis=2) < 0.9
    assert 0.01 < ink.mean() < 0.6  # neither blank nor filled
    for half in (*np.array_split(ink, 2, axis=0), *np.array_split(ink, 2, axis=1)):
        assert half.mean() > 0.005


def test_page_prints_what_it_shows_and_draws_its_picture(page, tmp_path, drawing):
    lessons.run(page, tmp_path)
    (picture,) = tmp_path.iterdir()
    assert f"pictures/{picture.name}" in links(page)
    assert picture.stem == page.stem
    assert_a_picture(picture)
    kept = LESSONS / "pictures" / picture.name
    assert imread(kept).shape[:2] == imread(picture).shape[:2]
    assert_a_picture(kept)
    assert kept.stat().st_size < LARGEST


def test_every_block_is_code_or_its_output(page):
    text = page.read_text(encoding="utf-8")
    blocks = list(lessons.BLOCK.finditer(text))
    assert len(re.findall("^```", text, re.MULTILINE)) == sum(
        4 if block["shown"] else 2 for block in blocks
    )
    assert any(block["shown"] for block in blocks)


def test_links_lead_somewhere(page):
    targets = links(page)
    assert all((LESSONS / target).is_file() for target in targets)
    order = [*lessons.PAGES, LESSONS / "README.md"]
    assert order[order.index(page) + 1].name in targets


def test_index_and_pictures_are_those_of_the_pages():
    names = [page.name for page in lessons.PAGES]
    assert len(names) == 9
    assert links(LESSONS / "README.md") == names
    pictures = sorted(path.stem for path in (LESSONS / "pictures").iterdir())
    assert pictures == [page.stem for page in lessons.PAGES]


def write(folder, text):
    page = folder / "1-page.md"
    page.write_text(text, encoding="utf-8")
    return page


def test_output_that_is_not_shown_is_refused(tmp_path):
    page = write(tmp_path, "# Page\n\n```python\nprint(1 + 1)\n```\n")
    with pytest.raises(ValueError, match=r"line 3 should print\nbut it printed\n2"):
        lessons.run(page, tmp_path)


@pytest.mark.parametrize("shown", ["3", "2\n2", "2 "])
def test_output_other_than_shown_is_refused(shown, tmp_path):
    page = write(tmp_path, f"```python\nprint(1 + 1)\n```\n\n```text\n{shown}\n```\n")
    with pytest.raises(ValueError, match=r"but it printed\n2\n$"):
        lessons.run(page, tmp_path)


def test_blocks_share_names_and_errors_give_the_line_of_the_page(tmp_path):
    page = write(tmp_path, "```python\nx = 1\n```\n\n```python\nx += 1\nassert x == 1\n```\n")
    with pytest.raises(AssertionError) as raised:
        lessons.run(page, tmp_path)
    assert raised.traceback[-1].path == page
    assert raised.traceback[-1].lineno + 1 == 7
