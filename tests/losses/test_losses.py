"""Losses against torch, finite differences and formulas; checks and their messages."""

import numpy as np
import pytest

from gru_c import losses
from gru_c.activations import sigmoid, softmax

N, T, C = 4, 3, 5
SHAPES = [(N, 1), (N, C), (N, T, C)]
EVERY = [
    losses.MeanSquaredError(),
    losses.MeanAbsoluteError(),
    losses.Huber(),
    losses.Huber(0.3),
    losses.QuantileLoss(0.3),
    losses.BinaryCrossentropy(),
    losses.BinaryCrossentropy(from_logits=True),
    losses.CategoricalCrossentropy(),
    losses.CategoricalCrossentropy(from_logits=True),
    losses.SparseCategoricalCrossentropy(),
    losses.SparseCategoricalCrossentropy(from_logits=True),
]
PAIRED = [loss for loss in EVERY if loss.paired_activation]
FUNCTIONS = {"sigmoid": sigmoid, "softmax": softmax}
every_loss = pytest.mark.parametrize("loss", EVERY, ids=repr)
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def is_probability(loss):
    return getattr(loss, "from_logits", True) is False


def data(loss, shape, seed=0):
    """Targets and predictions of a loss; probabilities that do not add up to 1."""
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.05, 0.95, shape) if is_probability(loss) else rng.normal(size=shape)
    if isinstance(loss, losses.SparseCategoricalCrossentropy):
        return rng.integers(0, shape[-1], shape[:-1]), p
    if isinstance(loss, losses.CategoricalCrossentropy):
        return rng.dirichlet(np.ones(shape[-1]), shape[:-1]), p
    if isinstance(loss, losses.BinaryCrossentropy):
        return rng.uniform(0, 1, shape), p
    return rng.normal(size=shape), p


def torch_values(torch, loss, y, p):
    """Values of the samples by torch's own losses."""
    functional = torch.nn.functional
    if isinstance(loss, losses.CategoricalCrossentropy):
        if loss.from_logits:
            logs = torch.log_softmax(p, -1)
        else:
            logs = torch.log((p / p.sum(-1, True)).clamp(1e-7, 1 - 1e-7))
        if isinstance(loss, losses.SparseCategoricalCrossentropy):
            flat = functional.nll_loss(logs.flatten(0, -2), y.flatten(), reduction="none")
            return flat.reshape(y.shape)
        return -(y * logs).sum(-1)
    if isinstance(loss, losses.BinaryCrossentropy):
        logits = functional.binary_cross_entropy_with_logits
        function = logits if loss.from_logits else functional.binary_cross_entropy
    elif isinstance(loss, losses.Huber):
        return functional.huber_loss(p, y, reduction="none", delta=loss.delta).mean(-1)
    elif isinstance(loss, losses.QuantileLoss):
        (q,) = loss.quantiles
        return torch.maximum(q * (y - p), (q - 1) * (y - p)).mean(-1)
    else:
        squared = isinstance(loss, losses.MeanSquaredError)
        function = functional.mse_loss if squared else functional.l1_loss
    return function(p, y, reduction="none").mean(-1)


def differences(function, x, step=1e-6):
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        shift = np.zeros_like(x)
        shift[index] = step
        gradient[index] = (function(x + shift) - function(x - shift)) / (2 * step)
    return gradient


@every_loss
@every_shape
@pytest.mark.parametrize("weighted", [None, "samples", "values"])
def test_against_torch(loss, shape, weighted):
    torch = pytest.importorskip("torch")
    y, p = data(loss, shape)
    size = {None: None, "samples": shape[:1], "values": shape[:-1]}[weighted]
    weight = None if size is None else np.random.default_rng(1).uniform(0, 3, size)
    tp = torch.tensor(p, requires_grad=True)
    values = torch_values(torch, loss, torch.tensor(y), tp)
    if weight is not None:
        tw = torch.tensor(weight)
        values = values * tw.reshape(tw.shape + (1,) * (values.ndim - tw.ndim))
    expected = values.sum() / values.numel()
    expected.backward()

    value, gradient = loss.value_and_gradient(y, p, weight)
    assert value == pytest.approx(expected.item(), rel=1e-12)
    assert loss(y, p, weight) == value
    np.testing.assert_allclose(gradient, tp.grad.numpy(), rtol=1e-9, atol=1e-14)


