"""Activations of cells one by one: values, slopes, other libraries, parameters that are refused."""

import copy
import pickle
from functools import cache

import numpy as np
import pytest
import specification
from tools import assert_close, assert_same_bits, random_arguments, random_gradients

from gru_c import (
    GRU,
    Bidirectional,
    Input,
    Sequential,
    _core,
    activations,
    gru_backward,
    gru_forward,
    load_model,
)
from gru_c.recurrence.cell import PARAMETERS, Cell

each_machine = pytest.mark.usefixtures("engine", "isa")
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])

PARAMETRIC = [
    ("hard_sigmoid", 0.2, 0.5),
    ("hard_sigmoid", -0.3, 0.4),
    ("affine", -0.5, 0.25),
    ("leaky_relu", 0.01),
    ("thresholded_relu", 0.3),
    ("scaled_tanh", 1.7, 0.6),
    ("elu", 0.6),
]
EACH = [*_core.ACTIVATIONS, *PARAMETRIC]
each = pytest.mark.parametrize("activation", EACH, ids=str)


def at(activation, values, dtype=np.float64, **options):
    """f and its slope at each value: the candidate of a unit whose gates are 0."""
    H = len(values)
    bias = np.concatenate([np.zeros(2 * H), values]).astype(dtype)
    x, kernel, recurrent = np.zeros((1, 1, 0)), np.zeros((0, 3 * H)), np.zeros((H, 3 * H))
    arrays = [array.astype(dtype) for array in (x, kernel, recurrent)]
    options |= {"activation": activation, "recurrent_activation": ("affine", 0, 0)}
    result = gru_forward(*arrays, bias, reset_after=False, training=True, **options)
    gradients = gru_backward(result.tape, d_state=np.ones((1, H)))
    return result.state[0], gradients.bias[2 * H :]


# ---- values and slopes ----


@each_machine
@both_dtypes
@each
def test_values_and_slopes(activation, dtype):
    values = np.linspace(-9, 9, 181).astype(dtype)
    values += 0.013  # no corner
    found, slopes = at(activation, values, dtype)
    name, *parameters = (activation,) if isinstance(activation, str) else activation
    moved = specification.ACTIVATIONS[name](values + 1e-30j, *parameters)
    tolerance = 8 * np.finfo(dtype).eps
    assert_close(found, moved.real, tolerance)
    assert_close(slopes, moved.imag / 1e-30, tolerance)


@each_machine
def test_the_slope_of_softplus_is_exact_where_it_is_small():
    values = np.linspace(-300, 0, 97)
    _, slopes = at("softplus", values)
    np.testing.assert_allclose(slopes, 1 / (1 + np.exp(-values)), rtol=2e-15)


AT_INFINITY = {
    "softsign": (-1, 1),
    "softplus": (0, np.inf),
    ("hard_sigmoid", -0.3, 0.4): (1, 0),
    ("affine", -0.5, 0.25): (np.inf, -np.inf),
    ("leaky_relu", 0.01): (-np.inf, np.inf),
    ("thresholded_relu", 0.3): (0, np.inf),
    ("scaled_tanh", 1.75, 0.6): (-1.75, 1.75),
    ("elu", 0.625): (-0.625, np.inf),
}


@each_machine
@both_dtypes
@pytest.mark.parametrize("activation", AT_INFINITY, ids=str)
def test_special_values(activation, dtype):
    largest, at_zero = np.finfo(dtype).max, at(activation, [0.0], dtype)[0][0]
    low, high = AT_INFINITY[activation]
    found, _ = at(activation, [np.nan, -np.inf, 0.0, -0.0, np.inf, -largest, largest], dtype)
    assert np.isnan(found[0])
    np.testing.assert_array_equal(found[1:5], np.array([low, at_zero, at_zero, high], dtype))
    if np.isfinite([low, high]).all():
        np.testing.assert_array_equal(found[5:], np.array([low, high], dtype))


