"""The machine that figures come from, and the cores of it that a process may use."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version


def machine():
    """The machine and its software, as far as a reader needs it to judge the figures."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": processor(),
        "cores": len(known_cores()) or os.cpu_count(),
        "os": f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "chainrule": version("chainrule"),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def processor():
    try:
        with open("/proc/cpuinfo") as info:
            names = [line.split(":", 1)[1] for line in info if line.startswith("model name")]
        return names[0].strip()
    except (OSError, IndexError):  # not Linux, or not x86
        return platform.processor() or platform.machine()


def place(about):
    return f"{about['cpu']}, {about['cores']} cores, {about['os']}"


def moment(about):
    return (
        f"{about['date']}, Python {about['python']}, NumPy {about['numpy']}, "
        f"load at the start {about['load']}"
    )


def header(about):
    """What a report says in one line of where and when it was made."""
    return f"{place(about)}; {moment(about)}"


def known_cores():
    """The cores that this process may use, as far as the system tells; it can choose among them."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def pin(cores):
    """Keep this process to those cores; to any, if none are named."""
    if cores:
        os.sched_setaffinity(0, cores)
