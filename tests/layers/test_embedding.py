"""Embedding: lookup, gradient, and the indices that it accepts."""

import numpy as np
import pytest
from tools import assert_gradients

import gru_c
from gru_c import (
    GRU,
    Activation,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    LayerNormalization,
    Masking,
    RepeatVector,
    Sequential,
)

RNG = np.random.default_rng(71)
WORDS = RNG.integers(0, 7, (40, 5))
LABELS = (WORDS == 3).any(axis=1)


def built(input_dim=7, output_dim=4, **options):
    layer = Embedding(input_dim, output_dim, **options)
    layer.build((None, None), rng=1)
    return layer


def text_model(seed=3, **options):
    model = Sequential(
        [Embedding(7, 4, **options), GRU(6), Dense(1, activation="sigmoid")], seed=seed
    )
    model.compile(gru_c.optimizers.Adam(0.01), "binary_crossentropy")
    return model


def test_defaults_are_those_of_keras():
    layer = built(500, 40)
    values = layer.value("embeddings")
    assert values.shape == (500, 40)
    assert np.abs(values).max() <= 0.05
    assert np.abs(values).max() > 0.0499
    assert layer.mask_zero is False


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(3,), (3, 5), (2, 3, 5), (0, 5)])
def test_it_is_a_table(dtype, shape):
    layer = built(dtype=dtype)
    indices = RNG.integers(0, 7, shape)
    output = layer(indices)
    assert output.dtype == dtype
    np.testing.assert_array_equal(output, layer.value("embeddings")[indices])
    assert layer.compute_output_shape(shape) == output.shape


@pytest.mark.parametrize(
    "dtype", [np.int8, np.uint8, np.int64, np.uint64, float, np.float16, ">i4"]
)
def test_it_takes_whole_numbers_of_any_kind(dtype):
    layer = built(300)
    np.testing.assert_array_equal(layer(WORDS.astype(dtype)), layer(WORDS))


def test_gradient_by_finite_differences():
    assert_gradients(built(dtype="float64"), WORDS)


def test_gradient_adds_up_what_one_index_got_and_is_zero_elsewhere():
    layer = built(10, 2)
    layer.forward([[1, 4], [4, 4]], training=True)
    layer.gradient("embeddings")[...] = 9  # from an earlier pass
    assert layer.backward([[[1, 2], [3, 4]], [[5, 6], [7, 8]]]) is None
    expected = np.zeros((10, 2))
    expected[1], expected[4] = (1, 2), (15, 18)
    np.testing.assert_array_equal(layer.gradient("embeddings"), expected)
    layer.backward([[[1, 2], [3, 4]], [[5, 6], [7, 8]]], accumulate=True)
    np.testing.assert_array_equal(layer.gradient("embeddings"), 2 * expected)


def test_gradient_of_indices_that_are_one_byte():
    layer = built(200, 100)
    layer.forward(np.full((1, 2), 199, np.uint8), training=True)
    layer.backward(np.ones((1, 2, 100)))
    np.testing.assert_array_equal(layer.gradient("embeddings")[-1], 2)


# ---- in models -----------------------------------------------------------------------------------


def test_a_model_learns_to_spot_a_word():
    model = text_model()
    losses = model.fit(WORDS, LABELS, epochs=60, verbose=0).history["loss"]
    assert losses[-1] < 0.3 * losses[0]


def test_any_length_after_any_length():
    model = text_model()
    model.fit(WORDS, LABELS, verbose=0)
    assert model.input_shape == (None, None)
    assert model.predict(WORDS[:, :3]).shape == (40, 1)


def test_integers_and_floats_train_alike():
    histories = [
        text_model().fit(words, LABELS, epochs=2, verbose=0).history
        for words in (WORDS, WORDS.astype(np.float32))
    ]
    assert histories[0] == histories[1]


