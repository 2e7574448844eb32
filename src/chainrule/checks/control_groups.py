"""How many cores' time a process gets, by the control groups of Linux: containers, services.

A process is in one group of the hierarchy of version 2, and in one of that of the processor of
version 1, by /proc/self/cgroup; /proc/self/mountinfo says where these can be read, and from which
group on. A quota of any group above it holds, too: the least counts.
"""

import math
import os
from collections.abc import Iterator
from pathlib import PurePosixPath

NO_LIMIT = math.inf


def quota(proc: str = "/proc/self", root: str = "/") -> float:
    """Return how many cores' time this process gets, infinity where nothing limits it.

    Parameters
    ----------
    proc : str
        The folder with `cgroup` and `mountinfo`.
    root : str
        What stands before the places that `mountinfo` names.
    """
    try:
        with open(os.path.join(proc, "cgroup")) as file:
            groups = [line.rstrip("\n").split(":", 2) for line in file]
        with open(os.path.join(proc, "mountinfo")) as file:
            mounts = [line.split() for line in file]
        found = [
            _share(os.path.join(root, str(folder).lstrip("/")))
            for fields in mounts
            for folder in _folders(fields, groups)
        ]
    except (OSError, ValueError, IndexError):  # another system, or files of another form
        return NO_LIMIT
    return min(found, default=NO_LIMIT)


def _folders(fields: list[str], groups: list[list[str]]) -> Iterator[PurePosixPath]:
    """Yield the folders of a mount, by its fields, that limit the process: of its group and above.

    In a container a group may be named as the host names it, and stand elsewhere: then the mount's
    own folder is the container's.
    """
    kind, _, options = fields[fields.index("-") + 1 :][:3]
    if kind == "cgroup2":
        paths = [path for _, controllers, path in groups if not controllers]
    elif kind == "cgroup" and "cpu" in options.split(","):
        paths = [path for _, controllers, path in groups if "cpu" in controllers.split(",")]
    else:
        return
    top, mount = PurePosixPath(fields[3]), PurePosixPath(fields[4])
    for path in map(PurePosixPath, paths):
        below = path.relative_to(top) if path.is_relative_to(top) else PurePosixPath()
        folder = mount / below
        yield from (folder, *(each for each in folder.parents if each.is_relative_to(mount)))


def _share(folder: str) -> float:
    """Return the quota of a group by its period, infinity where it has none."""
    try:
        with open(os.path.join(folder, "cpu.max")) as file:
            quota, period = file.read().split()
    except OSError:
        try:
            with open(os.path.join(folder, "cpu.cfs_quota_us")) as file:
                quota = file.read().strip()
            with open(os.path.join(folder, "cpu.cfs_period_us")) as file:
                period = file.read().strip()
        except OSError:  # the topmost group has none
            return NO_LIMIT
    return NO_LIMIT if quota in ("max", "-1") else int(quota) / int(period)