@each_machine
@pytest.mark.parametrize("activation", EACH, ids=str)
def test_slopes_are_zero_where_the_sum_is_clipped(activation):
    inside, outside = np.array([-0.69, -0.31, 0.33, 0.69]), np.array([-5.0, -0.71, 0.71, 5.0])
    _, slopes = at(activation, inside, clip=0.7)
    assert_close(slopes, at(activation, inside)[1], 0)
    values, slopes = at(activation, outside, clip=0.7)
    assert (slopes == 0).all()
    assert_same_bits(values, at(activation, np.clip(outside, -0.7, 0.7))[0])


# ---- by default ----


@each_machine
@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_by_default(name):
    values = np.linspace(-3, 3, 40)
    for count in range(len(PARAMETERS[name]) + 1):
        for kind in (tuple, list):
            spelled = kind((name, *PARAMETERS[name][:count]))
            for a, b in zip(at(spelled, values), at(name, values), strict=True):
                assert_same_bits(a, b)


@each_machine
def test_functions_that_are_the_same_with_these_parameters():
    values = np.linspace(-3, 3, 40)
    for one, other in [
        (("affine", 1, 0), "linear"),
        (("scaled_tanh", 1, 1), "tanh"),
        (("leaky_relu", 0), "relu"),
        (("thresholded_relu", 0), "relu"),
        (("elu", 0), "relu"),
    ]:
        for a, b in zip(at(one, values), at(other, values), strict=True):
            np.testing.assert_array_equal(a, b)
    for flat, level in [(("affine", 0, 3), 3), (("scaled_tanh", 0), 0), (("hard_sigmoid", 0), 0.5)]:
        for options in ({}, {"clip": 1.0}):
            found, slopes = at(flat, values, **options)
            assert (found == level).all()
            assert (slopes == 0).all()


# ---- other libraries ----


def of_torch(torch, activation, a):
    name, *parameters = (activation,) if isinstance(activation, str) else activation
    functions = torch.nn.functional
    return {
        "elu": functions.elu,
        "leaky_relu": functions.leaky_relu,
        "softplus": functions.softplus,
        "thresholded_relu": lambda a, alpha: functions.threshold(a, alpha, 0),
        "hard_sigmoid": lambda a, alpha, beta: torch.clamp(alpha * a + beta, 0, 1),
        "affine": lambda a, alpha, beta: alpha * a + beta,
        "scaled_tanh": lambda a, alpha, beta: alpha * torch.tanh(beta * a),
    }[name](a, *parameters)


@each_machine
@pytest.mark.parametrize("clip", [None, 0.6])
@pytest.mark.parametrize("activation", ["softplus", *PARAMETRIC], ids=str)
def test_gradients_are_those_of_torch(activation, clip):
    torch = pytest.importorskip("torch")
    gates = activation if clip else ("hard_sigmoid", 0.25, 0.4)
    arguments = random_arguments(3, 4, 5, 18)
    result = gru_forward(
        **arguments, activation=activation, recurrent_activation=gates, clip=clip, training=True
    )
    d_output, d_state = random_gradients(3, 4, 18)
    tensors = {n: torch.tensor(a, requires_grad=True) for n, a in arguments.items()}
    x, W, U, b, h = tensors.values()
    bound, outputs = clip or np.inf, []
    for x_t in x.unbind(1):
        sums, recurrent = (x_t @ W + b[0]).split(18, 1), (h @ U + b[1]).split(18, 1)
        z, r = (
            of_torch(torch, gates, torch.clamp(sums[i] + recurrent[i], -bound, bound))
            for i in range(2)
        )
        n = torch.clamp(sums[2] + r * recurrent[2], -bound, bound)
        h = (1 - z) * of_torch(torch, activation, n) + z * h
        outputs.append(h)
    output = torch.stack(outputs, 1)
    assert_close(result.output, output.detach().numpy(), 1e-13)
    torch.autograd.backward([output, h], [torch.tensor(d_output), torch.tensor(d_state)])
    found = gru_backward(result.tape, d_output, d_state)._asdict()
    for name, tensor in tensors.items():
        assert_close(found[name], tensor.grad.numpy(), 1e-12)


ONNX_NAMES = {
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "relu": "Relu",
    "softsign": "Softsign",
    "softplus": "Softplus",
    "hard_sigmoid": "HardSigmoid",
    "affine": "Affine",
    "leaky_relu": "LeakyRelu",
    "thresholded_relu": "ThresholdedRelu",
    "scaled_tanh": "ScaledTanh",
    "elu": "Elu",
}


