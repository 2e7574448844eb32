"""How Sphinx makes the site of the pages that build.py lays out."""

import re

from pygments.lexers.special import TextLexer

import chainrule

project = "chainrule"
author = "The chainrule developers"
project_copyright = "the chainrule developers"
version = release = chainrule.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
root_doc = "index"
default_role = "py:obj"  # `fit` in a docstring leads to its page where there is one
nitpick_ignore_regex = [("py:.*", ".*")]

myst_heading_anchors = 4  # links to sections, by the names that they have elsewhere
suppress_warnings = ["myst.header"]  # of a page whose tables a script writes, under ### of its own

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say what is given, and its shape
numpydoc_show_class_members = False  # autodoc lists them, each with its docstring

html_theme = "furo"
html_title = "chainrule"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}

linkcheck_timeout = 20
linkcheck_retries = 2


def _is_ours(app, what, name, member, skip, options):
    """Leave out the methods that come from elsewhere: scikit-learn's have their own site."""
    member = getattr(member, "fget", member)
    return skip or not (getattr(member, "__module__", None) or "chainrule").startswith("chainrule")


LITERAL = re.compile(r"(`[^`]*`+)")


def _escape(app, what, name, member, options, lines):
    """Take | and * for what they are: absolute values and products, no marks of reStructuredText.

    Examples, from a line with >>> to the next empty one, stay as they are.
    """
    example = False
    for i, line in enumerate(lines):
        example = line.strip() != "" and (example or line.lstrip().startswith(">>>"))
        if not example:
            parts = LITERAL.split(line)
            parts[::2] = [re.sub(r"([|*])", r"\\\1", part) for part in parts[::2]]
            lines[i] = "".join(parts)


def setup(app):
    """Connect what is above."""
    app.connect("autodoc-skip-member", _is_ours)
    app.connect("autodoc-process-docstring", _escape, priority=100)  # before numpydoc
    app.add_lexer("mermaid", TextLexer)
