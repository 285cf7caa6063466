"""Pooling of time steps: values, gradients, masks, files."""

import numpy as np
import pytest
from tools import assert_gradients, assert_same_bits

import gru_c
from gru_c import (
    GRU,
    AveragePooling1D,
    Conv1D,
    Cropping1D,
    Dense,
    Embedding,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Input,
    MaxPooling1D,
    Sequential,
    UpSampling1D,
    ZeroPadding1D,
    layers,
)

RNG = np.random.default_rng(102)
X = RNG.standard_normal((3, 10, 4))
MASK = np.array([[True] * 10, [False, True, True] + [False] * 7, [True, False] * 5])
POOLS = [(1, None), (2, None), (3, 1), (3, 2), (4, 5), (10, 3)]


def windows_of(x, size, stride, padding):
    """The steps of the input that each window holds."""
    steps = x.shape[1]
    count = -(-steps // stride) if padding == "same" else (steps - size) // stride + 1
    total = max(0, (count - 1) * stride + size - steps) if padding == "same" else 0
    for number in range(count):
        first = number * stride - total // 2
        yield x[:, max(first, 0) : first + size]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("size", "stride"), POOLS)
@pytest.mark.parametrize(("cls", "pool"), [(MaxPooling1D, np.max), (AveragePooling1D, np.mean)])
def test_each_window_is_pooled(cls, pool, size, stride, padding, data_format):
    for x in (X, X[:, :9]):
        if size > x.shape[1] and padding == "valid":
            continue
        windows = windows_of(x, size, stride or size, padding)
        expected = np.stack([pool(window, axis=1) for window in windows], axis=1)
        if data_format == "channels_first":
            x, expected = x.swapaxes(1, 2), expected.swapaxes(1, 2)
        layer = cls(size, stride, padding, data_format, dtype="float64")
        np.testing.assert_allclose(layer(x), expected, rtol=1e-12)
        assert layer.compute_output_shape((None, *x.shape[1:])) == (None, *expected.shape[1:])
        assert_gradients(layer, x.copy())


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("keepdims", [False, True])
def test_all_steps_are_pooled(keepdims, data_format):
    x = X if data_format == "channels_last" else X.swapaxes(1, 2)
    time = 1 if data_format == "channels_last" else 2
    for cls, pool in ((GlobalMaxPooling1D, np.max), (GlobalAveragePooling1D, np.mean)):
        layer = cls(data_format, keepdims, dtype="float64")
        expected = pool(x, axis=time, keepdims=keepdims)
        np.testing.assert_allclose(layer(x), expected, rtol=1e-12)
        assert layer.compute_output_shape((None, *x.shape[1:])) == (None, *expected.shape[1:])
        assert_gradients(layer, x.copy())


def test_the_mean_is_over_the_steps_that_count():
    layer = GlobalAveragePooling1D(dtype="float64")
    x = np.where(MASK[:, :, None], X, np.nan)
    expected = np.nanmean(x, axis=1)
    np.testing.assert_allclose(layer(x, mask=MASK), expected, rtol=1e-12)
    assert layer.compute_mask(x, MASK) is None

    def call(training=False):
        return layer.forward(X, training=training, mask=MASK)

    assert_gradients(layer, X, call)
    assert not layer.backward(expected)[~MASK].any()


def test_the_mean_of_no_steps_is_nan_and_has_no_gradient():
    layer = GlobalAveragePooling1D()
    y = layer(X, training=True, mask=MASK & [[True], [False], [True]])
    assert np.isnan(y[1]).all()
    assert np.isfinite(y[[0, 2]]).all()
    assert not layer.backward(np.ones((3, 4)))[1].any()


def test_the_first_of_equal_values_has_the_gradient_and_over_all_steps_all_share_it():
    x = np.array([[[1.0], [3.0], [3.0], [2.0]]])
    layer = MaxPooling1D(4)
    layer(x, training=True)
    np.testing.assert_array_equal(layer.backward([[[6.0]]]).ravel(), [0, 6, 0, 0])
    layer = GlobalMaxPooling1D()
    layer(x, training=True)
    np.testing.assert_array_equal(layer.backward([[6.0]]).ravel(), [0, 3, 3, 0])


def test_nan_is_not_hidden():
    x = X.copy()
    x[0, 4, 1] = np.nan
    assert np.isnan(MaxPooling1D(5)(x, training=True)[0, 0, 1])
    assert np.isnan(GlobalMaxPooling1D()(x)[0, 1])
    assert np.isnan(GlobalAveragePooling1D()(x)[0, 1])


