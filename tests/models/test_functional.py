"""Models of graphs: training and prediction in all forms of inputs and outputs."""

import numpy as np
import pytest
from graph_models import CLASSES, FACTS, NUMBERS, SERIES, X, Y, two_inputs, two_outputs

import gru_c
from gru_c import GRU, Dense, Dropout, Input, Model, Sequential, layers


def trained(x, y=None, **options):
    model = two_inputs()
    model.compile("adam", "mse", metrics=["mae"])
    history = model.fit(x, y, epochs=2, verbose=0, seed=1, **options)
    return history.history, model.get_weights()


PARTS = [tuple(each[i : i + 4] for each in (SERIES, FACTS, NUMBERS)) for i in (0, 4, 8)]


def batches(form):
    """Return a generator of the batches that arrays are cut into."""
    for _ in range(2):
        for first in (0, 4, 8):
            part = slice(first, first + 4)
            x = [SERIES[part], FACTS[part]]
            yield (
                (x if form == "list" else tuple(x) if form == "tuple" else named(x)),
                NUMBERS[part],
            )


def named(x):
    return {"facts": x[1], "series": x[0]}


class Source:
    """A source of batches with numbers."""

    def __len__(self):
        return 3

    def __getitem__(self, number):
        part = slice(4 * number, 4 * number + 4)
        return X | {name: value[part] for name, value in X.items()}, NUMBERS[part], np.ones(4)


def test_all_forms_of_inputs_give_the_same_bits():
    history, weights = trained([SERIES, FACTS], NUMBERS, batch_size=4, shuffle=False)
    others = [
        trained((SERIES, FACTS), NUMBERS, batch_size=4, shuffle=False),
        trained(named([SERIES, FACTS]), {"number": NUMBERS}, batch_size=4, shuffle=False),
        trained([SERIES, FACTS], [NUMBERS[:, 0]], batch_size=4, shuffle=False),
        *(trained(batches(form), steps_per_epoch=3) for form in ("list", "tuple", "dict")),
        trained(Source(), shuffle=False),
        trained(
            [([SERIES[i : i + 4], FACTS[i : i + 4]], NUMBERS[i : i + 4]) for i in (0, 4, 8)],
            shuffle=False,
        ),
    ]
    for other_history, other_weights in others:
        assert other_history == history
        assert all((a == b).all() for a, b in zip(weights, other_weights, strict=True))


def test_a_graph_has_the_same_bits_on_two_threads():
    results = []
    for threads in (1, 2):
        gru_c.set_num_threads(threads)
        x, f = Input((12, 4)), Input((3,))
        shared = GRU(24, return_sequences=True)
        h = layers.Add()([shared(x), shared(x), Dense(24)(x)])
        y = Dense(1)(layers.Concatenate()([GRU(16)(h), GRU(16)(h), f]))
        model = Model([x, f], y)
        rng = np.random.default_rng(0)
        model.set_weights([rng.normal(size=w.shape) / 4 for w in model.get_weights()])
        model.compile("adam", "mse")
        data = [rng.normal(size=(80, 12, 4)), rng.normal(size=(80, 3))]
        model.fit(data, rng.normal(size=80), epochs=2, verbose=0, seed=1)
        results.append([*model.get_weights(), model.predict(data, verbose=0)])
    assert all((a == b).all() for a, b in zip(*results, strict=True))


def test_validation_is_split_off_all_inputs_or_given():
    data = [SERIES, FACTS]
    history, _ = trained(data, NUMBERS, validation_split=0.25)
    assert set(history) == {"loss", "mae", "val_loss", "val_mae"}
    given, _ = trained(
        [SERIES[:9], FACTS[:9]], NUMBERS[:9], validation_data=([SERIES[9:], FACTS[9:]], NUMBERS[9:])
    )
    assert given == history


def test_predictions_do_not_depend_on_the_batches():
    model = two_outputs()
    whole = model.predict(X, verbose=0)
    assert {name: y.shape for name, y in whole.items()} == {"number": (12, 1), "class": (12, 3)}
    parts = model.predict(X, batch_size=5, verbose=0)
    for name, y in model.predict_on_batch(X).items():
        np.testing.assert_array_equal(y, whole[name])
        np.testing.assert_array_equal(parts[name], whole[name])
        np.testing.assert_array_equal(model(X)[name], whole[name])
    generated = model.predict(
        ({k: v[i : i + 4] for k, v in X.items()} for i in (0, 4, 8)), verbose=0
    )
    np.testing.assert_array_equal(generated["class"], whole["class"])


