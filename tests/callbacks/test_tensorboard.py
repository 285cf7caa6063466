"""The logs of a run as scalars for TensorBoard."""

import numpy as np
import pytest
from callback_models import compiled, fit

from gru_c import callbacks


def test_tensorboard(tmp_path):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    model = compiled(metrics=["mae"])
    board = callbacks.TensorBoard(tmp_path, update_freq=2)
    history = fit(model, board, 2, validation_split=0.2).history

    def read(part, tag):
        accumulator = accumulators.EventAccumulator(str(tmp_path / part))
        accumulator.Reload()
        events = accumulator.Tensors(tag)
        return [e.step for e in events], [e.tensor_proto.float_val[0] for e in events]

    for part, prefix in (("train", ""), ("validation", "val_")):
        for name in ("loss", "mae"):
            steps, values = read(part, f"epoch_{name}")
            assert steps == [0, 1]
            np.testing.assert_allclose(values, history[prefix + name], rtol=1e-6)
    assert read("train", "batch_loss")[0] == [2, 4]
    np.testing.assert_allclose(read("train", "epoch_learning_rate")[1], 0.001, rtol=1e-6)


def test_tensorboard_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorboard.summary", None)
    monkeypatch.setitem(__import__("sys").modules, "tensorboard", None)
    with pytest.raises(ImportError, match=r'pip install "gru_c\[tensorboard\]"'):
        fit(compiled(), callbacks.TensorBoard("nowhere"))
