"""Files that are written whole or not at all."""

import contextlib
import errno
import os
import re
import stat
from collections.abc import Callable
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows, which lets nobody remove a file that is being written
    fcntl = None  # type: ignore[assignment]

UNFINISHED = re.compile(r"\.chainrule-[0-9a-f]{16}\.tmp")


def write_whole(path: str | os.PathLike, write: Callable[[BinaryIO], object]) -> None:
    """Let `write(file)` fill a new file, and put it in the place of `path` once it is complete.

    What writers that were killed have left unfinished in the folder is removed.
    """
    # Through a symbolic link the file it points to is replaced, as with a plain open().
    given, path = os.fspath(path), check_place(path)
    folder = os.path.dirname(path)
    _remove_abandoned(folder)
    temporary = os.path.join(folder, f".chainrule-{os.urandom(8).hex()}.tmp")
    try:
        # "x" refuses a file or link that someone else has put there, and, unlike tempfile, gives
        # the permissions of a plain open().
        with open(temporary, "xb") as file:
            _lock(file)
            if os.fstat(file.fileno()).st_nlink == 0:  # taken for abandoned before it was locked
                return write_whole(given, write)
            write(file)
            file.flush()
            os.fsync(file.fileno())
            if os.path.exists(path):
                os.chmod(temporary, stat.S_IMODE(os.stat(path).st_mode))
            if fcntl is not None:  # while it is locked, and known to be ours
                os.replace(temporary, path)
        if fcntl is None:  # Windows moves no open file
            os.replace(temporary, path)
        _sync_folder(folder)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.filename == temporary:  # which nobody knows
            raise OSError(error.errno, error.strerror, given) from error
        raise


def check_place(path: str | os.PathLike) -> str:
    """Return the real path of a file to write, after all links.

    Raises
    ------
    OSError
        If there is no folder for it, or something that is no file stands there.
    """
    given, path = os.fspath(path), os.path.realpath(path)
    if os.path.islink(path):  # still, after all links are followed
        raise OSError(errno.ELOOP, "The links lead round in a circle", given)
    names_a_folder = given.endswith(tuple(filter(None, (os.sep, os.altsep))))
    if names_a_folder or (os.path.exists(path) and not os.path.isfile(path)):
        raise OSError(f"expected a file to write to, got a folder or device: {given}")
    if not os.path.isdir(os.path.dirname(path)):
        raise FileNotFoundError(errno.ENOENT, "There is no such folder to write to", given)
    return path


def _lock(file: BinaryIO) -> None:
    """Show that a writer is at work, as long as the file is open, or the process lives."""
    if fcntl is not None:
        with contextlib.suppress(OSError):  # file systems without locks
            fcntl.flock(file, fcntl.LOCK_EX)


def _remove_abandoned(folder: str) -> None:
    """Remove the unfinished files whose writers are gone: nobody holds a lock on them."""
    with os.scandir(folder) as entries:
        unfinished = [each.path for each in entries if UNFINISHED.fullmatch(each.name)]
    for path in unfinished:
        # Another writer may have finished it, or removed it; it may be someone else's.
        with contextlib.suppress(OSError):
            if fcntl is None:
                os.unlink(path)
                continue
            with open(path, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(path)


def _sync_folder(folder: str) -> None:
    """Have the new name on the disk too."""
    if os.name == "posix":
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