@every_loss
@every_shape
def test_gradient_by_finite_differences(loss, shape):
    y, p = data(loss, shape)
    weight = np.random.default_rng(2).uniform(0.5, 2, shape[0])
    gradient = loss.value_and_gradient(y, p, weight)[1]
    expected = differences(lambda q: loss(y, q, weight), p)
    assert np.abs(gradient - expected).max() <= 1e-6 * max(np.abs(expected).max(), 1e-3)


@pytest.mark.parametrize("loss", PAIRED, ids=repr)
@every_shape
def test_gradient_before_the_activation(loss, shape):
    y, _ = data(loss, shape)
    x = np.random.default_rng(3).normal(size=shape)
    weight = np.random.default_rng(4).uniform(0.5, 2, shape[:-1])
    activation = FUNCTIONS[loss.paired_activation]
    gradient = loss.value_and_gradient(y, activation(x), weight, logits=True)[1]
    expected = differences(lambda z: loss(y, activation(z), weight), x)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-9)


def test_gradient_before_the_activation_is_p_minus_y():
    p, w = np.array([[0.2], [0.9]]), np.array([1.0, 3.0])
    loss = losses.BinaryCrossentropy()
    gradient = loss.value_and_gradient([1, 0], p, w, logits=True)[1]
    np.testing.assert_allclose(gradient, [[(0.2 - 1) * 1 / 2], [(0.9 - 0) * 3 / 2]], rtol=1e-15)


@pytest.mark.parametrize(
    ("loss", "y", "expected"),
    [
        (losses.BinaryCrossentropy(), [[0, 1]], [[0.5, -0.5]]),
        (losses.CategoricalCrossentropy(), [[0, 1]], [[1, -1]]),
        (losses.SparseCategoricalCrossentropy(), [1], [[1, -1]]),
    ],
)
def test_saturated_probability(loss, y, expected):
    p = np.array([[1, 0]], np.float32)  # as wrong as can be
    value, gradient = loss.value_and_gradient(y, p, logits=True)
    np.testing.assert_array_equal(gradient, np.array(expected, np.float32))
    assert value == pytest.approx(-np.log(1e-7), rel=1e-6)
    # The derivative by p itself is that of the clipped value: none.
    np.testing.assert_array_equal(loss.value_and_gradient(y, p)[1], [[0, 0]])


@every_loss
@every_shape
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradient_is_new_and_of_the_same_dtype(loss, shape, dtype):
    y, p = data(loss, shape)
    p = p.astype(dtype)
    before, y_before = p.copy(), y.copy()
    for logits in [False, True] if loss.paired_activation else [False]:
        gradient = loss.value_and_gradient(y, p, logits=logits)[1]
        assert gradient.dtype == dtype
        assert gradient.shape == shape
        assert not np.shares_memory(gradient, p)
        assert not np.shares_memory(gradient, y)
    np.testing.assert_array_equal(p, before)
    np.testing.assert_array_equal(y, y_before)


@every_loss
@pytest.mark.parametrize("shape", [(0, 2), (0, 3, 2), (4, 0, 2)])
def test_nothing_costs_nothing(loss, shape):
    y, p = data(loss, shape)
    value, gradient = loss.value_and_gradient(y, p, np.ones(shape[0]))
    assert value == loss(y, p) == 0.0
    assert gradient.shape == shape


