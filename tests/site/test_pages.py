"""The pages of the site: their code runs, row by row, and they say what the messages say."""

import re

import matplotlib
import pytest
from matplotlib import pyplot

from chainrule.checks import other_tools
from site_parts import SITE, build

lessons = build.lessons()
TABLES = [
    words
    for name, words in vars(other_tools).items()
    if name.startswith("OF_") and isinstance(words, dict)
]


def rows(page):
    """(what others write, what is written here) of each row of a page's tables."""
    for line in (SITE / page).read_text(encoding="utf-8").splitlines():
        if re.match(r"\| (?!---)", line):
            left, right = (cell.strip() for cell in line.strip("|").split(" | "))
            if "`" in right:
                yield left, re.findall("`(.*?)`", right)


def all_rows():
    for page in ("cheatsheet.md", "coming_from.md"):
        for left, code in rows(page):
            yield pytest.param(page, left, code, id=f"{page}: {left}")


@pytest.fixture(scope="module")
def names_of(tmp_path_factory):
    """The names that the blocks of a page have made, once for each page."""
    kept = {}

    def find(page):
        if page not in kept:
            namespace = kept[page] = {}
            lessons.run(SITE / page, tmp_path_factory.mktemp("page"), namespace)
        return kept[page]

    with matplotlib.rc_context():
        pyplot.switch_backend("agg")
        yield find
        pyplot.close("all")


@pytest.mark.parametrize(("page", "left", "code"), list(all_rows()))
def test_what_a_row_says_runs(page, left, code, names_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = names_of(page)
    net = given["net"].copy()
    namespace = given | {"net": net, "history": net.fit(given["X"], given["y"], epochs=1)}
    for each in code:
        exec(compile(each, f"{page}: {left}", "exec"), namespace)


def words_of(text):
    return set(re.findall(r"net\(X\)|\w+", text))


@pytest.mark.parametrize(("left", "code"), list(rows("coming_from.md")))
def test_a_row_says_what_a_message_says(left, code):
    """Of words that the package knows from elsewhere, a message names what the row names."""
    here = words_of(" ".join(code)) - {"X", "y", "net", "cr"}
    told = [table[word] for word in words_of(left) for table in TABLES if word in table]
    assert not told or any(words_of(message) & here for message in told), told


def test_the_tables_know_words_of_the_rows():
    known = set().union(*TABLES)
    words = {w for left, _ in rows("coming_from.md") for w in re.findall(r"\w+", left)} & known
    assert len(words) > 30


@pytest.mark.parametrize("page", ["index.md", "cheatsheet.md", "coming_from.md"])
def test_the_code_of_a_page_prints_what_it_shows(page, tmp_path):
    lessons.run(SITE / page, tmp_path)
