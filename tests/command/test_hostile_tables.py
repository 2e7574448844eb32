"""Files that are no good tables, and columns that do not fit: refused in one line that says why."""

import codecs

import numpy as np
import pytest

import chainrule as cr
from chainrule.__main__ import main
from chainrule.command import reading
from tables_in_files import FAST, PENGUINS, refused, run, write

pandas = pytest.importorskip("pandas", reason="the command line reads tables by pandas")
pytest.importorskip("sklearn", reason="estimators of tables need scikit-learn")

ROWS = "".join(f"{k},{'ab'[k % 2]},{['no', 'yes'][k % 2]}\n" for k in range(40))
GOOD = f"x,word,y\n{ROWS}"
NUL = b"x,word,y\n1,a\0b,no\n"

# What is in the file, and what the message has.
NO_TABLES = {
    "nothing": ("", ["t.csv is empty", "names of the columns"]),
    "an empty line first": (f"\n{GOOD}", ["begins with an empty line"]),
    "a row with a field less": (
        GOOD.replace("7,b,yes\n", "7,yes\n"), ["line 9", "expected 3", "got 2"],
    ),
    "a row with a field more": (f"{GOOD}1,a,no,\n", ["line 42", "expected 3", "got 4"]),
    "rows all with a field more": (
        "x,word,y\n" + ROWS.replace("\n", ",\n"), ["line 2", "expected 3", "got 4"],
    ),
    "a row more behind quoted lines": ('x,word,y\n1,"a\n\nb",no\n2,3\n', ["line 5", "got 2"]),
    "Latin-1": (
        GOOD.replace("7,b,", "7,größe,").encode("latin-1"),
        ["line 9", "byte 0xf6", f"the {GOOD.index('7,b,') + 5}. of the file", "--encoding cp1252"],
    ),
    "Latin-1 after a mark of UTF-8": (
        codecs.BOM_UTF8 + "x,word,y\n1,ö,no\n".encode("latin-1"),
        ["byte 0xf6, the 15. of the file"],
    ),
    "UTF-16": (GOOD.encode("utf-16"), ["text in UTF-16"]),
    "a workbook": (b"PK\x03\x04" + b"\0" * 90, ["workbook of Excel"]),
    "gzip": (b"\x1f\x8b" + b"\0" * 90, ["compressed"]),
    "a byte 0": (NUL, ["line 2", "byte 0"]),
    "two columns of a name": (GOOD.replace("word", "x", 1), ["more than one column is called 'x'"]),
    "numbers as names": ("1,2.5,3\n4,5,6\n", ["line 1", "--no-header"]),
    "a quote that never closes": (f'{GOOD}1,"a,no\n2,b,yes\n', ["line 42", "never closed"]),
    "text behind a quote": (f'{GOOD}1,"a"b,no\n', ["line 42", "closing quotation mark"]),
    "lines of an old Macintosh": (GOOD.replace("\n", "\r"), ["CR"]),
    "a line without an end": ("x,word,y\n" + "7" * (1 << 24), ["line 2", "longer than"]),
    "a field without an end": ('x,word,y\n1,"' + "a\n" * 90_000, ["line 2", "quotation mark"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def model_of_good(tmp_path_factory):
    """The bytes of a model that has learned from it."""
    data, model = (tmp_path_factory.mktemp("good") / name for name in ("t.csv", "m.npz"))
    write(data, GOOD)
    assert main(["train", str(data), "--target", "y", "-o", str(model), *FAST]) == 0
    return model.read_bytes()


@pytest.mark.parametrize("name", NO_TABLES)
def test_what_is_no_table(name, model_of_good, here, capsysbinary):
    content, parts = NO_TABLES[name]
    write("t.csv", content)
    said = refused(capsysbinary, "train", "t.csv", "--target", "y", "-o", "m.npz")
    assert all(part in said for part in [*parts, "t.csv"]), said
    # A row that is wrong is so in a piece, too, and what was written before it is taken back.
    write("model.npz", model_of_good)
    assert refused(capsysbinary, "predict", "model.npz", "t.csv", "-o", "out.csv") == said
    assert sorted(path.name for path in here.iterdir()) == ["model.npz", "t.csv"]


@pytest.mark.parametrize("content", ["x,word,y", "x,word,y\n", "x,word,y\n\n\n"])
def test_names_without_rows(content, model_of_good, here, capsysbinary):
    write("t.csv", content)
    assert "no rows below" in refused(
        capsysbinary, "train", "t.csv", "--target", "y", "-o", "m.npz"
    )
    write("m.npz", model_of_good)
    assert run(capsysbinary, "predict", "m.npz", "t.csv", "--keep", "y") == "y,prediction\n"
    assert "no row with a target" in refused(capsysbinary, "evaluate", "m.npz", "t.csv")


# Options of train, and what the message has; the file is GOOD with a replacement.
NOT_TO_LEARN = {
    "no such target": ([], ["--target", "Y"], ["no column 'Y'", "Did you mean 'y'?", "x, word, y"]),
    "no such column to drop": ([], ["--drop", "wrod"], ["'wrod' to drop", "Did you mean 'word'?"]),
    "no such category": ([], ["--categorical", "z"], ["no column 'z' to be categories"]),
    "the target dropped": ([], ["--drop", "y"], ["--drop y: that is the target"]),
    "the target as category": ([], ["--categorical", "y"], ["that is the target"]),
    "both at once": ([], ["--drop", "x", "--categorical", "x"], ["both dropped and categorical"]),
    "all dropped": ([], ["--drop", "x", "word"], ["no column besides the target 'y'"]),
    "one answer alone": ([("yes", "no")], [], ["'no' in all rows", "nothing to learn"]),
    "no answer": ([("yes", ""), ("no", "")], [], ["column 'y' of t.csv is empty"]),
    "ids as target": ([], ["--target", "x", "--task", "classes", "--drop", "word"], []),
    "fractions as classes": (
        [("no", "0.5"), ("yes", "2")], ["--task", "classes"], ["not whole, such as 0.5"],
    ),
    "an infinite number": ([("\n7,b", "\ninf,b")], [], ["line 9", "'x' must be finite"]),
    "numbers of a decimal comma": (
        [(f"\n{k},", f'\n"{k},5",') for k in range(40)], [], ["decimal comma", "--decimal ,"],
    ),
    "an encoding that there is not": ([], ["--encoding", "utf-9"], ["unknown encoding 'utf-9'"]),
    "an encoding of two bytes": ([], ["--encoding", "utf-16"], ["files in utf-16 are not read"]),
    "a folder that there is not": ([], ["-o", "no/m.npz"], ["no such folder", "no/m.npz"]),
    "a picture in none": ([], ["--picture", "no/p.png"], ["no such folder", "no/p.png"]),
    "the model in the table's place": ([], ["-o", "./t.csv"], ["in the place of t.csv"]),
    "stdin to be tried on": ([], ["--validation", "-"], ["not stdin"]),
    "a picture of no kind": ([], ["--picture", "p.bmp"], [".png, .svg, .pdf", "'p.bmp'"]),
    "a file of rows that there is not": ([], ["--validation", "no.csv"], ["no.csv"]),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_TO_LEARN)
def test_what_cannot_be_learned(name, here, capsysbinary):
    changes, options, parts = NOT_TO_LEARN[name]
    content = GOOD
    for old, new in changes:
        assert old in content
        content = content.replace(old, new)
    write("t.csv", content)
    given = ["--target", "y", "-o", "m.npz", *options]  # of two the last one counts
    if name == "ids as target":
        write("t.csv", "x,a,y\n" + "".join(f"{k},{k % 7},{k}\n" for k in range(90)))
        parts = ["90 different values in 90 rows", "--task values"]
        given[given.index("--drop") + 1] = "y"
    said = refused(capsysbinary, "train", "t.csv", *given)
    assert all(part in said for part in parts), said
    assert [path.name for path in here.iterdir()] == ["t.csv"]


BAD_OPTIONS = [
    (["--validation", "1"], "a part from 0 to below 1"),
    (["--validation", "-0.1"], "a part from 0 to below 1"),
    (["--validation", "nan"], "a part from 0 to below 1"),
    (["--seed", "-1"], "a whole number below"),
    (["--seed", "4294967296"], "a whole number below"),
    (["--threads", "0"], "a whole number above 0"),
    (["--time-limit", "0"], "a number of seconds above 0"),
    (["--time-limit", "inf"], "a number of seconds above 0"),
    (["--preset", "slow"], "invalid choice: 'slow'"),
    (["--separator", ",,"], "expected one character"),
    (["--separator", '"'], "expected one character"),
]


@pytest.mark.parametrize(("options", "part"), BAD_OPTIONS)
def test_options_that_do_not_fit(options, part, capsys):
    name, value = options
    with pytest.raises(SystemExit) as stopped:
        main(["train", "t.csv", "--target", "y", "-o", "m.npz", f"{name}={value}"])
    assert stopped.value.code == 2
    assert part in capsys.readouterr().err


# ---------------------------------------------------------------- rows that do not fit a model

# A row of the penguins, in place of one, and what the message has besides its line.
ROW = "Adelie,Dream,{},17,180,3700,male,{}"
WRONG_ROWS = {
    "a word": (ROW.format("many", 2007), "'bill_length_mm' must hold numbers; it is 'many'"),
    "an infinite number": (ROW.format("inf", 2007), "'bill_length_mm' must be finite"),
    "a number beyond all": (ROW.format("1e999", 2007), "'bill_length_mm' must be finite"),
    "a date": (ROW.format(39, "2024-01-01"), "'year' must hold numbers; it is '2024-01-01'"),
}


@pytest.mark.parametrize("name", WRONG_ROWS)
@pytest.mark.parametrize("rows", [10, 10_000])
def test_a_value_of_another_kind_by_its_line(name, rows, sex, here, capsysbinary, monkeypatch):
    """In a column that is mixed across pieces, too, or within one."""
    monkeypatch.setattr(reading, "ROWS", rows)
    row, part = WRONG_ROWS[name]
    lines = PENGUINS.read_text().split("\n")
    lines[122] = row
    write("t.csv", "\n".join(lines))
    write("out.csv", "old")
    said = refused(capsysbinary, "predict", sex, "t.csv", "-o", "out.csv")
    assert "t.csv: line 123: column" in said
    assert part in said
    assert (here / "out.csv").read_text() == "old"
    assert part in refused(capsysbinary, "evaluate", sex, "t.csv")


def test_columns_that_are_missing(sex, here, capsysbinary):
    frame = pandas.read_csv(PENGUINS).rename(columns={"bill_depth_mm": "bill_dept_mm"})
    frame.to_csv("t.csv", index=False)
    said = refused(capsysbinary, "predict", sex, "t.csv")
    assert "no column 'bill_depth_mm' which the model reads. Did you mean 'bill_dept_mm'?" in said
    said = refused(capsysbinary, "predict", sex, PENGUINS, "--keep", "iland")
    assert "no column 'iland' to keep. Did you mean 'island'?" in said
    frame.rename(columns={"bill_dept_mm": "bill_depth_mm", "sex": "prediction"}).to_csv(
        "t.csv", index=False
    )
    said = refused(capsysbinary, "predict", sex, "t.csv", "--keep", "prediction")
    assert "leave it out of --keep" in said


def test_answers_in_the_place_of_what_is_read(sex, here, capsysbinary):
    content = PENGUINS.read_bytes()
    write("t.csv", content)
    assert "in the place of t.csv" in refused(capsysbinary, "predict", sex, "t.csv", "-o", "t.csv")
    assert "which is read" in refused(capsysbinary, "predict", sex, "t.csv", "-o", sex)
    assert (here / "t.csv").read_bytes() == content


def test_networks_of_numbers(here, capsysbinary):
    cr.Network([3, 4, 2], task="classification", input_scale=1.0, seed=0).save("net.npz")
    write("t.csv", "a,b\n1,2\n")
    assert "reads 3 columns, by their order; got 2: a, b" in refused(
        capsysbinary, "predict", "net.npz", "t.csv"
    )
    write("t.csv", "a,b,c\n1,2,3\n4,,6\n")
    assert "t.csv: line 3: column 'b' must have a value everywhere" in refused(
        capsysbinary, "predict", "net.npz", "t.csv"
    )
    write("t.csv", "a,b,c,y\n1,2,3,0\n4,,6,1\n")
    assert "give --target NAME" in refused(capsysbinary, "evaluate", "net.npz", "t.csv")
    assert "line 3" in refused(capsysbinary, "evaluate", "net.npz", "t.csv", "--target", "y")
    cr.Network([3, 2], task="regression", seed=0).save("net.npz")
    assert "one answer a row" in refused(
        capsysbinary, "evaluate", "net.npz", "t.csv", "--target", "y"
    )


def test_the_target_is_no_column_that_the_model_reads(sex, capsysbinary):
    said = refused(capsysbinary, "evaluate", sex, PENGUINS, "--target", "island")
    assert "'island' is a column that the model reads" in said


# ---------------------------------------------------------------- models that are none

NO_MODELS = {
    "nothing": b"",
    "text": b"no model at all",
    "a table": GOOD.encode(),
    "an archive": b"PK\x05\x06" + b"\0" * 18,
}


@pytest.mark.parametrize("command", ["predict", "evaluate", "export", "info"])
def test_a_model_file_that_is_none(command, model_of_good, here, capsysbinary):
    write("t.csv", GOOD)
    more = {"info": [], "export": ["m.c"]}.get(command, ["t.csv"])
    files = dict(NO_MODELS)
    files["one that is cut short"] = model_of_good[:-1000]
    np.savez("arrays.npz", a=np.zeros(3))
    files["other arrays"] = (here / "arrays.npz").read_bytes()
    for content in files.values():
        write("m.npz", content)
        assert "m.npz cannot be loaded" in refused(capsysbinary, command, "m.npz", *more)
    assert "nowhere.npz" in refused(capsysbinary, command, "nowhere.npz", *more)
    assert not (here / "m.c").exists()
