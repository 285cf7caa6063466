"""Conv1D: the formula, gradients, shapes, what it refuses, files, streams, masks."""

import numpy as np
import pytest
from tools import assert_gradients, assert_same_bits, finite_difference

import gru_c
from gru_c import GRU, Conv1D, Dense, GlobalMaxPooling1D, Input, Masking, Sequential
from gru_c.layers import Convolution1D, convolution

RNG = np.random.default_rng(101)
X = RNG.standard_normal((3, 11, 4))


def by_definition(x, kernel, bias, strides=1, padding="valid", dilation=1, groups=1):
    """The sum of the definition, window by window."""
    size, per_group, filters = kernel.shape
    reach = (size - 1) * dilation + 1
    count = -(-x.shape[1] // strides)
    if padding == "causal":
        pads = (reach - 1, 0)
    elif padding == "same":
        total = max(0, (count - 1) * strides + reach - x.shape[1])
        pads = (total // 2, total - total // 2)
    else:
        pads, count = (0, 0), (x.shape[1] - reach) // strides + 1
    x = np.concatenate([np.zeros((len(x), n, x.shape[2])) for n in pads[:1]] + [x], axis=1)
    x = np.concatenate([x, np.zeros((len(x), pads[1], x.shape[2]))], axis=1)
    y = np.zeros((len(x), count, filters))
    for t in range(count):
        for f in range(filters):
            first = f // (filters // groups) * per_group
            window = x[:, t * strides : t * strides + reach : dilation, first : first + per_group]
            y[:, t, f] = (window * kernel[:, :, f]).sum(axis=(1, 2)) + bias[f]
    return y


def layer_of(**options):
    """A float64 layer of 6 filters with biases that are not zero."""
    options = {"kernel_size": 3, "dtype": "float64", "bias_initializer": "random_normal", **options}
    return Conv1D(6, **options)


WINDOWS = [
    {"strides": s, "padding": p, "dilation_rate": d}
    for p in ("valid", "same", "causal")
    for s, d in ((1, 1), (2, 1), (3, 1), (1, 2), (1, 3))
]


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("options", WINDOWS, ids=str)
def test_each_window_is_the_sum_of_the_definition(options, groups):
    layer = layer_of(groups=groups, **options)
    layer.build(X.shape, rng=1)
    kernel, bias = layer.get_weights()
    options = {"dilation" if k == "dilation_rate" else k: v for k, v in options.items()}
    expected = by_definition(X, kernel, bias, groups=groups, **options)
    np.testing.assert_allclose(layer(X), expected, rtol=1e-12, atol=1e-12)
    assert layer.compute_output_shape((None, *X.shape[1:])) == (None, *expected.shape[1:])


@pytest.mark.parametrize("activation", [None, "tanh", "softmax"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("options", [*WINDOWS[::4], {"groups": 2}, {"use_bias": False}], ids=str)
def test_gradients_are_those_of_finite_differences(options, data_format, activation):
    layer = layer_of(data_format=data_format, activation=activation, **options)
    x = X if data_format == "channels_last" else X.swapaxes(1, 2).copy()
    layer.build(x.shape, rng=1)
    assert_gradients(layer, x.copy())


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("features", [1, 2, 6])
def test_pieces_of_the_windows_give_what_all_of_them_give(features, groups, monkeypatch):
    x = RNG.standard_normal((3, 11, features * groups))
    layer = layer_of(groups=groups)
    layer.build(x.shape, rng=1)
    y = layer.forward(x, training=True)
    d_x = layer.backward(y)
    gradients = [item.gradient.copy() for item in layer.parameters]
    for most in (1, 200, 700, 5000):
        monkeypatch.setattr(convolution, "_GATHERED", most)
        assert_same_bits(layer.forward(x, training=True), y)
        np.testing.assert_allclose(layer.backward(y), d_x, rtol=1e-12)
        for item, gradient in zip(layer.parameters, gradients, strict=True):
            np.testing.assert_allclose(item.gradient, gradient, rtol=1e-12)


def test_gradients_accumulate():
    for groups in (1, 2):
        layer = layer_of(groups=groups)
        layer(X)
        y = layer.forward(X, training=True)
        layer.backward(y)
        once = [item.gradient.copy() for item in layer.parameters]
        assert layer.backward(y, accumulate=True, input_gradient=False) is None
        for item, gradient in zip(layer.parameters, once, strict=True):
            np.testing.assert_allclose(item.gradient, 2 * gradient, rtol=1e-12)


def test_a_causal_output_does_not_see_later_steps():
    layer = layer_of(padding="causal", dilation_rate=2)
    y = layer(X)
    x = X.copy()
    x[:, 6:] += 1
    assert_same_bits(layer(x)[:, :6].copy(), y[:, :6].copy())
    assert (layer(x)[:, 6] != y[:, 6]).any()


def test_company_in_the_batch_does_not_change_a_bit():
    layer = Conv1D(5, 3, padding="same")
    y = layer(X)
    for sample in range(3):
        assert_same_bits(layer(X[sample : sample + 1])[0], y[sample])


def test_arrays_of_any_layout_are_taken():
    layer = layer_of()
    y = layer(X)
    turned = np.asfortranarray(X)
    assert_same_bits(layer(turned), y)
    assert_same_bits(layer(np.repeat(X, 2, axis=1)[:, ::2]), y)
    assert layer(X[:0]).shape == (0, 9, 6)
    layer.forward(turned, training=True)
    d_x = layer.backward(np.asfortranarray(y))
    layer.forward(X, training=True)
    assert_same_bits(np.ascontiguousarray(d_x), np.ascontiguousarray(layer.backward(y)))
    layer.forward(X[:0], training=True)
    assert layer.backward(y[:0]).shape == (0, 11, 4)
    assert not layer.gradient("kernel").any()


def test_shapes_open_and_closed():
    assert Conv1D(6, 3, strides=2).compute_output_shape((None, None, 4)) == (None, None, 6)
    first = Conv1D(6, 3, data_format="channels_first")
    assert first.compute_output_shape((None, 4, 10)) == (None, 6, 8)
    assert first(np.zeros((2, 4, 10))).shape == (2, 6, 8)
    assert first(np.zeros((2, 4, 7))).shape == (2, 6, 5)
    assert first.built_shape == (None, 4, None)
    assert Conv1D(6, (3,), strides=[2]).get_config()["kernel_size"] == [3]
    assert Convolution1D is Conv1D
    assert gru_c.layers.LAYERS["Conv1D"] is Conv1D


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"filters": 0}, ValueError, "filters must be an integer of at least 1, got 0"),
        (
            {"kernel_size": 0},
            ValueError,
            "kernel_size must be an integer of at least 1, also in a tuple of one, got 0",
        ),
        (
            {"kernel_size": 2.5},
            TypeError,
            "kernel_size must be an integer of at least 1, also in a tuple of one, got 2.5",
        ),
        ({"kernel_size": (2, 3)}, TypeError, "kernel_size must be an integer"),
        ({"strides": 0}, ValueError, "strides must be an integer of at least 1"),
        ({"dilation_rate": 0}, ValueError, "dilation_rate must be an integer of at least 1"),
        ({"padding": "full"}, ValueError, "padding must be one of 'valid', 'same', 'causal'"),
        ({"padding": 1}, TypeError, "padding must be one of"),
        ({"data_format": "NWC"}, ValueError, "data_format must be one of"),
        ({"groups": 4}, ValueError, "multiple of groups, got filters=6, groups=4"),
        ({"strides": 2, "dilation_rate": 2}, ValueError, "cannot both be above 1"),
        ({"activation": "tanhh"}, ValueError, "did you mean 'tanh'"),
    ],
)
def test_arguments_are_checked(options, error, words):
    with pytest.raises(error, match=words):
        Conv1D(**{"filters": 6, "kernel_size": 3, **options})


