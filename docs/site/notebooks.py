"""The lessons as notebooks: made of their Markdown, which stays the one source, and run.

A ```python block becomes a cell of code; the ```text block below it is what the cell must print.
The picture that a cell saves stands in the notebook where the cell draws it.
"""

import re
from tempfile import TemporaryDirectory

LESSON = re.compile(r"[0-9]-[\w-]+")
PICTURE = re.compile(r"^!\[.*?\]\(pictures/.*?\)\n", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?!http|#)(?P<page>.*?)\)")


def _link(match):
    """Lead a link to another lesson to its notebook; elsewhere there is none to lead to."""
    stem = match["page"].removesuffix(".md")
    return f"[{match['text']}]({stem}.ipynb)" if LESSON.fullmatch(stem) else match["text"]


def cells_of(text, block):
    """Return the cells of a lesson: ("markdown", text) and ("code", code, what it prints).

    Parameters
    ----------
    text : str
        Of the page.
    block : re.Pattern
        Of a block of code and of what it prints, as docs/lessons/run.py has it.
    """
    cells, start = [], 0
    for found in [*block.finditer(text), None]:
        between = text[start : found.start() if found else len(text)]
        if words := LINK.sub(_link, PICTURE.sub("", between)).strip():
            cells.append(("markdown", words))
        if found:
            cells.append(("code", found["code"].strip(), found["shown"] or ""))
            start = found.end()
    return cells


def notebook_of(cells):
    """Return the notebook of these cells, not yet run."""
    from nbformat import v4

    made = [
        v4.new_markdown_cell(cell[1], id=f"cell-{i}")
        if cell[0] == "markdown"
        else v4.new_code_cell(cell[1], id=f"cell-{i}")
        for i, cell in enumerate(cells)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return v4.new_notebook(cells=made, metadata={"kernelspec": kernel})


def run_cells(notebook, cells, page, copy_tables):
    """Run a notebook; its cells get what they print and draw.

    What it reads, `copy_tables(page, folder)` puts where it runs.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell raises.
    ValueError
        If one prints anything else than is shown in `cells`, of which it was made.
    """
    from nbclient import NotebookClient

    with TemporaryDirectory() as folder:  # for the pictures that the lesson saves
        copy_tables(page, folder)
        where = {"metadata": {"path": folder}}
        quiet = ["--log-level=ERROR"]
        NotebookClient(notebook, timeout=120, resources=where, extra_arguments=quiet).execute()
    for cell, (kind, _, *shown) in zip(notebook.cells, cells, strict=True):
        if kind == "code" and printed(cell) != shown[0]:
            raise ValueError(f"a cell should print\n{shown[0]}but it printed\n{printed(cell)}")


def printed(cell):
    """Return what a cell that has run has printed."""
    streams = [out for out in cell.outputs if out.output_type == "stream"]
    return "".join(out.text for out in streams if out.name == "stdout")


def write_notebook(lesson, path, known, run=True):
    """Make the notebook of a lesson's page, run it unless told not to, and write it to `path`.

    `known` is docs/lessons/run.py.
    """
    import nbformat

    cells = cells_of(lesson.read_text(encoding="utf-8"), known.BLOCK)
    notebook = notebook_of(cells)
    if run:
        run_cells(notebook, cells, lesson, known.copy_tables)
    nbformat.write(notebook, path)
