"""The facts on which bits depend, and each process's share of the CPUs of its machine."""

import numpy as np
import pytest

import gru_c
from gru_c import _core
from gru_c.distributed import machines


class Node:
    """A stand-in for the communicator of the processes on a machine."""

    def __init__(self, *others):
        self.others = others

    def allgather(self, mine):
        return [mine, *self.others]


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], 8),
        ([set(range(8))], 4),
        ([set(range(8))] * 2, 2),
        ([{8, 9}, {10}], 8),  # processes on other CPUs
        ([{7, 8}], 4),
        ([set(range(8))] * 20, 1),
    ],
)
def test_processes_on_the_same_cpus_share_them_equally(others, expected, monkeypatch):
    monkeypatch.setattr(machines, "cpus_of_process", lambda: set(range(8)))
    monkeypatch.setattr(machines, "get_num_threads", lambda: 100)
    monkeypatch.setattr(machines, "usable", lambda count: count)
    assert machines.threads_of_each(Node(*others)) == expected


def test_a_share_is_not_larger_than_the_number_of_threads(monkeypatch):
    monkeypatch.setattr(machines, "cpus_of_process", lambda: set(range(8)))
    monkeypatch.setattr(machines, "get_num_threads", lambda: 3)
    monkeypatch.setattr(machines, "usable", lambda count: count)
    assert machines.threads_of_each(Node()) == 3


def test_the_description_names_versions_and_the_instruction_set():
    text = machines.describe()
    assert f" {_core.active_isa()} gru_c {gru_c.__version__} NumPy {np.__version__}" in text
    assert machines.describe() == text