def test_divisor_is_the_count_not_the_weights():
    value, gradient = losses.get("mse").value_and_gradient(
        [0, 0, 0], [[1.0], [2.0], [3.0]], [2, 1, 0]
    )
    assert value == (2 * 1 + 1 * 4 + 0 * 9) / 3
    np.testing.assert_allclose(gradient, [[2 * 2 * 1 / 3], [2 * 1 * 2 / 3], [0]], rtol=1e-15)


def test_sums_in_float64():
    p = np.full((2**20, 1), 0.1, np.float32)
    exact = float(np.float32(0.1)) ** 2
    assert losses.get("mse")(np.zeros(2**20, np.float32), p) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("loss", "y"),
    [
        (losses.BinaryCrossentropy(from_logits=True), [[1, 0]]),
        (losses.CategoricalCrossentropy(from_logits=True), [[1, 0]]),
        (losses.SparseCategoricalCrossentropy(from_logits=True), [0]),
    ],
)
@pytest.mark.parametrize("size", [1.0, 50.0, 1e4, "largest"])
def test_any_finite_logits_without_warnings(loss, y, size, dtype):
    size = float(np.finfo(dtype).max) if size == "largest" else size
    for sign in (1, -1):
        value, gradient = loss.value_and_gradient(y, np.array([[sign, -sign]], dtype) * size)
        assert not np.isnan(value)
        assert np.isfinite(gradient).all()
        if sign == -1:
            assert value >= 0.99 * size
        elif size > 100:
            assert value == 0


def test_confident_logits_keep_their_digits():
    value = losses.BinaryCrossentropy(from_logits=True)([1], [[40.0]])
    assert value == pytest.approx(np.exp(-40.0), rel=1e-12)


@every_loss
def test_diverged_predictions_give_a_value_without_warnings(loss):
    y, p = data(loss, (N, C))
    p[0, 0], p[1, 1] = np.nan, np.inf
    value, gradient = loss.value_and_gradient(y, p)
    assert not np.isfinite(value)
    assert gradient.shape == p.shape


def test_all_zero_probabilities():
    loss = losses.CategoricalCrossentropy()
    value, gradient = loss.value_and_gradient([[1, 0]], [[0.0, 0.0]])
    assert value == pytest.approx(-np.log(1e-7))
    np.testing.assert_array_equal(gradient, [[0, 0]])


@pytest.mark.parametrize(
    ("name", "y_shapes", "p_shape"),
    [
        ("mse", [(N, 1), (N,)], (N, 1)),
        ("bce", [(N, T, 1), (N, T)], (N, T, 1)),
        ("mae", [(N, C)], (N, C)),
        ("sparse_categorical_crossentropy", [(N,), (N, 1)], (N, C)),
        ("sparse_categorical_crossentropy", [(N, T), (N, T, 1)], (N, T, C)),
    ],
)
def test_shape_rule(name, y_shapes, p_shape):
    loss = losses.get(name)
    labels = np.random.default_rng(0).integers(0, 2, y_shapes[0])
    p = np.random.default_rng(1).uniform(0.1, 0.9, p_shape)
    value, gradient = loss.value_and_gradient(labels, p)
    for shape in y_shapes:
        y, weight = loss.check(labels.reshape(shape), p_shape)
        assert y.shape == y_shapes[0]
        assert weight is None
        again = loss.value_and_gradient(labels.reshape(shape), p)
        assert again[0] == value
        np.testing.assert_array_equal(again[1], gradient)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int32, np.int64, np.float32])
@every_loss
def test_dtypes_of_targets(loss, dtype):
    y, p = data(loss, (N, 2))
    y = (y > 0.5).astype(dtype)
    value, gradient = loss.value_and_gradient(y, p)
    expected, expected_gradient = loss.value_and_gradient(y.astype(np.float64), p)
    assert value == expected
    np.testing.assert_array_equal(gradient, expected_gradient)


def test_check_does_not_copy():
    y, w = np.ones((N, 1), np.float32), np.ones(N)
    checked = losses.get("mse").check(y, (N, 1), w)
    assert np.shares_memory(checked[0], y)
    assert checked[1] is w


