"""Subclasses of Model with a call of their own: when the graph is recorded, and what is refused."""

import copy
import pickle

import numpy as np
import pytest
from called_models import classes

import gru_c
from gru_c import GRU, Dense, Input, Model, Sequential, layers, ops

RNG = np.random.default_rng(37)
SERIES, NUMBERS = RNG.standard_normal((12, 7, 3)), RNG.standard_normal(12)
USERS = classes(gru_c, ops)


class Simple(Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.gru, self.head = GRU(4), Dense(1)

    def call(self, x):
        return self.head(self.gru(x))


def test_an_object_is_of_the_users_class_and_a_graph():
    model = Simple(name="mine", seed=3)
    assert isinstance(model, Simple)
    assert model.name == "mine"
    assert not model.built
    assert model.get_weights() == []
    assert model.predict(SERIES, verbose=0).shape == (12, 1)
    assert model.built
    assert [type(layer) for layer in model.layers] == [Input, GRU, Dense]
    assert model.count_params() == sum(w.size for w in model.get_weights())


def test_it_computes_what_the_functional_model_does():
    model = Simple()
    model.build((None, 7, 3))
    x = Input((7, 3))
    other = Model(x, Dense(1)(GRU(4)(x)))
    other.set_weights(model.get_weights())
    for each in (model, other):
        each.compile("adam", "mse")
        each.fit(SERIES, NUMBERS, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_array_equal(
        model.predict(SERIES, verbose=0), other.predict(SERIES, verbose=0)
    )


def test_another_number_of_steps_is_possible_where_the_layers_allow_it():
    model = Simple()
    assert model(SERIES).shape == model(SERIES[:, :4]).shape == (12, 1)

    class Flat(Model):
        def __init__(self):
            super().__init__()
            self.flat, self.head = layers.Flatten(), Dense(2)

        def call(self, x):
            return self.head(self.flat(x))

    flat = Flat()
    assert flat(SERIES).shape == (12, 2)
    with pytest.raises(ValueError, match=r"x must have shape \(samples, 7, 3\), got \(12, 4, 3\)"):
        flat(SERIES[:, :4])


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_compile_comes_before_or_after_the_graph(method):
    results = []
    for early in (True, False):
        model = USERS.Branches()
        gru_c.utils.set_random_seed(1)
        if not early:
            model.build([(None, 7, 3), (None, 4)])
        model.compile("sgd", ["mse", "mae"])
        options = {} if method.endswith("batch") else {"verbose": 0}
        y = [NUMBERS, RNG.standard_normal((12, 3)) * 0]
        result = getattr(model, method)([SERIES, SERIES[:, 0, [0, 1, 2, 0]]], y, **options)
        results.append(getattr(result, "history", result))
    assert np.shape(list(results[0])) == np.shape(list(results[1]))


def test_inputs_and_outputs_may_be_dicts():
    model = USERS.Named()
    model.compile("adam", {"total": "mse"})
    model.fit({"series": SERIES}, {"total": NUMBERS}, verbose=0)
    assert set(model.predict({"series": SERIES}, verbose=0)) == {"total"}
    assert model.input_names == ["series"]


def test_sources_of_batches_and_sequences_of_different_length():
    batches = [(SERIES[:6], NUMBERS[:6]), (SERIES[6:], NUMBERS[6:])]
    model = Simple()
    model.compile("adam", "mse")
    assert len(model.fit(batches, verbose=0).history["loss"]) == 1
    ragged = [SERIES[0], SERIES[1, :4], SERIES[2, :2]]
    assert Simple().predict(ragged, verbose=0).shape == (3, 1)
    with pytest.raises(
        ValueError, match=r"a generator would lose its first batch: call model\.build"
    ):
        Simple().predict((batch for batch in batches), verbose=0)


def test_dropout_is_for_training_alone():
    model = USERS.Stacked()
    model.compile("sgd", "mse")
    x = SERIES.astype(np.float32)
    np.testing.assert_array_equal(model.predict(x, verbose=0), model(x))
    assert np.abs(model(x, training=True) - model(x)).max() > 0


def test_a_model_inside_a_model_and_a_row_of_layers():
    class Outer(Model):
        def __init__(self):
            super().__init__()
            self.inner, self.row = Simple(), Sequential([Dense(4), Dense(2)])

        def call(self, x):
            return self.row(self.inner(x))

    model = Outer()
    model.compile("adam", "mse")
    model.fit(SERIES, np.zeros((12, 2)), verbose=0)
    shapes = [(3, 12), (4, 12), (2, 12), (4, 1), (1,), (1, 4), (4,), (4, 2), (2,)]
    assert [w.shape for w in model.get_weights()] == shapes


def test_copies_pickles_and_files(tmp_path):
    model = Simple()
    expected = model.predict(SERIES, verbose=0)
    others = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    assert all(isinstance(other, Simple) for other in others)
    model.save(tmp_path / "m.safetensors")
    others.append(gru_c.models.load_model(tmp_path / "m.safetensors"))
    model.save_weights(tmp_path / "w.safetensors")
    others.append(Simple())
    others[-1].build((None, 7, 3))
    others[-1].load_weights(tmp_path / "w.safetensors")
    for other in others:
        np.testing.assert_array_equal(other.predict(SERIES, verbose=0), expected)


# ---- refusals ----


def test_what_needs_the_graph_says_how_to_make_it(tmp_path):
    message = r"model 'simple' has no graph yet: .* model.build"
    for call in (
        lambda model: model.summary(),
        lambda model: model.save(tmp_path / "m.safetensors"),
        lambda model: model.set_weights([]),
    ):
        with pytest.raises(ValueError, match=message):
            call(Simple())
    with pytest.raises(AttributeError, match=message):
        _ = Simple().output_shape


def model_of(call, **names):
    return type("Odd", (Model,), {"call": call, **names})


def branching(self, x, training=False):
    return x * 2 if training else x


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (branching, TypeError, "Python cannot decide about training: write layer"),
        (lambda self, x: x if x[0, 0, 0] > 0 else -x, TypeError, "symbolic tensor"),
        (lambda self, x: np.tanh(x), TypeError, "gru_c.ops"),
        (lambda self, x: 3, TypeError, "must return tensors .* got int"),
        (lambda self, x: None, TypeError, "must return tensors .* got NoneType"),
    ],
)
def test_a_call_that_cannot_be_recorded(call, error, message):
    model = model_of(call)()
    with pytest.raises(error, match=message):
        model(SERIES)
    assert not model.built


