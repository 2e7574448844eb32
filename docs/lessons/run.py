"""Run the lessons and the guide: check that they print what they show, and draw their pictures.

A page's code is its ```python blocks, run from top to bottom in one namespace. What a block prints
stands in the ```text block right below it.

    python docs/lessons/run.py [3-feedforward training ...]
"""

import io
import re
import shutil
import sys
from contextlib import chdir, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
LESSONS = sorted(HERE.glob("[0-9]*.md"))
NOTEBOOKS = [HERE.parent / "first_table.md", *LESSONS]  # the pages that are notebooks, too
GUIDE = "training", "tables", "first_table", "tabular", "loops", "many"
PAGES = [*LESSONS, *(HERE.parent / f"{name}.md" for name in GUIDE)]
BLOCK = re.compile(
    r"^```python\n(?P<code>.*?)^```$(\n+^```text\n(?P<shown>.*?)^```$)?", re.MULTILINE | re.DOTALL
)


def run(page, folder, namespace=None):
    """Run the code of `page` in `folder`, where it leaves its pictures, and other files if any.

    Tables (.csv) that stand beside the page are there, too. Its names come into `namespace`.

    Raises
    ------
    ValueError
        If a block prints anything else than the page shows. What its code raises passes through.
    """
    text = page.read_text(encoding="utf-8")
    namespace = {} if namespace is None else namespace
    namespace["__name__"] = page.stem
    copy_tables(page, folder)
    for block in BLOCK.finditer(text):
        # The empty lines make a traceback give the line of the page.
        code = "\n" * text.count("\n", 0, block.start("code")) + block["code"]
        printed = io.StringIO()
        with chdir(folder), redirect_stdout(printed):
            exec(compile(code, page, "exec"), namespace)
        shown = block["shown"] or ""
        if printed.getvalue() != shown:
            line = 1 + text.count("\n", 0, block.start())
            raise ValueError(
                f"{page.name}: the block at line {line} should print\n{shown}"
                f"but it printed\n{printed.getvalue()}"
            )


def copy_tables(page, folder):
    """Copy the tables (.csv) that stand beside a page, for its code to read."""
    for table in page.parent.glob("*.csv"):
        shutil.copy(table, folder)


def keep(drawn, folder):
    """Write the picture `drawn` into `folder` in 64 colors, a third of its bytes."""
    from PIL import Image

    with Image.open(drawn) as image:
        few = image.convert("RGB").quantize(64, dither=Image.Dither.NONE)
    few.save(folder / drawn.name, optimize=True)


def main(names):
    """Run the named pages, or all, and leave their pictures in the folder pictures beside them."""
    import matplotlib

    matplotlib.use("agg")  # to files, not to a screen
    for page in PAGES:
        if not names or page.stem in names:
            with TemporaryDirectory() as folder:
                run(page, folder)
                for drawn in Path(folder).glob("*.png"):
                    keep(drawn, page.parent / "pictures")
            print(page.name)


if __name__ == "__main__":
    main(sys.argv[1:])
