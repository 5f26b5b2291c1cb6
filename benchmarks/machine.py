"""The machine that figures were measured on."""

import os
import platform
from collections.abc import Mapping
from pathlib import Path

import psutil


def describe() -> Mapping[str, str]:
    """What decides how fast this machine is; two with the same description may be compared in absolute figures."""
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    names = (line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
    return next(names, "").partition(": ")[2] or platform.machine()
