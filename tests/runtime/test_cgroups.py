"""CPU limits of control groups, in trees of files as Linux shows them."""

import math

import pytest

from gru_c.runtime import cgroups, threads

V2 = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
V1 = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct"
V1_MEMORY = "33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"
UNIFIED = "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw"
OTHER = "25 1 8:1 / / rw - ext4 /dev/sda1 rw"
SLICE = "/system.slice/job.service"


def v2(path, mounts=(OTHER, V2), **limits):
    """Return the files of a process in a group of version 2, with the limits of some folders."""
    files = {f"sys/fs/cgroup{folder}/cpu.max": text for folder, text in limits.items()}
    return {"proc/self/mountinfo": mounts, "proc/self/cgroup": [f"0::{path}"], **files}


def v1(path, mounts=(V1_MEMORY, V1, UNIFIED), at="cpu,cpuacct", **limits):
    files = {}
    for folder, quota in limits.items():
        files[f"sys/fs/cgroup/{at}{folder}/cpu.cfs_quota_us"] = quota
        files[f"sys/fs/cgroup/{at}{folder}/cpu.cfs_period_us"] = "100000\n"
    groups = ["5:memory:/elsewhere", f"3:cpu,cpuacct:{path}", f"1:name=systemd:{path}", "0::/"]
    return {"proc/self/mountinfo": mounts, "proc/self/cgroup": groups, **files}


def docker(line):
    """Return a mount of the container's own group, without a namespace of groups."""
    return line.replace(" / /sys", " /docker/4f /sys")


CASES = {
    "no files": ({}, math.inf),
    "version 2, at the root": (v2("/", **{"": "150000 100000\n"}), 1.5),
    "version 2, without a limit": (v2(SLICE, **{SLICE: "max 100000\n"}), math.inf),
    "version 2, an empty file": (v2(SLICE, **{SLICE: ""}), math.inf),
    "version 2, a slice": (v2(SLICE, **{SLICE: "300000 100000\n"}), 3),
    "version 2, above a slice": (
        v2(SLICE, **{SLICE: "300000 100000\n", "/system.slice": "50000 25000\n"}),
        2,
    ),
    "version 2, another slice": (v2("/user.slice", **{SLICE: "300000 100000\n"}), math.inf),
    "version 2, a container's mount": (
        v2("/docker/4f/job", [docker(V2)], **{"/job": "200000 100000\n"}),
        2,
    ),
    "version 2, outside the mount": (v2("/../other", **{"": "200000 100000\n"}), 2),
    "version 2, a path with spaces and colons": (
        v2("/a b:c", [V2.replace("/cgroup rw", "/cgroup\\040v2 rw")])
        | {"sys/fs/cgroup v2/a b:c/cpu.max": "200000 100000\n"},
        2,
    ),
    "version 1, at the root": (v1("/", **{"": "400000\n"}), 4),
    "version 1, without a limit": (v1(SLICE, **{SLICE: "-1\n"}), math.inf),
    "version 1, Slurm's job": (v1("/slurm/job_7", **{"/slurm/job_7": "200000\n", "": "-1\n"}), 2),
    "version 1, a container's mount": (v1("/docker/4f", [docker(V1)], **{"": "250000\n"}), 2.5),
    "version 1, a period of 0": (
        v1("/", **{"": "400000\n"}) | {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "0\n"},
        math.inf,
    ),
    "both versions": (
        v1(SLICE, **{SLICE: "400000\n"}) | {"sys/fs/cgroup/unified/cpu.max": "300000 100000\n"},
        3,
    ),
    "without /proc, version 2": ({"sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
    "without /proc, version 1": (
        {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "4", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "2"},
        2,
    ),
    "damaged lines": (
        {"proc/self/mountinfo": ["", "-", " - ", "1 2 - cgroup2"], "proc/self/cgroup": ["x", ""]},
        math.inf,
    ),
}


@pytest.mark.parametrize(("files", "limit"), CASES.values(), ids=CASES)
def test_the_smallest_limit_from_the_process_up_counts(tmp_path, files, limit):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else "\n".join(content) + "\n"
        (tmp_path / name).write_text(text)
    assert cgroups.cpu_limit(tmp_path) == limit


def test_the_limit_of_this_process_can_be_asked_for():
    assert cgroups.cpu_limit() > 0
    assert threads.usable(10**6) >= 1
