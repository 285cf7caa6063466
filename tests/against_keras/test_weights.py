"""Initializers, regularizers and constraints beside Keras's: values, names, aliases."""

import inspect

import numpy as np
import pytest
from keras_peer import keras, torch
from loss_cases import differences

import gru_c
from gru_c import constraints, initializers, regularizers

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own

W = np.random.default_rng(0).normal(size=(4, 6))
SHAPE = (200, 300)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("TruncatedNormal", {"mean": 1.0, "stddev": 0.5}),
        *[
            ("VarianceScaling", {"scale": 2.0, "mode": mode, "distribution": distribution})
            for mode in ("fan_in", "fan_out", "fan_avg")
            for distribution in ("normal", "truncated_normal", "untruncated_normal", "uniform")
        ],
        ("Identity", {"gain": 3.0}),
    ],
    ids=str,
)
def test_initial_values_are_distributed_as_in_keras(name, options):
    keras.utils.set_random_seed(0)
    mine = getattr(initializers, name)(**options)
    ours = mine(SHAPE, "float64", np.random.default_rng(0))
    theirs = keras.ops.convert_to_numpy(getattr(keras.initializers, name)(**options)(SHAPE))
    assert ours.mean() == pytest.approx(theirs.mean(), abs=0.002)
    assert ours.std() == pytest.approx(theirs.std(), rel=0.01)
    assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=0.2)
    assert initializers.get(initializers.serialize(mine)).get_config() == mine.get_config()


@pytest.mark.parametrize(
    ("cls", "options"),
    [
        ("VarianceScaling", {"scale": 0.0}),
        ("VarianceScaling", {"mode": "fan"}),
        ("VarianceScaling", {"distribution": "gamma"}),
    ],
)
def test_arguments_that_keras_refuses_are_refused(cls, options):
    for module in (initializers, keras.initializers):
        with pytest.raises(ValueError, match=next(iter(options))):
            getattr(module, cls)(**options)


def test_an_identity_is_a_matrix():
    with pytest.raises(ValueError, match="two axes, got"):
        initializers.Identity()((3,))


@pytest.mark.parametrize("mode", ["rows", "columns"])
@pytest.mark.parametrize("w", [W, W[:1] * 1e-9 + np.zeros((3, 6)), W[:2]], ids=["w", "tiny", "two"])
def test_the_orthogonal_penalty_and_its_gradient_are_those_of_keras(mode, w):
    mine = regularizers.OrthogonalRegularizer(0.3, mode)
    tensor = torch.tensor(w, requires_grad=True)
    expected = keras.regularizers.OrthogonalRegularizer(0.3, mode)(tensor)
    expected.backward()
    assert mine(w) == pytest.approx(expected.item(), rel=1e-6)
    gradient = np.zeros_like(w)
    mine.add_gradient(w, gradient)
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-5, atol=1e-7)
    if np.abs(w).max() > 0.1:
        np.testing.assert_allclose(gradient, differences(mine, w), rtol=1e-5, atol=1e-8)
    with pytest.raises(ValueError, match="for matrices"):
        mine(w[0])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"min_value": 0.5, "max_value": 0.8, "rate": 0.3},
        {"min_value": 3.0, "max_value": 4.0, "axis": 1},
    ],
    ids=str,
)
def test_the_interval_of_norms_is_that_of_keras(options):
    expected = keras.constraints.MinMaxNorm(**options)(torch.tensor(W)).numpy()
    np.testing.assert_allclose(constraints.MinMaxNorm(**options)(W), expected, rtol=1e-6)


@pytest.mark.parametrize("module", ["initializers", "regularizers", "constraints"])
def test_the_names_of_keras_are_there(module):
    mine, peer = getattr(gru_c, module), getattr(keras, module)
    missing = {"STFT", "STFTInitializer", "stft", "IdentityInitializer", "OrthogonalInitializer"}
    missing |= {"RandomInitializer", "constant"}
    names = {n for n, v in vars(peer).items() if inspect.isclass(v) or callable(v)}
    assert {n for n in names - missing if n[0] != "_"} <= {*vars(mine)}
    for name, cls in vars(mine).items():
        if isinstance(cls, type) and name.islower() and name in vars(peer):
            assert vars(peer)[name].__name__ == cls.__name__


def test_regularizers_are_called_as_in_keras():
    assert repr(regularizers.l2(0.1)) == "L2(l2=0.1)"
    assert repr(regularizers.l1_l2(l1=0.1, l2=0.2)) == "L1L2(l1=0.1, l2=0.2)"
    model = gru_c.Sequential(
        [gru_c.Dense(3, kernel_regularizer="orthogonal_regularizer", input_shape=(4,))]
    )
    model.compile("sgd", "mse")
    history = model.fit(np.zeros((4, 4)), np.zeros((4, 3)), epochs=3, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