@pytest.mark.parametrize("bad", [(N, C), (N + 1, 1), (1, 1), (), (1,), (1, N), (N, 1, 1)])
def test_nothing_else_is_broadcast(bad):
    message = rf"^loss 'mse' expects y of shape \(4, 1\) or \(4,\), got \({str(bad)[1:-1]}\)$"
    loss = losses.get("mse")
    with pytest.raises(ValueError, match=message):
        loss.check(np.zeros(bad), (N, 1))
    with pytest.raises(ValueError, match=message):
        loss.value_and_gradient(np.zeros(bad), np.zeros((N, 1)))


@pytest.mark.parametrize(
    ("name", "y", "shape", "weight", "error", "message"),
    [
        ("mse", ["a", "b"], (2, 1), None, TypeError, "expects y of .* floats, got dtype <U1"),
        ("mse", [None, 1], (2, 1), None, TypeError, "got dtype object"),
        ("mse", [1j, 1], (2, 1), None, TypeError, "got dtype complex128"),
        ("mse", [1, 1], (2,), None, ValueError, r"\(samples, \.\.\., outputs\), got \(2,\)"),
        ("MSE", [1, 1], (2, 3), None, ValueError, r"loss 'MSE' expects y of shape \(2, 3\), got"),
        ("bce", [0, 2], (2, 1), None, ValueError, r"target 2 of sample 1 \(y\[1, 0\]\) is not in"),
        ("bce", [np.nan, 0], (2, 1), None, ValueError, "target nan of sample 0"),
        ("categorical_crossentropy", [[1, -1]], (1, 2), None, ValueError, "target -1 of sample 0"),
        ("categorical_crossentropy", [0], (1, 2), None, ValueError, "integer labels go with"),
        (
            "mse",
            [1, 1],
            (2, 1),
            [1, 2, 3],
            ValueError,
            r"sample_weight of shape \(2,\), got \(3,\)",
        ),
        ("mse", [[1] * 3] * 2, (2, 3, 1), [[1, 1]] * 2, ValueError, r"\(2,\) or \(2, 3\), got"),
        ("mse", [1, 1], (2, 1), [1, np.inf], ValueError, "sample_weight inf of sample 1 is not f"),
        ("mse", [1, 1], (2, 1), ["1", "2"], TypeError, "expects sample_weight of bools"),
    ],
)
def test_check_says_what_is_wrong(name, y, shape, weight, error, message):
    with pytest.raises(error, match=message):
        losses.get(name).check(y, shape, weight)


