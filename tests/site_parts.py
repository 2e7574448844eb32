"""The modules of docs/site, which are scripts beside each other and no package."""

import importlib.util
import sys
from pathlib import Path

SITE = Path(__file__).parents[1] / "docs" / "site"


def _load(name):
    spec = importlib.util.spec_from_file_location(name, SITE / f"{name}.py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


inner_links = _load("inner_links")
notebooks = _load("notebooks")
public_names = _load("public_names")
build = _load("build")
