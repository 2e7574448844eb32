"""The quota of the processor that control groups set: the least on the process's own path."""

import math

import pytest

from chainrule.checks.control_groups import quota

V2 = "30 24 0:26 {top} /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "35 30 0:31 {top} /sys/fs/cgroup/{name} rw,nosuid shared:9 - cgroup cgroup rw,{name}\n"
HYBRID = "31 30 0:27 / /sys/fs/cgroup/unified rw shared:5 - cgroup2 cgroup2 rw\n"
OTHER = "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n"

SYSTEMD = "0::/user.slice/user-1000.slice/run.service\n"
OF_ONE = "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/docker/abc\n"
ROOT = "sys/fs/cgroup"


def as_version_1(quota, period=100000):
    return {"cpu.cfs_quota_us": f"{quota}\n", "cpu.cfs_period_us": f"{period}\n"}


def as_version_2(text):
    return {"cpu.max": f"{text}\n"}


CASES = {
    "a container of version 2": (
        V2.format(top="/"),
        "0::/\n",
        {"": as_version_2("150000 100000")},
        1.5,
    ),
    "no limit": (V2.format(top="/"), SYSTEMD, {"user.slice": as_version_2("max 100000")}, math.inf),
    "a service's own": (
        V2.format(top="/"),
        SYSTEMD,
        {"user.slice/user-1000.slice/run.service": as_version_2("50000 100000")},
        0.5,
    ),
    "the least is above": (
        V2.format(top="/"),
        SYSTEMD,
        {
            "user.slice": as_version_2("200000 100000"),
            "user.slice/user-1000.slice": as_version_2("max 100000"),
            "user.slice/user-1000.slice/run.service": as_version_2("300000 100000"),
        },
        2,
    ),
    "another group's": (
        V2.format(top="/"),
        SYSTEMD,
        {"machine.slice": as_version_2("1 1")},
        math.inf,
    ),
    "version 1, as the host names it": (
        V1.format(top="/docker/abc", name="cpu,cpuacct"),
        OF_ONE,
        {"cpu,cpuacct": as_version_1(250000)},
        2.5,
    ),
    "version 1, from the top": (
        V1.format(top="/", name="cpu,cpuacct"),
        OF_ONE,
        {
            "cpu,cpuacct": as_version_1(-1),
            "cpu,cpuacct/docker": as_version_1(400000),
            "cpu,cpuacct/docker/abc": as_version_1(100000, 50000),
        },
        2,
    ),
    "version 1 below a name that is not mounted": (
        V1.format(top="/kubepods/x", name="cpu"),
        "4:cpu:/docker/abc\n",
        {"cpu": as_version_1(100000)},
        1,
    ),
    "both versions": (
        V1.format(top="/", name="cpu,cpuacct") + HYBRID,
        OF_ONE,
        {"cpu,cpuacct/docker/abc": as_version_1(300000)},
        3,
    ),
    "memory alone is limited": (
        V1.format(top="/", name="memory"),
        OF_ONE,
        {"memory/docker/abc": as_version_1(100000)},
        math.inf,
    ),
    "a file of another form": (
        V2.format(top="/"),
        "0::/\n",
        {"": as_version_2("nonsense")},
        math.inf,
    ),
}


@pytest.mark.parametrize(("mounts", "groups", "files", "expected"), CASES.values(), ids=CASES)
def test_the_least_on_the_own_path(tmp_path, mounts, groups, files, expected):
    proc = tmp_path / "proc"
    proc.mkdir()
    (proc / "mountinfo").write_text(OTHER + mounts)
    (proc / "cgroup").write_text(groups)
    for folder, contents in files.items():
        place = tmp_path / ROOT / folder
        place.mkdir(parents=True, exist_ok=True)
        for name, text in contents.items():
            (place / name).write_text(text)
    assert quota(str(proc), str(tmp_path)) == expected


def test_another_system(tmp_path):
    assert quota(str(tmp_path / "none"), str(tmp_path)) == math.inf