@cache
def of_onnxruntime(activation, gates, clip, reset_after):
    """The output (B, T, H) of an ONNX GRU node with the weights of `random_arguments`."""
    onnx, onnxruntime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    x, W, U, b, h = random_arguments(
        3, 4, 5, 18, dtype=np.float32, reset_after=reset_after
    ).values()
    given = [(f,) if isinstance(f, str) else f for f in (gates, activation)]
    attributes = {
        "activations": [ONNX_NAMES[f[0]] for f in given],
        "activation_alpha": [f[1] for f in given if len(f) > 1],
        "activation_beta": [f[2] for f in given if len(f) > 2],
        "clip": clip,
    }
    biases = np.concatenate(list(b) if reset_after else [b, 0 * b])
    feed = {"X": x.swapaxes(0, 1), "W": W.T[None], "R": U.T[None], "B": biases[None]}
    feed |= {"S": np.full(3, 4, np.int32), "H": h[None]}
    node = onnx.helper.make_node(
        "GRU",
        list(feed),
        ["Y"],
        hidden_size=18,
        linear_before_reset=int(reset_after),
        **{name: value for name, value in attributes.items() if value},
    )
    types = {np.dtype(np.float32): onnx.TensorProto.FLOAT, np.dtype(np.int32): 6}
    value = onnx.helper.make_tensor_value_info
    inputs = [value(name, types[array.dtype], array.shape) for name, array in feed.items()]
    outputs = [value("Y", onnx.TensorProto.FLOAT, None)]
    model = onnx.helper.make_model(
        onnx.helper.make_graph([node], "gru", inputs, outputs),
        opset_imports=[onnx.helper.make_opsetid("", 14)],
        ir_version=8,
    )
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    [Y] = session.run(None, {name: np.ascontiguousarray(array) for name, array in feed.items()})
    return Y[:, 0].swapaxes(0, 1)


@each_machine
@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize("activation", ["relu", "softsign", "softplus", *PARAMETRIC], ids=str)
def test_outputs_are_those_of_onnxruntime(activation, clip, reset_after):
    gates = ("hard_sigmoid", 0.3, 0.6) if activation != "softplus" or clip is None else "softplus"
    expected = of_onnxruntime(activation, gates, clip, reset_after)
    arguments = random_arguments(3, 4, 5, 18, dtype=np.float32, reset_after=reset_after)
    found = gru_forward(
        **arguments,
        activation=activation,
        recurrent_activation=gates,
        clip=clip,
        reset_after=reset_after,
    )
    assert_close(found.output, expected, 5e-6)


# ---- prediction only ----


@each_machine
@pytest.mark.parametrize("name", ["leaky_relu", "thresholded_relu", "elu"])
def test_a_negative_alpha_is_for_prediction_only(name):
    arguments = random_arguments(3, 4, 5, 18)
    spec = (name, -0.4)
    found = gru_forward(**arguments, activation=spec)
    assert_close(found.output, specification.gru(*arguments.values(), activation=spec)[0], 1e-14)
    with pytest.raises(ValueError, match=rf"^activation \('{name}', -0.4\) of a GRU is for predic"):
        gru_forward(**arguments, activation=spec, training=True)
    with pytest.raises(ValueError, match=r"^recurrent_activation .* is for prediction only"):
        gru_forward(
            **arguments, recurrent_activation=spec, training=True, lengths=[4, 2, 1], clip=1.0
        )


def test_a_layer_with_a_negative_alpha_predicts_and_does_not_train():
    x = np.random.default_rng(0).normal(size=(6, 5, 3))
    model = Sequential([Bidirectional(GRU(4, ("elu", -0.5), checkpoint_every=2))], seed=0)
    model.build((None, 5, 3))
    assert np.isfinite(model.predict(x, verbose=0)).all()
    model.compile("adam", "mse")
    before = model.get_weights()
    with pytest.raises(ValueError, match="is for prediction only"):
        model.fit(x, np.zeros((6, 8)), verbose=0)
    for weight, expected in zip(model.get_weights(), before, strict=True):
        assert_same_bits(weight, expected)


