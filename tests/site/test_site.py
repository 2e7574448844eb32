"""The parts that the site is made by: notebooks of the lessons, links, and the pages laid out."""

import sys

import pytest

from site_parts import build, inner_links, notebooks

lessons = build.lessons()
PAGE = """# 1. A lesson

Words, [the next](2-sigmoid-neuron.md), [the guide](../training.md), [the web](https://a.b).

```python
print(6 * int(open("seven.csv").read()))
```

```text
42
```

![What it
draws.](pictures/1-a-lesson.png)

The end.
"""


@pytest.fixture
def lesson(tmp_path):
    page = tmp_path / "1-a-lesson.md"
    page.write_text(PAGE, encoding="utf-8")
    (tmp_path / "seven.csv").write_text("7")
    return page


def test_a_lesson_becomes_cells():
    words, code, end = notebooks.cells_of(PAGE, lessons.BLOCK)
    assert words == (
        "markdown",
        "# 1. A lesson\n\nWords, [the next](2-sigmoid-neuron.ipynb), the guide, "
        "[the web](https://a.b).",
    )
    assert code == ("code", 'print(6 * int(open("seven.csv").read()))', "42\n")
    assert end == ("markdown", "The end.")


@pytest.mark.parametrize("page", lessons.NOTEBOOKS, ids=lambda page: page.stem)
def test_every_block_of_a_lesson_becomes_a_cell(page):
    text = page.read_text(encoding="utf-8")
    cells = notebooks.cells_of(text, lessons.BLOCK)
    code = [cell[1:] for cell in cells if cell[0] == "code"]
    blocks = list(lessons.BLOCK.finditer(text))
    assert code == [(block["code"].strip(), block["shown"] or "") for block in blocks]
    assert not any("```" in cell[1] for cell in cells)


def test_a_notebook_runs_and_must_print_what_the_lesson_shows(lesson, tmp_path):
    nbformat = pytest.importorskip("nbformat", reason="needs nbformat, of the extra site")
    pytest.importorskip("nbclient", reason="needs nbclient, of the extra site")
    pytest.importorskip("ipykernel", reason="needs ipykernel, of the extra site")
    path = tmp_path / "site" / "1-a-lesson.ipynb"
    path.parent.mkdir()
    notebooks.write_notebook(lesson, path, lessons)
    made = nbformat.read(path, 4)
    nbformat.validate(made)
    assert notebooks.printed(made.cells[1]) == "42\n"
    lesson.write_text(PAGE.replace("\n42\n", "\n43\n"), encoding="utf-8")
    with pytest.raises(ValueError, match="should print\n43\nbut it printed\n42"):
        notebooks.write_notebook(lesson, path, lessons)


def test_a_first_table_and_the_lessons_are_notebooks(tmp_path):
    pytest.importorskip("nbformat", reason="needs nbformat, of the extra site")
    notebook_pages = [build.DOCS / "first_table.md", *sorted(build.DOCS.glob("lessons/[0-9]*.md"))]
    (tmp_path / "lessons").mkdir()
    for page in notebook_pages:
        (tmp_path / build.pages()[page]).write_text("# Title\n\nWords.\n", encoding="utf-8")
    build.add_notebooks(tmp_path, run=False)
    for page in notebook_pages:
        place = tmp_path / build.pages()[page]
        assert f"[This lesson as a notebook]({place.stem}.ipynb)" in place.read_text("utf-8")
        assert place.with_suffix(".ipynb").is_file()


def test_links_of_a_page_are_fitted_to_its_place(tmp_path):
    page = build.DOCS / "lessons" / "9-any-function.md"
    leads_to = build.pages() | {build.ROOT / "README.md": "index.md"}
    text = (
        "[all](README.md) [guide](../training.md#data) [a](https://b.c/d) [s](../../README.md) "
        "[test](../../tests/conftest.py) [no](nowhere.md) `net.weights[0](x)`"
    )
    found = build.with_links(text, page, "lessons/9-any-function.md", leads_to, tmp_path)
    assert found == (
        "[all](../lessons/README.md) [guide](../training.md#data) [a](https://b.c/d) "
        "[s](../index.md) [test](../files/tests/conftest.py) [no](nowhere.md) `net.weights[0](x)`"
    )
    assert (tmp_path / "files/tests/conftest.py").is_file()


def test_every_page_of_the_docs_is_in_a_table_of_contents():
    """Sphinx says so too, but where it is not installed this does."""
    listed = [
        line
        for page in build.HERE.glob("*.md")
        for part in page.read_text(encoding="utf-8").split("```{toctree}")[1:]
        for line in part.partition("```")[0].splitlines()[1:]
        if line and not line.startswith(":")
    ]
    pages = {place.removesuffix(".md") for place in build.pages().values()} - {"index"}
    missing = sorted(pages - set(listed))
    assert not missing, f"name {missing} in one of tutorial, howto, explanation and reference.md"
    assert {f"reference/{module}" for module in build.MODULES} <= set(listed)
    assert len(set(listed)) == len(listed)


def test_broken_links_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a href="b.html#here">x</a><a href="b.html#gone">x</a><a href="c.html">x</a>'
        '<a href="#top">x</a><img src="p.png"><a href="https://a.b/c">x</a>',
        encoding="utf-8",
    )
    (tmp_path / "b.html").write_text('<h1 id="here">x</h1>', encoding="utf-8")
    assert inner_links.broken_links(tmp_path) == [
        "a.html: b.html#gone", "a.html: c.html", "a.html: p.png",
    ]  # fmt: skip


def test_what_is_missing_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(build.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["build.py", "--folder", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"furo.*not installed. Use pip install '\.\[site\]'"):
        build.main()
