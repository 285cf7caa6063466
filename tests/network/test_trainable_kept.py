"""Frozen layers in summaries, profiles, files, copies and resumed runs."""

import copy
import json
import pickle

import pytest
from frozen_models import X, changed, fit, model_of, weights_by_layer

from gru_c import (
    callbacks,
    load_model,
)
from gru_c.saving import files


def test_summary_counts_the_frozen_weights():
    model, lines = model_of(), []
    model.layers[0].trainable = False
    model.summary(lines.append)
    assert lines[-3:] == [
        "Total params: 346",
        "Trainable params: 196",
        "Non-trainable params: 150",
    ]
    lines.clear()
    model.trainable = False
    model.summary(lines.append)
    assert lines[-2:] == ["Trainable params: 0", "Non-trainable params: 346"]


def test_profile_runs_the_backward_pass_as_far_as_training_does():
    model = model_of()
    model.layers[0].trainable = False
    rows = [(row.layer, row.direction) for row in model.profile(X, training=True, repeats=1).rows]
    assert rows[:2] == [("gru", "forward"), ("layer_normalization", "forward")]
    assert ("gru", "backward") not in rows
    assert ("gru_1", "backward") in rows


@pytest.mark.parametrize("include_optimizer", [False, True])
def test_files_keep_what_is_frozen(tmp_path, include_optimizer):
    model = model_of()
    fit(model)
    model.layers[0].trainable = model.layers[3].trainable = False
    model.save(tmp_path / "model.safetensors", include_optimizer=include_optimizer)
    again = load_model(tmp_path / "model.safetensors")
    assert [layer.trainable for layer in again.layers] == [False, True, True, False]
    if include_optimizer:
        for each in (model, again):
            fit(each, shuffle=False)
        assert pickle.dumps(model.get_weights()) == pickle.dumps(again.get_weights())
    model.trainable = False
    model.layers[3].trainable = True
    model.save(tmp_path / "model.safetensors")
    assert not load_model(tmp_path / "model.safetensors").trainable


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_keep_what_is_frozen(duplicate):
    model = model_of()
    model.layers[1].trainable = False
    again = duplicate(model)
    before = weights_by_layer(again)
    fit(again)
    assert changed(again, before) == [True, False, True, True]
    again.trainable = False
    assert model.trainable
    assert not duplicate(again).trainable


class Crash(Exception):  # noqa: N818
    """Raised by a callback to end a run."""


def crash_after(batches):
    numbers = []

    def count(number, logs):
        numbers.append(number)
        if len(numbers) == batches:
            raise Crash

    return callbacks.LambdaCallback(on_train_batch_end=count)


def thaw(model, epoch):
    """Return a callback that unfreezes the first layer at the beginning of an epoch."""

    def begin(number, logs):
        if number == epoch:
            model.layers[0].trainable = True

    return callbacks.LambdaCallback(on_epoch_begin=begin)


@pytest.mark.parametrize("batches", [2, 5, 8])
@pytest.mark.parametrize("thawed", [False, True])
def test_a_resumed_run_has_the_same_bits(tmp_path, batches, thawed):
    def made():
        model = model_of(dropout=0.2)
        model.layers[0].trainable = False
        return model, [thaw(model, 1)] if thawed else []

    whole, hooks = made()
    fit(whole, epochs=4, callbacks=hooks)
    path = tmp_path / "run.safetensors"
    options = {"checkpoint": path, "checkpoint_interval": 0.0, "epochs": 4}
    model, hooks = made()
    with pytest.raises(Crash):
        fit(model, callbacks=[*hooks, crash_after(batches)], **options)
    again, hooks = made()
    fit(again, callbacks=[*hooks, crash_after(100)], resume=True, **options)
    assert pickle.dumps(again.get_weights()) == pickle.dumps(whole.get_weights())
    assert again.layers[0].trainable == thawed


def test_a_checkpoint_from_before_trainable_is_resumed(tmp_path):
    """If a file does not say, all layers were trainable."""
    path = tmp_path / "run.safetensors"
    fit(model_of(), checkpoint=path)
    tensors, metadata = files.read_tensors(path)
    run = json.loads(metadata["run"])
    del run["about"]["trainable"]
    del run["state"]["model"]["trainable"]
    for layer in run["about"]["layers"]:
        del layer["config"]["trainable"]
    metadata["run"] = json.dumps(run)
    metadata["digest"] = files.digest_of(tensors, metadata)
    files.write_tensors(path, tensors, metadata)
    again = model_of()
    fit(again, epochs=3, checkpoint=path, resume=True)
    whole = model_of()
    fit(whole, epochs=3)
    assert pickle.dumps(again.get_weights()) == pickle.dumps(whole.get_weights())
    frozen = model_of()
    frozen.layers[0].trainable = False
    with pytest.raises(ValueError, match=r"layers.0.config.trainable was True, is False"):
        fit(frozen, epochs=3, checkpoint=path, resume=True)


def test_a_run_with_other_layers_frozen_is_another_run(tmp_path):
    path = tmp_path / "run.safetensors"
    fit(model_of(), checkpoint=path)
    model = model_of()
    model.layers[0].trainable = False
    before = weights_by_layer(model)
    with pytest.raises(ValueError, match=r"another run: layers.0.config.trainable was True, is F"):
        fit(model, epochs=3, checkpoint=path, resume=True)
    assert changed(model, before) == [False] * 4
