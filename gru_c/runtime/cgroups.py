"""The CPU time that the control groups of Linux (cgroups(7)) leave to this process."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

# What is looked at where /proc does not list the mounts: the usual ones.
_USUAL_MOUNTS = """
1 0 0:0 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
2 0 0:0 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
"""
# The group at the top of a mount, the folder it is mounted at, the version and options.
_MOUNT = r"^\d+ \d+ \S+ (\S+) (\S+) .*- (cgroup2?) \S+ (\S+)$"
_USUAL_GROUPS = "1:cpu:/\n0::/\n"


def cpu_limit(root: Path = Path("/")) -> float:
    """Return the number of CPUs whose time this process may use; infinity without a limit.

    The limit of a group holds for all groups below it, so the smallest one counts, from the group
    of the process up to the highest one that can be seen. Both versions of control groups are read.

    Parameters
    ----------
    root : Path
        The folder that holds ``proc`` and ``sys``.
    """
    mounts = _text(root / "proc/self/mountinfo") or _USUAL_MOUNTS
    groups = _text(root / "proc/self/cgroup") or _USUAL_GROUPS
    folders = set(_folders(mounts, groups))
    return min((_limit_of(root / folder.lstrip("/")) for folder in folders), default=math.inf)


def _folders(mounts: str, groups: str) -> Iterator[str]:
    """Yield the folders of the groups that hold this process, with those above them."""
    for mount in re.finditer(_MOUNT, mounts, re.MULTILINE):
        top, point, kind, options = mount.groups()
        for group in re.finditer(r"^\d+:(.*?):(.*)$", groups, re.MULTILINE):
            controllers, path = group.groups()
            of_version_1 = "cpu" in controllers.split(",") and "cpu" in options.split(",")
            if of_version_1 if kind == "cgroup" else not controllers:
                yield from _upwards(_unescaped(point), _below(_unescaped(top), path))


def _below(top: str, path: str) -> list[str]:
    """Return the parts of a group's path below the group that is mounted; none if it is outside."""
    parts, above = ([part for part in text.split("/") if part] for text in (path, top))
    inside = parts[: len(above)] == above and ".." not in parts
    return parts[len(above) :] if inside else []


def _upwards(point: str, parts: list[str]) -> Iterator[str]:
    for count in range(len(parts) + 1):
        yield "/".join((point, *parts[:count]))


def _unescaped(field: str) -> str:
    r"""Return a field of mountinfo, which has ``\040`` for a space."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


def _limit_of(folder: Path) -> float:
    """Return the limit of a group; infinity where it has none or cannot be read."""
    quota, *periods = (_text(folder / "cpu.max") or "max").split() or ["max"]
    if not periods:  # not version 2
        quota = _text(folder / "cpu.cfs_quota_us").strip()
        periods = [_text(folder / "cpu.cfs_period_us").strip()]
    try:
        return int(quota) / int(periods[0]) if int(quota) > 0 else math.inf
    except (ValueError, ZeroDivisionError):  # "max", or the files do not exist
        return math.inf


def _text(file: Path) -> str:
    """Return the content of a file; "" if it cannot be read."""
    try:
        return file.read_text()
    except (OSError, ValueError):
        return ""