def test_every_output_has_its_losses_metrics_and_weights():
    model = two_outputs()
    history = model.fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y)).history
    names = ["loss", "number_loss", "class_loss", "number_mae", "class_accuracy"]
    assert list(history) == names + [f"val_{name}" for name in names]
    logs = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert model.metrics_names == names == list(logs)
    assert logs["loss"] == pytest.approx(0.5 * logs["number_loss"] + logs["class_loss"])
    p = model.predict(X, verbose=0)
    assert logs["number_mae"] == pytest.approx(np.abs(p["number"] - NUMBERS).mean())
    assert logs["class_accuracy"] == pytest.approx((p["class"].argmax(1) == CLASSES).mean())
    weighted = model.evaluate(
        X, Y, verbose=0, sample_weight={"class": np.zeros(12)}, return_dict=True
    )
    assert weighted["class_loss"] == 0
    assert model.train_on_batch(X, Y, return_dict=True)["loss"] == pytest.approx(
        logs["loss"], rel=0.5
    )


def test_callbacks_see_the_losses_of_outputs(tmp_path):
    model = two_outputs()
    stopping = gru_c.callbacks.EarlyStopping(monitor="val_class_loss", patience=1)
    path = str(tmp_path / "best.safetensors")
    best = gru_c.callbacks.ModelCheckpoint(path, monitor="val_loss", save_best_only=True)
    model.fit(X, Y, epochs=3, verbose=0, validation_data=(X, Y), callbacks=[stopping, best])
    assert gru_c.load_model(path).predict(X, verbose=0)["class"].shape == (12, 3)


def test_a_chain_has_the_bits_of_a_sequential():
    def layers_of():
        return [GRU(4, return_sequences=True), Dropout(0.2), GRU(3), Dense(1)]

    row = Sequential([Input((5, 3)), *layers_of()], seed=3)
    x = tensor = Input((5, 3))
    for layer in layers_of():
        tensor = layer(tensor)
    model = Model(x, tensor, seed=3)
    model.set_weights(row.get_weights())
    for each in (row, model):
        each.compile("adam", "mse")
        each.fit(SERIES, NUMBERS, epochs=2, verbose=0, seed=5)
    for a, b in zip(row.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(row.predict(SERIES, verbose=0), model.predict(SERIES, verbose=0))
    np.testing.assert_array_equal(model.freeze()(SERIES[:3]), row.freeze()(SERIES[:3]))
    np.testing.assert_array_equal(
        model.stream().step(SERIES[:1, 0]), row.stream().step(SERIES[:1, 0])
    )


def test_what_needs_a_chain_is_refused():
    model = two_inputs()
    for call in (model.freeze, model.stream, lambda: model.profile(X)):
        with pytest.raises(ValueError, match="has branches"):
            call()
    with pytest.raises(ValueError, match="lengths= is for a model with one input"):
        model.predict(X, lengths=[5] * 12, verbose=0)
    with pytest.raises(ValueError, match="add is for a Sequential"):
        model.add(Dense(1))
    with pytest.raises(ValueError, match="pop is for a Sequential"):
        model.pop()
    with pytest.raises(ValueError, match="class_weight is for a model with one output"):
        two_outputs().fit(X, Y, class_weight={0: 1.0}, verbose=0)


def test_parts_are_frozen_and_taken_over():
    model = two_inputs()
    feature = Model(model.input, model.layers[-2].output)
    feature.trainable = False
    new = Model(feature.input, Dense(2)(feature.output))
    new.compile("sgd", "mse")
    before = feature.get_weights()
    new.fit(X, np.ones((12, 2)), verbose=0)
    assert all((a == b).all() for a, b in zip(before, feature.get_weights(), strict=True))
    assert len(new.trainable_weights) == 2


def test_a_checkpoint_resumes_to_the_same_bits(tmp_path):
    path = tmp_path / "run.safetensors"
    options = {"verbose": 0, "seed": 2, "batch_size": 4}
    whole = two_outputs()
    whole.fit(X, Y, epochs=3, **options)
    first = two_outputs()
    first.fit(X, Y, epochs=2, checkpoint=path, **options)
    second = two_outputs()
    second.fit(X, Y, epochs=3, checkpoint=path, resume=True, **options)
    for a, b in zip(whole.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_wrong_targets_and_settings_name_the_output():
    model = two_outputs()
    with pytest.raises(ValueError, match="y lacks 'class'"):
        model.fit(X, {"number": NUMBERS}, verbose=0)
    with pytest.raises(ValueError, match=r"output 'class'.*5"):
        model.fit(X, {"number": NUMBERS, "class": np.full(12, 5)}, verbose=0)
    with pytest.raises(ValueError, match="loss has 'other', the model has 2 outputs"):
        model.compile("adam", {"number": "mse", "other": "mse"})
    with pytest.raises(ValueError, match="metrics has 1 items"):
        model.compile("adam", "mse", metrics=["mae"])
    with pytest.raises(TypeError, match="wants symbolic tensors"):
        Model()
    assert layers.Concatenate


def test_a_model_of_a_configuration():
    model = two_inputs()
    other = Model.from_config(model.get_config())
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(
        other.predict([SERIES, FACTS], verbose=0), model.predict([SERIES, FACTS], verbose=0)
    )
    with pytest.raises(ValueError, match="a graph is for Model"):
        Sequential.from_config(model.get_config())