@pytest.mark.parametrize(
    ("y", "shape", "message"),
    [
        ([0, 1, 5], (3, 5), r"label 5 of sample 2 \(y\[2\]\) is not an integer in \[0, 5\)"),
        ([0, -1], (2, 5), "label -1 of sample 1"),
        ([[0, 1], [2, 9]], (2, 2, 5), r"label 9 of sample 1 \(y\[1, 1\]\)"),
        ([0.0, 0.5], (2, 5), "label 0.5 of sample 1"),
        ([np.nan, 1], (2, 5), "label nan of sample 0"),
        ([[1, 0, 0]], (1, 3), "one-hot targets go with 'categorical_crossentropy'"),
    ],
)
def test_labels(y, shape, message):
    loss = losses.get("sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=message):
        loss.check(y, shape)
    with pytest.raises(ValueError, match=message):
        loss.value_and_gradient(y, np.full(shape, 0.2))


def test_nan_is_a_valid_regression_target():
    y, _ = losses.get("mse").check([np.nan, 1.0], (2, 1))
    assert np.isnan(y[0, 0])
    assert np.isnan(losses.get("mse")(y, np.zeros((2, 1))))


@pytest.mark.parametrize("loss", [x for x in EVERY if not x.paired_activation], ids=repr)
def test_logits_wants_a_paired_activation(loss):
    y, p = data(loss, (N, C))
    with pytest.raises(ValueError, match="has no paired activation"):
        loss.value_and_gradient(y, p, logits=True)


@pytest.mark.parametrize(
    ("names", "cls"),
    [
        (["mse", "MSE", "mean_squared_error", "MeanSquaredError"], losses.MeanSquaredError),
        (["mae", "MAE", "mean_absolute_error"], losses.MeanAbsoluteError),
        (["huber", "Huber"], losses.Huber),
        (["bce", "BCE", "binary_crossentropy", "BinaryCrossentropy"], losses.BinaryCrossentropy),
        (["categorical_crossentropy"], losses.CategoricalCrossentropy),
        (["sparse_categorical_crossentropy"], losses.SparseCategoricalCrossentropy),
    ],
)
def test_get_names(names, cls):
    for name in names:
        loss = losses.get(name)
        assert type(loss) is cls
        assert loss.name == name
    assert losses.get(loss) is loss
    assert cls().name in names


def test_get_unknown():
    with pytest.raises(ValueError, match=r"unknown loss 'msee'; did you mean 'mse'\? Known: bce,"):
        losses.get("msee")


@pytest.mark.parametrize("delta", [0, -1, np.nan, np.inf])
def test_huber_delta(delta):
    with pytest.raises(ValueError, match="delta must be a finite number > 0"):
        losses.Huber(delta)


def cube(y, p):
    return float(((p - y) ** 3).sum()), 3 * (p - y) ** 2


def test_function_as_a_loss():
    loss = losses.get(cube)
    p = np.array([[1.0], [2.0]], np.float32)
    value, gradient = loss.value_and_gradient(np.zeros((2, 1)), p)
    assert (value, loss.name, gradient.dtype) == (9.0, "cube", np.float32)
    np.testing.assert_array_equal(gradient, [[3], [12]])
    assert loss(np.zeros((2, 1)), p) == 9.0
    assert loss.check([1, 2], (2, 7))[0].shape == (2,)
    assert loss.value_and_gradient(np.zeros((0, 1)), np.zeros((0, 1)))[0] == 0.0


@pytest.mark.parametrize(
    ("function", "call", "error", "message"),
    [
        (cube, lambda f: f.check([1], (2, 1)), ValueError, r"expects y of 2 samples, got \(1,\)"),
        (cube, lambda f: f.check([1], (1, 1), [1]), ValueError, "takes no sample_weight"),
        (cube, lambda f: f([1], [[1]], [1]), ValueError, "takes no sample_weight"),
        (cube, lambda f: losses.serialize(f), TypeError, "'cube' is a function"),
        (lambda y, p: 1.0, lambda f: f([1], [[1]]), TypeError, "must return .value, gradient"),
        (lambda y, p: p[:, 0], lambda f: f([1], [[1]]), TypeError, "does not differentiate func"),
        (lambda y, p: (p, p), lambda f: f([1], [[1]]), TypeError, "one number and its gradient"),
        (lambda y, p: (None, p), lambda f: f([1], [[1]]), TypeError, "a number, got None"),
        (lambda y, p: (1, p - y), lambda f: f([1, 2], [[1], [2]]), ValueError, "each with all o"),
        (lambda y, p: (1.0, p[0]), lambda f: f([1], [[1]]), ValueError, r"\(1, 1\), got \(1,\)"),
    ],
)
def test_function_refuses(function, call, error, message):
    loss = losses.get(function)
    with pytest.raises(error, match=message):
        call(loss)


@pytest.mark.parametrize(
    ("name", "y", "outputs", "message"),
    [
        ("bce", [-1, 1], 1, r"not in \[0, 1\]: of targets -1 and 1, \(y \+ 1\) / 2 makes 0 and 1"),
        ("bce", [0, 2], 1, r"target 2 of sample 1 .* is not in \[0, 1\]$"),
        ("bce", [0, 1], 2, "labels of several classes go with 'sparse_categorical_crossentropy'"),
        ("sparse_categorical_crossentropy", [0, 1], 1, "one output knows one class; two classes"),
    ],
)
def test_targets_of_another_loss_are_told_from_it(name, y, outputs, message):
    with pytest.raises(ValueError, match=message):
        losses.get(name).check(y, (2, outputs))


def test_a_users_own_class():
    class Cosh(losses.Loss):
        def per_sample(self, y_true, y_pred):
            return (np.cosh(y_pred - y_true) - 1).sum(axis=-1)

        def per_sample_gradient(self, y_true, y_pred):
            return np.sinh(y_pred - y_true)

    y, p = data(losses.MeanSquaredError(), (N, C))
    loss = losses.get(Cosh())
    gradient = loss.value_and_gradient(y, p, np.arange(N))[1]
    expected = differences(lambda q: loss(y, q, np.arange(N)), p)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-9)
    assert loss.name == "cosh"


