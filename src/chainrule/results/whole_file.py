"""Files that are written whole or not at all."""

import errno
import os
import stat


def write_whole(path, write):
    """Let `write(file)` fill a new file, and put it in the place of `path` once it is complete."""
    # Through a symbolic link the file it points to is replaced, as with a plain open().
    given, path = os.fspath(path), os.path.realpath(path)
    if os.path.islink(path):  # still, after all links are followed
        raise OSError(errno.ELOOP, "The links lead round in a circle", given)
    replaces = os.path.exists(path)
    names_a_folder = given.endswith(tuple(filter(None, (os.sep, os.altsep))))
    if names_a_folder or (replaces and not os.path.isfile(path)):
        raise OSError(f"expected a file to write to, got a folder or device: {given}")
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, "There is no such folder to write to", given)
    temporary = os.path.join(folder, f".chainrule-{os.urandom(8).hex()}.tmp")
    try:
        # "x" refuses a file or link that someone else has put there, and, unlike tempfile, gives
        # the permissions of a plain open().
        with open(temporary, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if replaces:
            os.chmod(temporary, stat.S_IMODE(os.stat(path).st_mode))
        os.replace(temporary, path)
    except BaseException as error:
        if os.path.exists(temporary):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.filename == temporary:  # which nobody knows
            raise OSError(error.errno, error.strerror, given) from error
        raise
