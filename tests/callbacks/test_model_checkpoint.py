"""Models that are saved while they train: names, formats, and the best one."""

import numpy as np
import pytest
from callback_models import X, compiled, fit

from gru_c import callbacks, load_model


def test_model_checkpoint_names(tmp_path):
    path = tmp_path / "new" / "{epoch:02d}-{val_loss:.2f}.safetensors"
    model = compiled()
    history = fit(model, callbacks.ModelCheckpoint(path), 2, validation_split=0.2)
    first, second = history.history["val_loss"]
    names = sorted(file.name for file in path.parent.iterdir())
    assert names == [f"01-{first:.2f}.safetensors", f"02-{second:.2f}.safetensors"]
    again = load_model(path.parent / names[1])
    assert again.optimizer.iterations == 4
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    with pytest.raises(
        KeyError, match=r"has 'accuracy', which is not among the logs.* epoch, loss"
    ):
        fit(model, callbacks.ModelCheckpoint(tmp_path / "{accuracy}.safetensors"), 1)


def test_model_checkpoint_of_batches_and_of_weights(tmp_path):
    path = tmp_path / "{epoch}-{batch}.safetensors"
    fit(compiled(), callbacks.ModelCheckpoint(path, save_freq=2, save_weights_only=True), 2)
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["1-2.safetensors", "2-1.safetensors", "2-3.safetensors"]
    assert load_model(tmp_path / names[0]).optimizer.iterations == 0
    monitored = callbacks.ModelCheckpoint(path, save_freq=2, save_best_only=True)
    with pytest.raises(ValueError, match="monitors 'val_loss', which no batch has"):
        fit(compiled(), monitored, validation_split=0.2)


@pytest.mark.parametrize(
    ("name", "weights_only"),
    [
        ("{epoch:02d}-{val_loss:.2f}.h5", False),
        ("{epoch:02d}-{val_loss:.2f}.keras", False),
        ("{epoch:02d}-{val_loss:.2f}.hdf5", True),
        ("{epoch:02d}-{val_loss:.2f}.weights.h5", True),
    ],
)
def test_model_checkpoint_in_formats_of_keras(tmp_path, name, weights_only):
    pytest.importorskip("h5py")
    model, other = compiled(), compiled()
    save = callbacks.ModelCheckpoint(tmp_path / name, save_weights_only=weights_only)
    history = fit(model, save, 2, validation_split=0.2)
    path = tmp_path / name.format(epoch=2, val_loss=history.history["val_loss"][1])
    if weights_only:
        other.load_weights(path)
    else:
        other = load_model(path)
        assert other.optimizer.iterations == 4
    np.testing.assert_array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))
    assert len(list(tmp_path.iterdir())) == 2


def test_model_checkpoint_of_the_best(tmp_path, capsys):
    path = tmp_path / "{epoch}.safetensors"
    model = compiled()
    values = iter([2.0, 3.0, 1.0, 1.5])
    add = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(a=next(values)))
    save = callbacks.ModelCheckpoint(path, "a", verbose=1, save_best_only=True, mode="min")
    fit(model, [add, save], 4)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["1.safetensors", "3.safetensors"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "Epoch 2: a did not improve from 2.00000"
    assert lines[2].startswith("Epoch 3: a improved from 2.00000 to 1.00000, saved ")
