"""ONNX's names and parameters of activations, beside onnxruntime."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx_tools import assert_all_close, drawn_node, gru_arrays, gru_by_onnxruntime, gru_node  # noqa: E402

from gru_c.interop.onnx import run_node  # noqa: E402

ACTIVATIONS = ["Relu", "Tanh", "Sigmoid", "Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh"]
ACTIVATIONS += ["HardSigmoid", "Elu", "Softsign", "Softplus"]


@pytest.mark.parametrize("seed", range(60))
def test_any_activations_beside_onnxruntime(seed):
    rng, arrays, attributes = drawn_node(seed)
    names = rng.choice(ACTIVATIONS, 2 * len(arrays["W"]))
    attributes |= {
        "activations": [str(name) for name in names],
        "activation_alpha": rng.uniform(0.1, 0.9, 8).tolist(),
        "activation_beta": rng.uniform(0.1, 0.9, 8).tolist(),
        "clip": 1.0,  # otherwise some of them grow without bounds
    }
    results = run_node(gru_node(arrays, **attributes), arrays)
    # A gate outside [0, 1] amplifies rounding errors, also those of onnxruntime.
    assert_all_close(results, gru_by_onnxruntime(arrays, **attributes), 1e-5)


@pytest.mark.parametrize(
    "names", [("HardSigmoid", "LeakyRelu"), ("Elu", "Elu"), ("sigmoid", "TANH")]
)
@pytest.mark.parametrize("alphas", [[], [0.3], [0.3, 0.4]])
def test_what_is_not_said_of_activations(names, alphas):
    arrays = gru_arrays(np.random.default_rng(0), (4, 2, 3, 5))
    attributes = {"hidden_size": 5, "activations": names, "clip": 1.0}
    attributes |= {"activation_alpha": alphas} if alphas else {}
    results = run_node(gru_node(arrays, **attributes), arrays)
    assert_all_close(results, gru_by_onnxruntime(arrays, **attributes))


@pytest.mark.parametrize("name", ["Affine", "ScaledTanh", "ThresholdedRelu"])
def test_activations_without_a_default_are_named(name):
    arrays = gru_arrays(np.random.default_rng(0), (4, 2, 3, 5))
    node = gru_node(arrays, hidden_size=5, activations=["Sigmoid", name])
    with pytest.raises(ValueError, match=f"node 'gru'.*activation '{name}' has no value for alpha"):
        run_node(node, arrays)
