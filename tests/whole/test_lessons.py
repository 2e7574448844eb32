"""The lessons and the guide: their code runs, prints what they show, and draws their pictures."""

import importlib.util
import itertools
import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.image import imread

LESSONS = Path(__file__).parents[2] / "docs" / "lessons"
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
    """The files that a page links to, as it names them."""
    found = re.findall(r"\]\((?!http|#)(.*?)\)", page.read_text(encoding="utf-8"))
    return [target.partition("#")[0] for target in found]


def pictures_of(page):
    return [Path(target).name for target in links(page) if target.startswith("pictures/")]


def assert_a_picture(path):
    pixels = imread(path)[..., :3]
    assert pixels.shape[1] > pixels.shape[0] > 300
    ink = pixels.min(axis=2) < 0.9
    assert 0.01 < ink.mean() < 0.6  # neither blank nor filled
    for half in (*np.array_split(ink, 2, axis=0), *np.array_split(ink, 2, axis=1)):
        assert half.mean() > 0.005


def test_page_prints_what_it_shows_and_draws_its_pictures(page, tmp_path, drawing):
    lessons.run(page, tmp_path)
    drawn = sorted(tmp_path.glob("*.png"))
    assert [picture.name for picture in drawn] == sorted(pictures_of(page))
    assert drawn or page.parent != LESSONS  # a lesson has pictures; a page of the guide may
    for picture in drawn:
        assert_a_picture(picture)
        kept = page.parent / "pictures" / picture.name
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
    assert all((page.parent / target).is_file() for target in links(page))


def test_each_lesson_leads_to_the_next():
    order = [*lessons.LESSONS, LESSONS / "README.md"]
    for page, following in itertools.pairwise(order):
        assert following.name in links(page)


def test_index_and_pictures_are_those_of_the_pages():
    names = [page.name for page in lessons.LESSONS]
    assert len(names) == 9
    assert links(LESSONS / "README.md") == names
    assert [pictures_of(page) for page in lessons.LESSONS] == [
        [f"{page.stem}.png"] for page in lessons.LESSONS
    ]
    for folder in (LESSONS, LESSONS.parent):
        pictures = [name for page in folder.glob("*.md") for name in pictures_of(page)]
        assert {path.name for path in (folder / "pictures").iterdir()} == set(pictures)


README, OVERVIEW = LESSONS.parents[1] / "README.md", LESSONS.parent / "overview.md"
COURSE = LESSONS.parent / "course.md"
PARTS = "onnx", "c", "js", "tools"
ONNX, C, JS, TOOLS = (LESSONS.parent / f"convert-{part}.md" for part in PARTS)


@pytest.mark.parametrize(
    ("page", "left", "linked"),
    [
        (README, set(), {"docs/training.md", "docs/features.md", "docs/overview.md"}),
        (OVERVIEW, {"digits.csv", "digits.npz"}, {"training.md", "features.md", "course.md"}),
        (COURSE, set(), {"book.md"}),
        (LESSONS.parent / "convert.md", set(), {ONNX.name, C.name, JS.name, TOOLS.name}),
        (ONNX, set(), set()),
        (C, set(), set()),
        (JS, {"flats.mjs", "flats.html"}, {"tables.md"}),
        (TOOLS, {"net.safetensors"}, set()),
    ],
    ids=lambda page: getattr(page, "stem", ""),
)
def test_a_page_s_code_runs_and_its_links_lead_somewhere(page, left, linked, tmp_path, drawing):
    lessons.run(page, tmp_path)
    assert left <= {path.name for path in tmp_path.iterdir()}
    targets = links(page)
    assert linked <= set(targets)
    assert all((page.parent / target).exists() for target in targets if target)


def test_the_readme_opens_with_a_picture_and_is_short():
    text = README.read_text(encoding="utf-8")
    assert text.startswith("# chainrule\n\n![")
    assert len(text.splitlines()) < 80
    picture = README.parent / next(target for target in links(README) if "pictures/" in target)
    assert picture.stat().st_size < LARGEST
    assert_a_picture(picture)


def rows_of_the_course():
    """Topic, code in backticks and linked pages of each row of the course's table."""
    _, _, table = COURSE.read_text(encoding="utf-8").partition("| of the course |")
    table, _, _ = table.partition("\n\n")
    for line in table.splitlines()[2:]:
        topic, code, shown = (cell.strip() for cell in line.strip("|").split("|"))
        yield topic, re.findall("`(.*?)`", code), re.findall(r"\((lessons/.*?)\)", shown)


@pytest.mark.parametrize(
    ("topic", "snippets", "pages"), [pytest.param(*row, id=row[0]) for row in rows_of_the_course()]
)
def test_the_course_names_pages_that_show_what_it_names(topic, snippets, pages):
    """Every name of the package, and every option and its value, stands on the linked pages."""
    texts = [(COURSE.parent / page).read_text(encoding="utf-8") for page in pages]
    words = [set(re.findall(r"\w+", text)) for text in texts]
    names = {name for code in snippets for name in re.findall(r"[a-z]\w{2,}|bp\d", code, re.I)}
    assert names
    assert not names - set().union(*words)
    specific = names - {"net", "print", "fit", "Network", "record", "layers"}
    assert all(specific & of_page for of_page in words)


def test_the_course_s_table_has_every_lesson():
    linked = {Path(page).name for _, _, pages in rows_of_the_course() for page in pages}
    assert linked == {page.name for page in lessons.LESSONS}


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