def test_files_keep_the_layer(tmp_path):
    model = text_model(mask_zero=True, embeddings_regularizer="l2")
    model.build((None, None))
    model.save(tmp_path / "model.safetensors")
    again = gru_c.load_model(tmp_path / "model.safetensors")
    assert again.layers[0].get_config() == model.layers[0].get_config()
    np.testing.assert_array_equal(again.predict(WORDS), model.predict(WORDS))


# ---- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Embedding(0, 3), "input_dim must be an integer of at least 1, got 0"),
        (lambda: Embedding(3, -1), "output_dim must be an integer of at least 1, got -1"),
        (lambda: Embedding(3, 2, "unifrom"), "did you mean 'uniform'"),
        (lambda: Embedding(3, 2).forward([[1]]), "has no weights yet"),
        (lambda: built()(3), r"wants input of shape \(batch, ...\), got \(\)"),
        (lambda: built()([[0, 7]]), r"index 7 of sample 0 \(x\[0, 1\]\) .* integer in \[0, 7\)"),
        (lambda: built()([[0], [-1]]), r"index -1 of sample 1 \(x\[1, 0\]\)"),
        (lambda: built()([[0.5]]), r"index 0.5 of sample 0 \(x\[0, 0\]\)"),
        (lambda: built()([[np.nan]]), "index nan of sample 0"),
        (lambda: built()([["a"]]), "x must hold real numbers"),
        (lambda: built().backward(np.zeros((1, 2, 4))), "has no tape"),
        (
            lambda: Embedding(2**24 + 1, 1).prepare_input(np.zeros((1, 1), np.float32)),
            "has 16777217 indices, not all of which are float32 numbers: x must hold integers",
        ),
        (
            lambda: Sequential([Dropout(0.1), Embedding(7, 4)]),
            "layer 'embedding' takes whole numbers, .* must be the first of the model",
        ),
    ],
)
def test_bad_input(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_an_input_may_come_before():
    model = Sequential([Input((5,)), Embedding(7, 4), GRU(2)])
    assert model.output_shape == (None, 2)


def test_backward_checks_the_gradient_and_writes_nothing():
    layer = built()
    layer.forward(WORDS, training=True)
    with pytest.raises(ValueError, match=r"shape of its output, \(40, 5, 4\), got \(40, 5, 3\)"):
        layer.backward(np.zeros((40, 5, 3)))
    assert not layer.gradient("embeddings").any()


@pytest.mark.parametrize("way", ["fit", "evaluate", "predict", "train_on_batch", "__call__"])
def test_a_model_refuses_all_its_indices_before_it_changes_anything(way):
    model = text_model()
    model.build((None, None))
    before = model.get_weights()
    words = WORDS.copy()
    # In the last batch. float32 cannot represent this index.
    words[39, 2] = 2**24 + 1
    arguments = (words,) if way in ("predict", "__call__") else (words, LABELS)
    with pytest.raises(ValueError, match=r"index 16777217 of sample 39 \(x\[39, 2\]\)"):
        getattr(model, way)(*arguments)
    for was, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(now, was)


def test_an_unbuilt_model_refuses_before_it_is_built():
    model, words = text_model(), WORDS.copy()
    words[0, 0] = 7
    with pytest.raises(ValueError, match="index 7 of sample 0"):
        model.fit(words, LABELS, verbose=0)
    assert not model.built


# ---- samples of one index ------------------------------------------------------------------------

IDS = np.array([0, 1, 2, 3, 1, 2, 0, 3])
VECTORS = RNG.normal(size=(8, 3)).astype(np.float32)


def table(*layers):
    model = Sequential([Input(()), Embedding(4, 3), *layers], seed=0)
    model.compile(gru_c.optimizers.SGD(0.1), "mse", ["mae"])
    return model


def test_a_sample_may_be_one_index():
    model = table()
    assert (model.input_shape, model.output_shape) == ((None,), (None, 3))
    before = model.get_weights()[0]
    model.fit(IDS, VECTORS, batch_size=8, epochs=1, verbose=0)
    gradient = np.zeros((4, 3))
    np.add.at(gradient, IDS, 2 * (before[IDS] - VECTORS) / 24)
    after = model.get_weights()[0]
    np.testing.assert_allclose(after, before - 0.1 * gradient, rtol=1e-5)
    outputs = model.predict(IDS, verbose=0)
    np.testing.assert_array_equal(outputs, after[IDS])
    for same in (
        model.predict(IDS.tolist(), batch_size=3, verbose=0),
        model.predict(iter([IDS[:5], IDS[5:]]), verbose=0),
        model.predict_on_batch(IDS.astype(float)),
        model(IDS),
        model.stream(8).step(IDS),
    ):
        np.testing.assert_array_equal(same, outputs)
    loss, mae = model.evaluate(IDS, VECTORS, batch_size=3, verbose=0)
    assert loss == pytest.approx(((outputs - VECTORS) ** 2).mean())
    assert mae == pytest.approx(abs(outputs - VECTORS).mean())


def test_a_model_of_single_indices_in_a_file(tmp_path):
    model = table(Dense(2))
    path = tmp_path / "model.safetensors"
    model.save(path)
    again = gru_c.load_model(path)
    assert again.input_shape == (None,)
    np.testing.assert_array_equal(again.predict(IDS, verbose=0), model.predict(IDS, verbose=0))


def test_the_same_without_an_input():
    model = Sequential([Embedding(4, 3)], seed=0)
    model.compile("sgd", "mse")
    model.fit(IDS, VECTORS, verbose=0)
    assert model.input_shape == (None,)
    assert Sequential([Embedding(4, 3, input_shape=())]).output_shape == (None, 3)


def test_one_vector_as_a_sequence():
    model = table(RepeatVector(5), GRU(3))
    model.fit(IDS, VECTORS, verbose=0)
    same = Sequential([Input((3,)), *model.layers[1:]])
    expected = same.predict(model.layers[0](IDS), verbose=0)
    np.testing.assert_array_equal(model.predict(IDS, verbose=0), expected)


@pytest.mark.parametrize(
    "layer",
    [Dense(2), GRU(2), LayerNormalization(), Masking(), RepeatVector(2), Activation("softmax")],
    ids=repr,
)
def test_other_layers_want_an_axis(layer):
    with pytest.raises(ValueError, match=rf"layer '{layer.label}' wants input of shape"):
        Sequential([Input(()), layer])


def test_flatten_makes_that_axis():
    model = Sequential([Input(()), Flatten(), Dense(2)], seed=0)
    model.compile("sgd", "mse")
    model.fit(np.ones(4), np.ones((4, 2)), verbose=0)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(model.predict([2.0], verbose=0)[0], 2 * kernel[0] + bias, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.predict(IDS[:, None], verbose=0), r"\(samples,\), got \(8, 1\)$"),
        (lambda m: m.predict(np.array(2), verbose=0), r"\(samples,\), got \(\)$"),
        (lambda m: m.predict([4], verbose=0), r"index 4 of sample 0 \(x\[0\]\)"),
        (lambda m: m.fit(IDS, VECTORS, lengths=IDS), r"only sequences \(B, T, ...\) have steps"),
        (lambda m: m.fit(IDS, VECTORS[:, :2]), r"expects y of shape \(8, 3\), got \(8, 2\)"),
    ],
)
def test_arguments_that_do_not_fit_single_indices(call, message):
    with pytest.raises(ValueError, match=message):
        call(table())


def test_input_length_of_old_programs_goes_with_input_dim():
    layer = Embedding(input_dim=9, output_dim=2, input_length=5)
    assert (layer.input_dim, layer.input_shape) == (9, None)
    layer = Embedding(input_dim=9, output_dim=2, batch_input_shape=(4, 5))
    assert (layer.input_dim, layer.input_shape, layer.batch_size) == (9, (5,), 4)
