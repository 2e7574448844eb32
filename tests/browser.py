"""Pages looked at by headless Chromium: many at once, since its start takes longer than they."""

import html
import json
import re
import shutil
import subprocess

import pytest

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")


def look(folder, questions, width=1200):
    """Return what JavaScript says of each page, as its function body returns it.

    questions: list of (address of a page below `folder`, code that knows `page`, its document, and
    `view`, its window). What it throws fails the test; so does whatever a page itself throws.
    """
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None:
        pytest.skip("needs Chromium")
    frames = "".join(
        f'<iframe src="{address}" width="{width}" height="900"></iframe>'
        for address, _ in questions
    )
    asked = json.dumps([code for _, code in questions]).replace("<", "\\u003c")
    (folder / "all.html").write_text(
        f"""<!DOCTYPE html><meta charset="utf-8"><pre id="out"></pre>{frames}<script>
        onload = () => {{
          document.getElementById("out").textContent = JSON.stringify({asked}.map((code, k) => {{
            const view = document.querySelectorAll("iframe")[k].contentWindow;
            try {{ return [new Function("page", "view", code)(view.document, view), null]; }}
            catch (error) {{ return [null, String(error)]; }}
          }}));
        }};</script>""",
        "utf-8",
    )
    done = subprocess.run(
        [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--allow-file-access-from-files", "--virtual-time-budget=4000", "--dump-dom",
            f"--user-data-dir={folder / 'profile'}", (folder / "all.html").as_uri(),
        ],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    said = re.search(r'<pre id="out">(.*?)</pre>', done.stdout, re.DOTALL)
    assert said is not None, done.stderr[-2000:]
    assert said[1], f"no answer: {done.stderr[-2000:]}"
    answers = json.loads(html.unescape(said[1]))
    for (address, _), (_, error) in zip(questions, answers, strict=True):
        assert error is None, f"{address}: {error}"
    return [value for value, _ in answers]
