"""What the scripts write: numbers, tables, pages and JSON."""

import json

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def four_digits(value):
    """The number with four digits of weight, and without an exponent."""
    return f"{float(f'{value:.4g}'):,.10g}"


def table(head, rows):
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def halves(path):
    """What a page holds before and after the place of the report, which two comments enclose."""
    if not path.exists():
        return "", "\n"
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{path} should hold the lines {BEGIN} and {END}")
    return before, after


def write_page(path, text):
    """Put the text into its place on the page, or into a new page; None: nowhere."""
    if path is not None:
        before, after = halves(path)
        whole = f"{before}{BEGIN}\n\n{text.strip()}\n\n{END}{after}"
        path.write_text(whole, encoding="utf-8")


def write_json(path, about, **results):
    """Write the machine and the results into the file; None: nowhere."""
    if path is not None:
        path.write_text(json.dumps({"about": about} | results, indent=1) + "\n")


def write_picture(path, figure):
    """Draw a figure of matplotlib into a PNG of 64 colors, a third of its bytes."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    image.quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)