def test_the_core_refuses_it_too():
    arguments = list(random_arguments(1, 2, 3, 4).values())
    cell = Cell.checked(True, ("elu", -0.5), "sigmoid", None)
    with pytest.raises(ValueError, match="argument"):
        _core.tape_bytes(arguments[0], arguments[2], cell, _core.ENGINES["packed"])
    number = _core.ACTIVATIONS["affine"]
    for alpha, beta in [(np.nan, 0), (0, np.inf), (-1e39, 0)]:
        with pytest.raises(ValueError, match="argument"):
            _core.tape_bytes(
                arguments[0],
                arguments[2],
                Cell(activation=(number, alpha, beta)),
                _core.ENGINES["blas"],
            )


# ---- as a setting ----


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (("tanh", 1.0), ValueError, "'tanh' takes no parameters, got ('tanh', 1.0)"),
        (("softplus", 1), ValueError, "'softplus' takes no parameters"),
        (("elu", 1.0, 0.0), ValueError, "'elu' takes alpha, got ('elu', 1.0, 0.0)"),
        (["affine", 1, 2, 3], ValueError, "'affine' takes alpha and beta, got ['affine', 1, 2, 3]"),
        (("elu", "1"), ValueError, "alpha of 'elu' must be a finite number of float32, got '1'"),
        (("elu", True), ValueError, "must be a finite number of float32, got True"),
        (("elu", None), ValueError, "must be a finite number of float32, got None"),
        (("affine", 1, np.nan), ValueError, "beta of 'affine' must be a finite number"),
        (("affine", -np.inf), ValueError, "alpha of 'affine' must be a finite number"),
        (("affine", np.float64(1e39)), ValueError, "must be a finite number of float32, got"),
        (("affine", 10**400), ValueError, "must be a finite number of float32, got 1000"),
        (("elo", 1.0), ValueError, "'elo'; did you mean 'elu'?"),
        ("selu", ValueError, "'selu': it is one of other layers, such as Activation"),
        ((), TypeError, "must be a string, got tuple"),
        ((1.0, "elu"), TypeError, "must be a string, got float"),
        ({"elu": 1.0}, TypeError, "must be a string, got dict"),
    ],
    ids=str,
)
def test_settings_that_do_not_exist(given, error, message):
    for which in ("activation", "recurrent_activation"):
        for make in (
            lambda **kind: GRU(3, **kind),
            lambda **kind: gru_forward(**random_arguments(1, 2, 3, 4), **kind),
        ):
            with pytest.raises(error) as caught:
                make(**{which: given})
            assert message in str(caught.value)
            assert f"{which} of a GRU" in str(caught.value)


@pytest.mark.parametrize("name", sorted({*activations.ACTIVATIONS, *activations._ALIASES}))
def test_every_activation_of_a_dense_layer_is_computed_or_refused_by_its_name(name):
    if name in _core.ACTIVATIONS:
        assert GRU(3, activation=name).activation == name
    else:
        for activation in (name, activations.get(name)):
            with pytest.raises(ValueError, match="it is one of other layers"):
                GRU(3, activation=activation)


def test_they_come_back_from_files_copies_and_configurations(tmp_path):
    settings = {
        "activation": ("leaky_relu", np.float32(0.25)),
        "recurrent_activation": ["hard_sigmoid", 0.2, 0.4],
    }
    model = Sequential([Input((6, 4)), GRU(5, **settings)], seed=0)
    model.save(tmp_path / "model.safetensors")
    x = np.random.default_rng(0).normal(size=(3, 6, 4))
    [layer], expected = model.layers, model.predict(x, verbose=0)
    settings["recurrent_activation"][1] = 99.0  # the layer keeps its own
    for again in (
        load_model(tmp_path / "model.safetensors"),
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),
    ):
        assert again.layers[0].activation == ("leaky_relu", 0.25)
        assert again.layers[0].recurrent_activation == ("hard_sigmoid", 0.2, 0.4)
        assert again.layers[0].get_config() == layer.get_config()
        assert_same_bits(again.predict(x, verbose=0), expected)
    assert layer.get_config()["activation"] == ["leaky_relu", 0.25]
    assert GRU(**layer.get_config()).cell == layer.cell
