"""Arguments of layers that are set take effect, or are refused."""

import numpy as np
import pytest
from attribute_cases import arguments_of, flat, other_value, refusal, same, trained
from attribute_layer_cases import LAYER_CASES, ROWS, SEQUENCES, example_of

import gru_c
import gru_c.interop.keras
from gru_c import GRU, Bidirectional, Dense, Dropout, Input, Sequential, Softmax, callbacks


def results(layer):
    """Return all results of passes, with a mask if the layer takes one, from fixed draws."""
    x, values = example_of(layer), []
    if hasattr(layer, "rng"):
        layer.set_seed(11)
    shape = x.shape[1::-1] if getattr(layer, "time_major", False) else x.shape[:2]
    shape = x.shape[::2] if getattr(layer, "data_format", "")[9:] == "first" else shape
    mask = {"mask": np.arange(shape[1]) < np.ones((shape[0], 1))} if layer.takes_mask else {}
    if isinstance(layer, Softmax):  # whose mask is of entries
        mask = {"mask": x > 0}
    for options in ({}, mask):
        for training in (False, True):
            values += flat(layer.forward(x, training=training, **options))
    if isinstance(layer, Input):
        return values
    output = flat(layer.forward(x, training=True))
    gradient = output[0] if getattr(layer, "merge_mode", "") is not None else output
    values += flat(layer.backward(gradient))
    values += [item.gradient.copy() for item in layer.parameters]
    return [*values, np.array(layer.compute_mask(x) is None)]


def remade(layer, name, value):
    """Return a layer made with a value for an argument, with the same weights."""
    config = {**layer.get_config(), name: value}
    config["dtype"] = value if name == "dtype" else None
    fresh = type(layer)(**config)
    if layer.built:
        fresh.build(layer.built_shape)
        fresh.set_weights(layer.get_weights())
    return fresh


@pytest.mark.filterwarnings("ignore:training will change nothing")  # of layers without weights
@pytest.mark.filterwarnings("ignore:layer .* .Lambda. gets a mask")
@pytest.mark.parametrize("stage", ["made", "built", "in a model", "trained"])
@pytest.mark.parametrize(
    ("cls", "name"), [(cls, name) for cls in LAYER_CASES for name in arguments_of(cls)]
)
def test_a_layers_argument_is_refused_or_gives_the_layer_made_with_it(cls, name, stage):
    layer, value = cls(**LAYER_CASES[cls][0]), other_value(cls, name)
    model = None
    if stage == "built":
        layer.build(layer.open_shape(example_of(layer).shape), rng=0)
    elif stage != "made" and cls is not Input:
        model = Sequential([Input(example_of(layer).shape[1:]), layer], seed=0)
        if stage == "trained":
            model.compile("sgd", "mse")
            model.train_on_batch(example_of(layer), model.predict(example_of(layer), verbose=0) + 1)
    before = layer.get_config()
    words = refusal(layer, name, value)
    if words is not None:
        assert words.startswith(f"{cls.__name__}.{name} ") or "axis must be -1" in words
        assert layer.get_config() == before
        return
    fresh = remade(layer, name, value)
    expected = {**fresh.get_config(), "dtype": layer.dtype}
    assert layer.get_config() == expected != before
    for part in (layer, fresh):
        if not part.built:
            part.build(part.open_shape(example_of(part).shape), rng=0)
    assert same(results(layer), results(fresh))
    if model is not None:
        model.reset_states()
        if getattr(fresh, "stateful", False):
            fresh.reset_states()
        assert same([model.predict(example_of(layer), verbose=0)], flat(fresh(example_of(layer))))


def test_settings_that_say_what_weights_there_are_count_until_they_are_made():
    layer = GRU(4)
    layer.units, layer.use_bias, layer.kernel_regularizer = 6, False, "l2"
    assert [w.shape for w in (layer.build((None, 3, 2)), layer.get_weights())[1]] == [
        (2, 18),
        (6, 18),
    ]
    assert layer.penalty() > 0
    with pytest.raises(
        AttributeError, match=r"GRU.units cannot change after the weights were made"
    ):
        layer.units = 7


def test_a_layer_within_another_has_its_settings_from_there():
    layer = GRU(4)
    both = Bidirectional(layer)
    for part in (layer, both.forward_layer, both.backward_layer):
        for name, value in (("dropout", 0.5), ("return_sequences", True), ("units", 3)):
            with pytest.raises(AttributeError, match="is part of a Bidirectional"):
                setattr(part, name, value)


def test_what_a_chain_cannot_pass_on_is_refused_when_it_is_built():
    layer = GRU(4)
    model = Sequential([layer, Dense(1)])
    layer.return_state = True
    with pytest.raises(ValueError, match="return_state=True gives the states"):
        model.predict_on_batch(SEQUENCES) if model.built else model.build((None, 3, 2))


def test_two_layers_of_one_name_are_not_saved(tmp_path):
    model = trained("sgd")
    model.layers[0].name = model.layers[1].name
    with pytest.raises(ValueError, match="2 layers have the name"):
        model.save(tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="2 layers have the name"):
        gru_c.interop.keras.save(model, tmp_path / "model.keras")
    model.layers[0].name = "first"
    model.save(tmp_path / "model.safetensors", include_optimizer=True)
    again = gru_c.load_model(tmp_path / "model.safetensors")
    assert again.layers[0].name == "first"
    assert same(again.get_weights(), model.get_weights())


def test_layers_that_are_exchanged_in_place_are_trained_or_refused(tmp_path):
    model, new = trained("sgd"), Dense(1)
    new.build((None, 2), rng=5)
    model.layers[1] = new
    with pytest.raises(ValueError, match="a layer has no name: put it into the model with add"):
        model.save(tmp_path / "model.safetensors")
    before = new.get_weights()
    model.train_on_batch(ROWS, ROWS[:, :1])
    assert not same(new.get_weights(), before)
    other = trained("adam")
    other.layers[1] = Dense(1)
    with pytest.raises(ValueError, match="of this one with other layers"):
        other.train_on_batch(ROWS, ROWS[:, :1])


def test_a_setting_that_changes_within_predict_counts_from_the_next_batch():
    model = Sequential([GRU(16, input_shape=(3, 2))], seed=0)
    expected = model.predict(SEQUENCES, batch_size=2, verbose=0)
    layer = model.layers[0]

    def change(batch, logs):
        layer.inference_weights, layer.zoneout = "int8", 0.25

    hook = callbacks.LambdaCallback(on_predict_batch_end=change)
    values = model.predict(SEQUENCES, batch_size=2, verbose=0, callbacks=hook)
    assert same([values[:2]], [expected[:2]])
    assert same([values[2:]], [model.predict(SEQUENCES[2:], verbose=0)])
    assert not same([values[2:]], [expected[2:]])


def test_a_setting_is_in_the_file(tmp_path):
    model = Sequential([GRU(4, input_shape=(3, 2)), Dropout(0.5), Dense(1)], seed=0)
    model.compile("adam", "huber")
    model.layers[0].zoneout, model.layers[1].rate = 0.25, 0.125
    model.optimizer.beta_1, model.loss.delta = 0.5, 3.0
    model.save(tmp_path / "model.safetensors")
    again = gru_c.load_model(tmp_path / "model.safetensors")
    assert (again.layers[0].zoneout, again.layers[1].rate) == (0.25, 0.125)
    assert (again.optimizer.beta_1, again.loss.delta) == (0.5, 3.0)
    assert same([again.predict(SEQUENCES, verbose=0)], [model.predict(SEQUENCES, verbose=0)])