def test_input_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"a window reaches over 5 time steps.*has 4"):
        Conv1D(6, 3, dilation_rate=2)(X[:, :4])
    with pytest.raises(ValueError, match="multiple of groups=3"):
        Conv1D(6, 3, groups=3)(X)
    with pytest.raises(ValueError, match=r"wants input of shape \(batch, time, features\)"):
        Conv1D(6, 3)(X[0])
    with pytest.raises(ValueError, match=r"\(batch, features, time\), as data_format"):
        Conv1D(6, 3, data_format="channels_first")(X[0])
    layer = Conv1D(6, 3)
    layer(X)
    with pytest.raises(ValueError, match="is built for 4 features"):
        layer(X[:, :, :2])
    with pytest.raises(AttributeError, match="after the weights were made"):
        layer.kernel_size = 5


def test_a_setting_that_changes_after_building_takes_effect():
    layer = layer_of()
    layer(X)
    layer.padding, layer.dilation_rate = "SAME", 2
    kernel, bias = layer.get_weights()
    expected = by_definition(X, kernel, bias, padding="same", dilation=2)
    np.testing.assert_allclose(layer(X), expected, rtol=1e-12, atol=1e-12)
    assert layer.padding == "same"


def trained_model(seed=0, **options):
    model = Sequential(
        [Input((None, 4)), Conv1D(8, 3, activation="relu", **options), GRU(5), Dense(1)], seed=seed
    )
    model.compile(gru_c.optimizers.Adam(0.02), "mse")
    x = RNG.standard_normal((48, 12, 4))
    y = x[:, -2:].sum(axis=(1, 2))
    losses = model.fit(x, y, epochs=15, batch_size=8, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]
    return model