# ---- what a user's class or function returns ----------------------------------------------------


class Squared(losses.Loss):
    """The mean squared error, with one method replaced by what a test gives."""

    def __init__(self, **methods):
        self._methods = {
            "per_sample": lambda y, p: ((p - y) ** 2).mean(axis=-1),
            "per_sample_gradient": lambda y, p: 2 * (p - y) / p.shape[-1],
            **methods,
        }

    def get_config(self):
        return {}

    def per_sample(self, y_true, y_pred):
        return self._methods["per_sample"](y_true, y_pred)

    def per_sample_gradient(self, y_true, y_pred):
        return self._methods["per_sample_gradient"](y_true, y_pred)


class SquaredBeforeSigmoid(Squared):
    paired_activation = "sigmoid"

    def pre_activation_gradient(self, y_true, y_pred):
        return self._methods["pre_activation_gradient"](y_true, y_pred)


@every_shape
def test_a_class_of_a_user_gives_the_numbers_of_the_same_class_here(shape):
    y, p = data(losses.MeanSquaredError(), shape)
    weight = np.arange(1.0, N + 1)
    value, gradient = Squared().value_and_gradient(y, p, weight)
    wanted, wanted_gradient = losses.MeanSquaredError().value_and_gradient(y, p, weight)
    assert value == wanted
    np.testing.assert_array_equal(gradient, wanted_gradient)


@pytest.mark.parametrize("shape", [(N, 2), (N, T, C)], ids=str)
@pytest.mark.parametrize(
    "values",
    [
        lambda y, p: (p - y) ** 2,
        lambda y, p: ((p - y) ** 2).mean(axis=-1, keepdims=True),
        lambda y, p: ((p - y) ** 2).mean(),
        lambda y, p: float(((p - y) ** 2).mean()),
        lambda y, p: ((p - y) ** 2).mean(axis=-1)[:-1],
        lambda y, p: ((p - y) ** 2).mean(axis=0),
    ],
)
def test_values_that_are_not_one_a_sample_are_refused(shape, values):
    y, p = data(losses.MeanSquaredError(), shape)
    loss = Squared(per_sample=values)
    message = r"^loss 'squared': Squared\.per_sample must return an array of shape "
    for call in (loss.value_and_gradient, loss, loss.sample_values):
        with pytest.raises(ValueError, match=message):
            call(y, p)
    with pytest.raises(ValueError, match=message):
        loss.value_and_gradient(y, p, np.ones(N))


