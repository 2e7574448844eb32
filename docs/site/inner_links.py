"""Whether the links between the pages of a built site lead somewhere."""

from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _Page(HTMLParser):
    """What a page links to, and the names of its places."""

    def __init__(self):
        super().__init__()
        self.links, self.places = [], {"", "top"}

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src") and value:
                self.links.append(value)
            elif name in ("id", "name") and value:
                self.places.add(value)


@cache
def _read(path):
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def broken_links(folder):
    """Return what each page of `folder` links to in vain: another page, a file, or a place in one.

    Returns
    -------
    list of str
        "page: link", sorted.
    """
    broken = []
    for path in sorted(Path(folder).rglob("*.html")):
        for link in _read(path).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            there = target.is_file()
            if there and parts.fragment and target.suffix == ".html":
                there = unquote(parts.fragment) in _read(target).places
            if not there:
                broken.append(f"{path.relative_to(folder)}: {link}")
    return broken
