"""Another run is not resumed: the message names what differs."""

import numpy as np
import pytest
from checkpoint_runs import RUNS, X, Y, dropping, train

from gru_c import callbacks, optimizers


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 5}, "batch_size was 7, is 5"),
        ({"epochs": 1}, "epochs was 2, is 1"),
        ({"shuffle": False}, "shuffle was True, is False"),
        ({"seed": np.int64(3)}, "seed was None, is 3"),
        ({"initial_epoch": 1}, "initial_epoch was 0, is 1"),
        (
            {"validation_split": 0.0},
            "validation was 0.2, is None",
        ),
        (
            {"callbacks": callbacks.EarlyStopping()},
            r"callbacks was \[\], is absent; callbacks.0 was",
        ),
        (
            {"model": {"optimizer": optimizers.Adam(0.02, global_clipnorm=1.0)}},
            "rate was 0.01, is 0.02",
        ),
        ({"model": {"optimizer": "sgd"}}, "optimizer.class was 'Adam', is 'SGD'"),
        ({"model": {"loss": "mae"}}, "loss.class was"),
        ({"model": {"reset_after": False}}, "reset_after was True, is False"),
    ],
)
def test_another_run_is_refused(changes, message, tmp_path):
    path = tmp_path / "run.safetensors"
    train("arrays", checkpoint=path)
    content = path.read_bytes()
    model = dropping(**changes.pop("model", {}))
    before = model.get_weights()
    options = {"batch_size": 7, "epochs": 2, **RUNS["arrays"][-1], **changes}
    with pytest.raises(ValueError, match=f"run.safetensors: this is another run: .*{message}"):
        model.fit(X, Y, verbose=0, checkpoint=path, resume=True, **options)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    assert model.optimizer.iterations == 0
    assert path.read_bytes() == content
