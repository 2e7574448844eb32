"""docs/command.md: its commands run in their order, and print what it shows, but for numbers."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from matplotlib.image import imread

from chainrule.__main__ import main

pytest.importorskip("pandas", reason="the command line reads tables by pandas")

PAGE = Path(__file__).parents[2] / "docs" / "command.md"
BLOCK = re.compile(
    r"^```sh\n(?P<code>.*?)^```$(\n+^```text\n(?P<shown>.*?)^```$)?", re.MULTILINE | re.DOTALL
)
NUMBER = r"\d[\d,.]*"
FIGURE = re.compile(r"^(accuracy|R²) +([\d.]+)", re.MULTILINE)


def masked(text):
    """Text with # for numbers, whose last digits, or time, hang by the machine."""
    return re.sub(r" +", " ", re.sub(NUMBER, "#", text))


def printed(code, capfdbinary):
    """Return what the commands print, on both streams; a table of a progress is not told."""
    told = ""
    for line in code.splitlines():
        command, *arguments = shlex.split(line)
        if command == "chainrule":
            main(arguments)
        else:
            subprocess.run([command, *arguments], check=True)
        out, err = capfdbinary.readouterr()
        told += out.decode()
        told += "".join(f"{each}\n" for each in err.decode().splitlines() if "chainrule:" in each)
    return told


@pytest.mark.skipif(shutil.which("head") is None, reason="there is no head")
def test_the_page_s_commands_print_what_it_shows(tmp_path, monkeypatch, capfdbinary):
    monkeypatch.chdir(tmp_path)
    shutil.copy(PAGE.parent / "penguins.csv", tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    assert len(re.findall("^```", text, re.MULTILINE)) == 4 * len(blocks)
    for block in blocks:
        found = printed(block["code"], capfdbinary)
        assert masked(found) == masked(block["shown"]), block["code"]
        figures = [
            {name: float(each) for name, each in FIGURE.findall(given)}
            for given in (found, block["shown"])
        ]
        assert figures[0] == pytest.approx(figures[1], rel=0.05)
    kept = PAGE.parent / "pictures" / "command.png"
    assert imread(kept).shape[:2] == imread("command.png").shape[:2]
    for picture in (kept, tmp_path / "command.png"):
        ink = imread(picture)[..., :3].min(axis=2) < 0.9
        assert 0.01 < ink.mean() < 0.6
    assert kept.stat().st_size < 60_000


def test_links_lead_somewhere():
    targets = re.findall(r"\]\((?!http|#)(.*?)\)", PAGE.read_text(encoding="utf-8"))
    assert {"penguins.csv", "pictures/command.png"} <= set(targets)
    assert all((PAGE.parent / target).is_file() for target in targets)
