"""Names of Keras that have no meaning here."""

import pytest

from gru_c import (
    activations,
    constraints,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from gru_c.common import keras_names


@pytest.mark.parametrize(
    ("get", "name"),
    [
        (losses.get, "dice"),
        (losses.get, "Tversky"),
        (optimizers.get, "muon"),
        (optimizers.get, "Adafactor"),
        (metrics.get, "BinaryIoU"),
        (activations.get, "sparsemax"),
        (initializers.get, "STFT"),
    ],
)
def test_a_name_that_keras_has_is_no_slip(get, name):
    with pytest.raises(ValueError, match=f"{name}', which Keras has and gru_c does not. Known: "):
        get(name)


def test_names_of_keras_alone_are_not_those_of_a_table():
    tables = (
        losses.LOSSES,
        metrics.METRICS,
        optimizers.OPTIMIZERS,
        schedules.SCHEDULES,
        activations.ACTIVATIONS,
        initializers.INITIALIZERS,
        regularizers.REGULARIZERS,
        constraints.CONSTRAINTS,
    )
    names = {name.lower().replace("_", "") for table in tables for name in table}
    assert not names & keras_names.OTHERS