@pytest.mark.parametrize(
    "slopes",
    [
        lambda y, p: 1.0,
        lambda y, p: (p - y).sum(axis=-1),
        lambda y, p: (p - y).sum(axis=-1, keepdims=True),
        lambda y, p: (p - y)[:1],
        lambda y, p: (p - y).T,
    ],
)
@pytest.mark.parametrize("method", ["per_sample_gradient", "pre_activation_gradient"])
def test_a_gradient_of_another_shape_is_refused(slopes, method):
    y, p = data(losses.MeanSquaredError(), (N, 2))
    loss = SquaredBeforeSigmoid(**{method: slopes})
    logits = method == "pre_activation_gradient"
    with pytest.raises(ValueError, match=rf"SquaredBeforeSigmoid\.{method} must return .*\(4, 2\)"):
        loss.value_and_gradient(y, p, logits=logits)


@pytest.mark.parametrize(
    "result", [lambda y, p: (p - y) * 1j, lambda y, p: "much", lambda y, p: None]
)
def test_results_that_are_not_real_numbers_are_refused(result):
    y, p = data(losses.MeanSquaredError(), (N, 2))
    for method in ("per_sample", "per_sample_gradient"):
        with pytest.raises(TypeError, match=rf"Squared\.{method} must return real numbers, got"):
            Squared(**{method: result}).value_and_gradient(y, p)
    with pytest.raises(TypeError, match="loss '<lambda>', as the gradient, must return real"):
        losses.FunctionLoss(lambda y, p: (0.0, result(y, p))).value_and_gradient(y, p)


@pytest.mark.parametrize("value", [np.complex128(1 + 1j), 1j, np.array(2j)])
def test_a_complex_value_of_a_function_is_refused(value):
    y, p = data(losses.MeanSquaredError(), (N, 2))
    with pytest.raises(TypeError, match="must return a number"):
        losses.FunctionLoss(lambda y, p: (value, p)).value_and_gradient(y, p)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_is_named_where_the_loss_is_finite(bad):
    y, p = data(losses.MeanSquaredError(), (N, 2))

    def slopes(y, p):
        gradient = p - y
        gradient[2, 1] = bad
        return gradient

    def edge(y, p):
        return 0.25, slopes(y, p)

    with pytest.raises(
        FloatingPointError, match=r"loss 'edge' returned .* at \[2, 1\], .* of 0.25"
    ):
        losses.get(edge).value_and_gradient(y, p)
    assert losses.get(edge)(y, p) == 0.25  # an evaluation has no use for it
    with pytest.raises(FloatingPointError, match=r"Squared\.per_sample_gradient returned"):
        Squared(per_sample_gradient=slopes).value_and_gradient(y, p)


def test_a_gradient_of_missing_targets_is_left_to_the_value_that_shows_them():
    y, p = data(losses.MeanSquaredError(), (N, 2))
    y[1, 0] = np.nan
    for loss in (Squared(), losses.get(lambda y, p: (((p - y) ** 2).mean(), (p - y) / N))):
        value, gradient = loss.value_and_gradient(y, p)
        assert np.isnan(value)
        assert np.isnan(gradient[1, 0])


@pytest.mark.parametrize("which", ["y", "p"])
@pytest.mark.parametrize("shape", [(N, 1), (N, 2), (N,)], ids=str)
def test_a_user_cannot_change_targets_and_predictions_in_place(which, shape):
    p = np.full((N, 1) if shape == (N,) else shape, 2.0)
    y = np.ones(shape)

    def in_place(y, p):
        array = y if which == "y" else p
        array *= 2
        return 0.0, p

    calls = [losses.get(in_place).value_and_gradient]
    if shape != (N,):
        calls.append(Squared(per_sample=in_place).value_and_gradient)
        calls.append(Squared(per_sample_gradient=in_place).value_and_gradient)
        calls.append(Squared(per_sample=in_place).sample_values)
    for call in calls:
        with pytest.raises(ValueError, match="read-only"):
            call(y, p)
    assert (y == 1).all()
    assert (p == 2).all()
    assert y.flags.writeable


def test_an_object_that_is_called_is_named_after_its_class():
    class HalfSquares:
        def __call__(self, y, p):
            return ((p - y) ** 2).sum() / 2, p - y

    assert losses.get(HalfSquares()).name == "half_squares"
