"""Look at the built site in headless Chromium, from its files and without a net.

    python docs/site/look.py build/site/html

No page may be wider than a phone, or than a window on a desk, and the search has to find things.
It needs `chromium` (Debian's package of that name).
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

WIDTHS = (390, 1280)
FINDS = {"nesterov": "chainrule.SGD", "saturation": "7-learning-slowdown"}
# Each page in a frame of that width, one after another. What reaches beyond the frame, and is in no
# box that scrolls, is told.
MEASURE = """<!DOCTYPE html><body><pre id="told">unfinished</pre><script>
(async () => {
  const wide = [];
  for (const page of %s) for (const width of %s) {
    const frame = document.createElement("iframe");
    frame.style.cssText = `width:${width}px;height:844px;border:0`;
    const loaded = new Promise(done => frame.onload = done);
    frame.src = page;
    document.body.append(frame);
    await loaded;
    const inside = frame.contentWindow;
    const scrolls = e => ["auto", "scroll"].includes(inside.getComputedStyle(e).overflowX);
    const boxed = e => e && (scrolls(e) || boxed(e.parentElement.closest("article *")));
    for (const e of inside.document.querySelectorAll("article *")) {
      const found = Math.round(e.getBoundingClientRect().right);
      if (found > width && !boxed(e)) {
        const text = e.textContent.trim().slice(0, 30);
        wide.push(`${page}: ${e.tagName} ${text} to ${found} at ${width}`);
        break;
      }
    }
    frame.remove();
  }
  document.getElementById("told").textContent = "wide: " + JSON.stringify(wide);
})();
</script></body>"""


def dom(address, *options):
    """Return the page at `address` as it is after its scripts have run."""
    with TemporaryDirectory() as profile:
        command = [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,900",
            f"--user-data-dir={profile}", "--virtual-time-budget=600000", *options, "--dump-dom",
        ]  # fmt: skip
        done = subprocess.run(
            [*command, address], capture_output=True, encoding="utf-8", timeout=300, check=True
        )
    return done.stdout


def too_wide(folder):
    """Return the pages that are wider than a window, with their widths."""
    pages = [path.as_uri() for path in sorted(folder.rglob("*.html"))]
    with TemporaryDirectory() as scratch:
        harness = Path(scratch) / "measure.html"
        harness.write_text(MEASURE % (json.dumps(pages), json.dumps(WIDTHS)), encoding="utf-8")
        told = re.search(
            r'id="told">wide: (.*?)</pre>', dom(harness.as_uri(), "--allow-file-access-from-files")
        )
    if not told:
        sys.exit("Chromium has not come to the end of the pages")
    return json.loads(told[1])


def not_found(folder):
    """Return the words that the search does not lead to their page by."""
    search = (folder / "search.html").as_uri()
    return [word for word, page in FINDS.items() if f"{page}.html" not in dom(f"{search}?q={word}")]


def main():
    """Look, and fail where something is amiss."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder.resolve()
    if shutil.which("chromium") is None:
        sys.exit("chromium is not installed; on Debian: apt-get install chromium")
    amiss = [f"too wide: {page}" for page in too_wide(folder)]
    amiss += [f"the search does not find {word}" for word in not_found(folder)]
    if amiss:
        sys.exit("\n".join(amiss))
    print(f"every page fits {' and '.join(map(str, WIDTHS))} pixels, and the search finds words")


if __name__ == "__main__":
    main()
