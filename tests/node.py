"""JavaScript run by Node: many questions in one process, since its start takes longer than they."""

import json
import shutil
import subprocess

import pytest

ASK = """
import { readFileSync } from "node:fs";
const answers = [];
for (const [file, code] of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  const m = file === null ? null : await import(file);
  try {
    const got = (0, eval)(`(m) => (${code})`)(m);
    answers.push([got !== null && ArrayBuffer.isView(got) ? Array.from(got) : got, null]);
  } catch (error) {
    answers.push([null, `${error.name}: ${error.message}`]);
  }
}
process.stdout.write(JSON.stringify(answers, (_, each) =>
  typeof each === "number" && !Number.isFinite(each) ? String(each) :
  ArrayBuffer.isView(each) ? Array.from(each) : each));
"""


def ask(folder, questions):
    """Return what each question (file or None, code in which m is its module) comes to.

    Returns a list of (value, None), or (None, "TypeError: message") of what it throws.
    """
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node")
    (folder / "ask.mjs").write_text(ASK, "utf-8")
    named = [(None if file is None else f"{file}", code) for file, code in questions]
    (folder / "questions.json").write_text(json.dumps(named), "utf-8")
    done = subprocess.run(
        [node, "ask.mjs", "questions.json"],
        cwd=folder, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [tuple(each) for each in json.loads(done.stdout)]


def values(folder, questions):
    """Return the values of `ask`, none of which may throw."""
    answers = ask(folder, questions)
    for (_, code), (_, error) in zip(questions, answers, strict=True):
        assert error is None, f"{code[:300]} throws {error}"
    return [value for value, _ in answers]