def test_other_arguments_and_shapes_are_checked():
    for bad in (-1, (1, -1)):
        with pytest.raises(ValueError, match="padding must be an integer of at least 0, or two"):
            ZeroPadding1D(bad)
    with pytest.raises(ValueError, match="cropping must be an integer"):
        Cropping1D((1, 2, 3))
    with pytest.raises(TypeError, match="cropping must be an integer"):
        Cropping1D((1, 0.5))
    with pytest.raises(TypeError, match="size must be an integer"):
        UpSampling1D(1.5)
    with pytest.raises(ValueError, match="no time step is left"):
        Cropping1D((5, 5))(X)
    with pytest.raises(ValueError, match="a window reaches over 11 time steps"):
        MaxPooling1D(11)(X)
    with pytest.raises(ValueError, match="with a time step"):
        GlobalMaxPooling1D()(X[:, :0])
    with pytest.raises(ValueError, match=r"mask must .*\(3, 10\)"):
        GlobalAveragePooling1D()(X, mask=MASK[:, :4])
    for cls in (MaxPooling1D, GlobalMaxPooling1D, GlobalAveragePooling1D, UpSampling1D):
        with pytest.raises(ValueError, match=r"wants input of shape \(batch, time, features\)"):
            cls()(X[0])


def test_names_of_keras_are_there():
    assert layers.MaxPool1D is gru_c.MaxPool1D is MaxPooling1D
    assert layers.AvgPool1D is gru_c.AvgPool1D is AveragePooling1D
    assert layers.GlobalMaxPool1D is gru_c.GlobalMaxPool1D is GlobalMaxPooling1D
    assert layers.GlobalAvgPool1D is gru_c.GlobalAvgPool1D is GlobalAveragePooling1D
    names = [layer.name for layer in Sequential([MaxPooling1D(), GlobalMaxPooling1D()]).layers]
    assert names == ["max_pooling1d", "global_max_pooling1d"]


def model_of_all(dtype="float32"):
    chain = [
        ZeroPadding1D((1, 0)),
        Conv1D(6, 3, activation="relu"),
        MaxPooling1D(2, padding="same"),
        UpSampling1D(2),
        Cropping1D((0, 1)),
        AveragePooling1D(3, 1),
        GRU(5, return_sequences=True),
        GlobalAveragePooling1D(),
        Dense(1),
    ]
    model = Sequential([Input((None, 4)), *chain], dtype=dtype, seed=4)
    model.compile(gru_c.optimizers.Adam(0.01), "mse")
    return model


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_model_of_all_trains_and_is_saved(dtype, tmp_path):
    model = model_of_all(dtype)
    x = RNG.standard_normal((48, 12, 4)).astype(dtype)
    y = x.sum(axis=(1, 2)) / 5
    losses = model.fit(x, y, epochs=15, batch_size=8, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    model.save(tmp_path / "model.safetensors")
    again = gru_c.load_model(tmp_path / "model.safetensors")
    assert [a.get_config() for a in again.layers] == [b.get_config() for b in model.layers]
    assert_same_bits(again.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_mask_of_the_model_reaches_the_mean():
    words = RNG.integers(1, 9, (4, 7))
    words[0, 3:], words[2, 5:] = 0, 0
    chain = [Embedding(9, 3, mask_zero=True), GRU(3, return_sequences=True)]
    model = Sequential([*chain, GlobalAveragePooling1D(), Dense(1)], seed=5)
    model.build((None, None))
    short = model.predict(words[:1, :3], verbose=0)
    np.testing.assert_allclose(model.predict(words, verbose=0)[:1], short, rtol=1e-5)
    model.compile("sgd", "mse")
    model.fit(words, np.zeros(4), verbose=0)


@pytest.mark.parametrize(
    "cls",
    [MaxPooling1D, AveragePooling1D, GlobalMaxPooling1D, ZeroPadding1D, Cropping1D, UpSampling1D],
)
def test_a_mask_ends_with_a_warning(cls):
    layer = cls()
    with pytest.warns(UserWarning, match="drops the mask, as in Keras"):
        assert layer.compute_mask(X, MASK) is None
    assert layer.compute_mask(X, np.ones((3, 10), bool)) is None
    assert layer.compute_mask(X) is None
