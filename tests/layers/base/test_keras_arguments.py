"""Names that Keras has had for the shape of a layer's input, fixed batch sizes, initial weights."""

import numpy as np
import pytest

from gru_c import GRU, Bidirectional, Dense, Embedding, Input, Sequential, layers, load_model

X = np.random.default_rng(0).normal(size=(8, 5, 3)).astype(np.float32)


def stateful_model(**options):
    return Sequential([GRU(4, stateful=True, **options), Dense(1)], seed=0)


# ---- the shape of the input --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: [GRU(4, batch_input_shape=(8, 5, 3))], (8, 5, 3)),
        (lambda: [GRU(4, batch_input_shape=(None, 5, 3))], (None, 5, 3)),
        (lambda: [GRU(4, input_shape=(5, 3), batch_size=8)], (8, 5, 3)),
        (lambda: [GRU(4, input_dim=3, input_length=5)], (None, 5, 3)),
        (lambda: [GRU(4, input_dim=3)], (None, None, 3)),
        (lambda: [Bidirectional(GRU(4, batch_input_shape=(8, 5, 3)))], (8, 5, 3)),
        (lambda: [Dense(4, input_dim=3)], (None, 3)),
        (lambda: [Input(batch_shape=(8, 5, 3)), GRU(4)], (8, 5, 3)),
        (lambda: [Input((5, 3), 8), GRU(4)], (8, 5, 3)),
        (lambda: [layers.InputLayer(input_shape=(5, 3)), GRU(4)], (None, 5, 3)),
        (lambda: [layers.InputLayer(batch_input_shape=(8, 5, 3)), GRU(4)], (8, 5, 3)),
        (lambda: [Input(batch_shape=(8, 5), dtype="int32", name="words"), Embedding(9, 4)], (8, 5)),
    ],
)
def test_each_of_keras_names_gives_the_shape_of_the_input(make, shape):
    model = Sequential(make())
    assert model.input_shape == shape
    assert model.output_shape[0] == shape[0]
    assert model.layers[0].units == 4 if isinstance(model.layers[0], GRU) else True


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GRU(4, batch_input_shape=3), "batch_input_shape must be a tuple such as"),
        (lambda: GRU(4, input_dim=3, input_shape=(5, 3)), "input_dim and input_shape: give one"),
        (lambda: GRU(4, batch_size=4, batch_input_shape=(8, 5, 3)), "batch_size=4 and batch_input"),
        (lambda: Input(shape=(5, 3), batch_shape=(8, 5, 3)), "two shapes: give one"),
        (lambda: Input(), "Input.. wants a shape"),
    ],
)
def test_a_shape_that_is_given_twice_or_wrong_is_refused(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_a_stateful_model_refuses_batches_of_another_than_its_fixed_size(tmp_path):
    model = stateful_model(batch_input_shape=(4, 5, 3))
    model.compile("sgd", "mse")
    model.fit(X, X[:, 0, :1], batch_size=4, shuffle=False, verbose=0)
    model.save(tmp_path / "model.safetensors")
    before = model.get_weights()
    for fixed in (model, load_model(tmp_path / "model.safetensors")):
        assert fixed.predict(X, batch_size=4, verbose=0).shape == (8, 1)
        fixed.reset_states()
        for call in (
            lambda model: model.predict(X, verbose=0),
            lambda model: model.fit(X, X[:, 0, :1], shuffle=False, verbose=0),
            lambda model: model.evaluate(X, X[:, 0, :1], verbose=0),
            lambda model: model.train_on_batch(X, X[:, 0, :1]),
            lambda model: model(X),
        ):
            with pytest.raises(ValueError, match=r"the model's batch size is fixed at 4: got .* 8"):
                call(fixed)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


def test_a_model_without_states_takes_any_batch_as_keras_does():
    model = Sequential([GRU(4, batch_input_shape=(4, 5, 3))])
    assert model.predict(X, verbose=0).shape == (8, 4)


# ---- weights -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda **options: Dense(4, **options),
        lambda **options: GRU(4, **options),
        lambda **options: Bidirectional(GRU(4), **options),
        lambda **options: layers.LayerNormalization(**options),
    ],
)
def test_weights_of_a_constructor_are_the_initial_weights(make):
    example = make()
    example.build((None, 5, 3))
    weights = [weight + 1 for weight in example.get_weights()]
    layer = make(weights=weights, trainable=False)
    Sequential([Input((5, 3)), layer], seed=0)
    assert all((a == b).all() for a, b in zip(layer.get_weights(), weights, strict=True))
    assert "weights" not in layer.get_config()
    assert not layer.trainable_weights


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ([np.ones((3, 4))], ValueError, "has 2 weights, got 1"),
        ([np.ones((4, 4)), np.ones(4)], ValueError, r"kernel .*\(3, 4\), got \(4, 4\)"),
        ([np.full((3, 4), np.nan), np.ones(4)], ValueError, r"weights\[0\].*finite"),
        (np.ones((3, 4)), TypeError, "must be a list of arrays"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights, error, message):
    with pytest.raises(error, match=message):
        Dense(4, weights=weights).build((None, 3))


def test_a_layer_of_the_user_says_which_methods_it_must_define():
    class Empty(layers.Layer):
        pass

    class Plain(layers.Layer):
        def forward(self, x, *, training=False):
            return x

    with pytest.raises(NotImplementedError, match=r"Empty must define forward\(.*or call\(x\)"):
        Empty()(np.ones((2, 3)))
    with pytest.raises(NotImplementedError, match=r"^Plain must define backward\(d_output"):
        Plain().backward(np.ones((2, 3)))