@pytest.mark.parametrize("options", [{}, {"padding": "causal", "strides": 2, "groups": 2}], ids=str)
def test_a_model_with_it_trains_and_is_saved(options, tmp_path):
    model = trained_model(**options)
    model.save(tmp_path / "model.safetensors")
    again = gru_c.load_model(tmp_path / "model.safetensors")
    assert again.layers[0].get_config() == model.layers[0].get_config()
    assert_same_bits(again.predict(X, verbose=0), model.predict(X, verbose=0))
    assert model.layers[0].name == "conv1d"


def test_training_freezes_and_regularizes_it():
    layer = Conv1D(2, 3, kernel_regularizer="l2", kernel_constraint="non_neg", trainable=False)
    model = Sequential([Input((5, 4)), layer, GlobalMaxPooling1D(), Dense(1)], seed=1)
    model.compile("sgd", "mse")
    before = layer.get_weights()
    model.fit(X[:, :5], X[:, 0, 0], epochs=1, verbose=0)
    for a, b in zip(layer.get_weights(), before, strict=True):
        assert_same_bits(a, b)
    layer.trainable = True
    assert layer.penalty() == pytest.approx(0.01 * np.square(before[0]).sum(), rel=1e-5)
    model.fit(X[:, :5], X[:, 0, 0], epochs=1, verbose=0)
    assert layer.get_weights()[0].min() >= 0


def test_the_gradient_of_a_whole_model():
    layers = [Input((9, 2)), Conv1D(3, 3, strides=2), GRU(3), Dense(1)]
    model = Sequential(layers, dtype="float64", seed=2)
    x, y = RNG.standard_normal((4, 9, 2)), RNG.standard_normal((4, 1))
    model.compile("sgd", "mse")
    loss, d = model.loss.value_and_gradient(y, model(x, training=True))
    model.backward(d)
    kernel = model.layers[0].value("kernel")
    gradient = model.layers[0].gradient("kernel").copy()
    direction = RNG.standard_normal(kernel.shape)
    slope = finite_difference(lambda: float(model.loss(y, model(x))), kernel, direction)
    assert (gradient * direction).sum() == pytest.approx(slope, rel=1e-6)
    assert np.isfinite(loss)


def test_summary_counts_its_operations(capsys):
    model = Sequential([Input((10, 4)), Conv1D(6, 3, strides=2), GRU(5)])
    model.summary()
    row = next(line for line in capsys.readouterr().out.splitlines() if "Conv1D" in line)
    assert "(None, 4, 6)" in row
    assert f"{3 * 4 * 6 + 6}" in row
    assert f"{2 * 4 * 3 * 4 * 6:,}" in row
    profile = model.profile(RNG.standard_normal((3, 10, 4)), training=True, repeats=1)
    assert profile.rows[0].flops == 3 * 2 * 4 * 3 * 4 * 6


def test_streams_take_windows_of_one_step_and_no_others():
    model = Sequential([Input((None, 4)), Conv1D(3, 1), GRU(2)], seed=3)
    stream = model.stream()
    for step in range(X.shape[1]):
        y = stream.step(X[:1, step])
    np.testing.assert_allclose(y, model.predict(X[:1], verbose=0), rtol=1e-5, atol=1e-6)
    model = Sequential([Input((None, 4)), Conv1D(3, 2, padding="causal"), GRU(2)])
    with pytest.raises(ValueError, match=r"conv1d.*cannot be streamed"):
        model.stream()
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="needs all of them at once"):
        model.fit(X, X[:, 0, :2], bptt_steps=3, verbose=0)


def test_a_mask_ends_with_a_warning():
    model = Sequential([Input((None, 4)), Masking(), Conv1D(3, 2), GRU(2)], seed=3)
    x = X.copy()
    full = model.predict(x, verbose=0)
    assert np.isfinite(full).all()
    x[1, 5:] = 0
    with pytest.warns(UserWarning, match=r"'conv1d' \(Conv1D\) drops the mask"):
        masked = model.predict(x, verbose=0)
    bare = Sequential(model.layers[1:])
    bare.build((None, None, 4))
    assert_same_bits(masked, bare.predict(x, verbose=0))
    with pytest.warns(UserWarning, match="drops the mask"):
        padded = bare(np.where(x == 0, np.nan, x), lengths=[11, 5, 11])
    np.testing.assert_allclose(padded, masked, rtol=1e-6)


def test_a_softmax_over_one_filter_is_warned_of():
    with pytest.warns(UserWarning, match="softmax of one number"):
        Conv1D(1, 3, activation="softmax")(X)
