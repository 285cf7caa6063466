"""Checkpoint files of earlier versions are resumed."""

import shutil
from pathlib import Path

import numpy as np

from gru_c import GRU, Dense, Sequential

# Written before optimizers had names, when the metric `AccuracyOfLoss` was called `Accuracy`.
OLDER = Path(__file__).parents[1] / "support/data/checkpoints/accuracy_after_two_epochs.safetensors"


def trained(**options):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 5, 3)).astype(np.float32)
    y = (x[:, -1, 0] > 0).astype(np.float32)
    model = Sequential([GRU(4, input_shape=(5, 3)), Dense(1, activation="sigmoid")], seed=0)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=5, verbose=0, **options)
    return history.history, model.get_weights()


def test_a_run_of_an_earlier_version_continues_to_the_same_end(tmp_path):
    path = shutil.copy(OLDER, tmp_path / "run.safetensors")
    history, weights = trained(checkpoint=path, checkpoint_interval=0.0, resume=True)
    expected_history, expected = trained()
    np.testing.assert_allclose(history["loss"], expected_history["loss"], rtol=1e-4)
    for ours, theirs in zip(weights, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)