@pytest.mark.parametrize("name", ["train_step", "test_step", "predict_step", "compute_loss"])
def test_a_step_that_fit_would_not_call_is_refused(name):
    kind = model_of(lambda self, x: x, **{name: lambda self, data: {}})
    with pytest.raises(TypeError, match=f"Odd defines {name}, which fit would not call"):
        kind()


def test_an_optimizer_that_does_not_exist_is_refused_at_once():
    with pytest.raises(ValueError, match="adamm"):
        Simple().compile("adamm", "mse")


def test_arguments_beside_arrays_are_refused():
    with pytest.raises(TypeError, match=r"more than its inputs \(ndarray, state\)"):
        Simple()(SERIES, SERIES, state=1)


def test_a_model_for_each_time_step():
    x = Input((3,))
    part = Model(x, Dense(2)(Dense(4, "tanh")(x)))
    series = Input((7, 3))
    whole = Model(series, layers.TimeDistributed(part)(series))
    expected = np.stack([part.predict(SERIES[:, t], verbose=0) for t in range(7)], axis=1)
    np.testing.assert_allclose(whole.predict(SERIES, verbose=0), expected, atol=1e-6)
    whole.compile("sgd", "mse")
    before = part.get_weights()
    whole.fit(SERIES, np.zeros((12, 7, 2)), verbose=0)
    assert all(np.abs(a - b).max() > 0 for a, b in zip(part.get_weights(), before, strict=True))


def test_a_model_as_a_layer_of_a_chain():
    x = Input((7, 3))
    row = Sequential([Dense(4), Dense(2)])
    model = Model(x, row(GRU(3, return_sequences=True)(x)))
    assert model.predict(SERIES, verbose=0).shape == (12, 7, 2)
    model.compile("adam", "mse")
    assert model.fit(SERIES, np.zeros((12, 7, 2)), epochs=2, verbose=0).history["loss"][1] > 0
