"""Build the site: every page of docs/, the reference, and the lessons as notebooks.

    python docs/site/build.py [--folder build/site] [--outer]

It lays the pages out in FOLDER/pages, with links that fit there, and builds FOLDER/html with
warnings as errors; then it looks whether each link between the pages leads somewhere. With --outer
it asks the web for the others, too. It needs `pip install '.[site]'`.
"""

import argparse
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

from inner_links import broken_links
from notebooks import write_notebook
from public_names import MODULES, names_of

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DOCS = ROOT / "docs"
LINK = re.compile(r"(?<=\]\()(?P<path>[^)#\s:]+)")
BESIDE = {  # pages that stand elsewhere, and what they are called in the site
    ROOT / "CONTRIBUTING.md": "contributing.md",
    ROOT / "CHANGELOG.md": "changelog.md",
    ROOT / "bench/README.md": "measuring.md",
}


def pages():
    """Return where each page of the site stands here, and its path in the site."""
    of_docs = [*DOCS.glob("*.md"), *(DOCS / "lessons").glob("*.md")]
    found = {page: page.relative_to(DOCS).as_posix() for page in sorted(of_docs)}
    found |= {page: page.name for page in sorted(HERE.glob("*.md"))}
    return found | BESIDE


def lay_out(folder):
    """Write all pages into `folder`, with what they show and link to."""
    placed = pages()
    leads_to = placed | {ROOT / "README.md": "index.md"}  # whose place the first page takes
    for page, place in placed.items():
        text = page.read_text(encoding="utf-8")
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(with_links(text, page, place, leads_to, folder), encoding="utf-8")
    shutil.copytree(HERE / "_static", folder / "_static")
    for name, module in zip(MODULES, map(names_of, MODULES), strict=True):
        write_reference(folder / "reference", name, module)


def with_links(text, page, place, leads_to, folder):
    """Return the text of a page with links that fit its place in the site.

    A link to another page leads to that; one to a file of the source, to a copy of it. What is no
    file is left to Sphinx, which warns of a link that leads nowhere.
    """
    up = "../" * place.count("/")

    def fit(link):
        target = (page.parent / link["path"]).resolve()
        if target in leads_to:
            return up + leads_to[target]
        if not target.is_file():
            return link["path"]
        copy = Path("files") / target.relative_to(ROOT)
        (folder / copy).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(target, folder / copy)
        return up + copy.as_posix()

    return LINK.sub(fit, text)


def write_reference(folder, module, names):
    """Write the page of a module, and that of each of its public names."""
    folder.mkdir(exist_ok=True)
    taken, entries = set(), []
    for public in names:
        # File systems without capitals would take `Paths` for `paths`.
        page = f"{public.path}-{public.kind}" if public.name.lower() in taken else public.path
        taken.add(public.name.lower())
        members = ["   :members:", "   :inherited-members:"] if public.kind == "class" else []
        directive = f".. auto{public.kind}:: {public.path}"
        write_rst(folder / f"{page}.rst", public.name, [directive, *members])
        entries.append(f"   {public.name} <{page}>")
    toctree = [".. toctree::", "   :maxdepth: 1", "", *entries] if entries else []
    write_rst(folder / f"{module}.rst", module, [f".. automodule:: {module}", "", *toctree])


def write_rst(path, title, lines):
    """Write a page in reStructuredText."""
    path.write_text("\n".join([title, "=" * len(title), "", *lines, ""]), encoding="utf-8")


def lessons():
    """Return docs/lessons/run.py, which knows the lessons and what their blocks are."""
    spec = importlib.util.spec_from_file_location("lessons", DOCS / "lessons" / "run.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def add_notebooks(folder, run):
    """Write each lesson as a notebook, run or not, and a link to it into its page."""
    known, placed = lessons(), pages()
    for lesson in known.NOTEBOOKS:
        page = folder / placed[lesson]
        notebook = page.with_suffix(".ipynb")
        write_notebook(lesson, notebook, known, run=run)
        title, text = page.read_text(encoding="utf-8").split("\n", 1)
        link = f"[This lesson as a notebook]({notebook.name})"
        page.write_text(f"{title}\n\n{link}\n{text}", encoding="utf-8")


def sphinx(builder, pages, out):
    """Run one of Sphinx's builders, with warnings as errors."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-j", "auto"]
    subprocess.run([*command, "-b", builder, "-c", HERE, pages, out], check=True)


def main():
    """Build it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "site")
    parser.add_argument("--quick", action="store_true", help="leave the notebooks as not yet run")
    parser.add_argument("--outer", action="store_true", help="ask the web for outer links, too")
    options = parser.parse_args()
    needed = ("sphinx", "furo", "myst_parser", "numpydoc", "nbclient", "ipykernel")
    if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
        sys.exit(f"{', '.join(missing)}: not installed. Use pip install '.[site]'")
    laid_out, html = options.folder / "pages", options.folder / "html"
    for folder in (laid_out, html):
        shutil.rmtree(folder, ignore_errors=True)
    lay_out(laid_out)
    add_notebooks(laid_out, run=not options.quick)
    sphinx("html", laid_out, html)
    if broken := broken_links(html):
        sys.exit("\n".join(["these links lead nowhere:", *broken]))
    if options.outer:
        sphinx("linkcheck", laid_out, options.folder / "outer")
    print(f"{html / 'index.html'} is the first page")


if __name__ == "__main__":
    main()
