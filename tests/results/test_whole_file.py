"""Files written whole: what writers that were killed, or are at work, have left beside them."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from chainrule.results import whole_file

WHOLE = b"all of it" * 1000


def write(path):
    whole_file.write_whole(path, lambda file: file.write(WHOLE))


@pytest.fixture
def path(tmp_path):
    """A file, alone in its folder."""
    write(tmp_path / "whole")
    return tmp_path / "whole"


ABANDONED = ".chainrule-0123456789abcdef.tmp"


def test_what_a_killed_writer_left_is_removed(path):
    """And nothing else whose name is only like it."""
    others = [path.parent / name for name in (f"{ABANDONED}.npz", ".chainrule-1.tmp", "x.tmp")]
    for each in (*others, path.parent / ABANDONED):
        each.write_bytes(b"a part of a file")
    write(path)
    assert sorted(path.parent.iterdir()) == sorted([path, *others])


@pytest.mark.skipif(os.name != "posix", reason="POSIX locks")
def test_what_another_writer_is_writing_stays(path):
    fcntl = pytest.importorskip("fcntl")
    unfinished = path.parent / ABANDONED
    with open(unfinished, "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        write(path)
        assert unfinished.exists()
    write(path)
    assert not unfinished.exists()


@pytest.mark.skipif(os.name != "posix", reason="POSIX locks")
def test_a_file_taken_for_abandoned_before_it_was_locked_is_begun_anew(path, monkeypatch):
    begun = []
    lock = whole_file._lock

    def late(file):
        begun.append(file.name)
        if len(begun) == 1:
            os.unlink(file.name)
        lock(file)

    monkeypatch.setattr(whole_file, "_lock", late)
    write(path)
    assert len(set(begun)) == 2
    assert path.read_bytes() == WHOLE
    assert os.listdir(path.parent) == [path.name]


def test_writers_at_once_leave_one_whole_file(path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, [path] * 60))
    assert path.read_bytes() == WHOLE
    assert os.listdir(path.parent) == [path.name]
