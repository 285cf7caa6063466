"""Errors of one process that become errors of all."""

import pytest

from gru_c.common.validation import WrongTypeError
from gru_c.distributed.shared_errors import RankError, error_of_all


class Gathered:
    """A communicator of two processes; the second one raised an exception."""

    def __init__(self, told):
        self.told = told

    def allgather(self, mine):
        return [mine, self.told]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ValueError", ValueError),
        ("WrongTypeError", WrongTypeError),
        ("Mute", RankError),
        ("KeyboardInterrupt", RankError),
        ("check_flag", RankError),
    ],
)
def test_an_error_of_another_process_keeps_its_type_where_all_know_it(name, kind):
    error = error_of_all(Gathered((name, "no")), None)
    assert type(error) is kind
    assert str(error).startswith("rank 1: ")
