"""State dicts: the same numbers from PyTorch's modules and from gru_c's layers."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gru_c import GRU, Bidirectional, Dense, Dropout, Embedding, Input, Sequential  # noqa: E402
from gru_c.interop.torch import from_state_dict, to_state_dict  # noqa: E402
from gru_c.layers import LayerNormalization, RepeatVector  # noqa: E402

RNG = np.random.default_rng(4)


def randomized(model):
    """A model or layer with weights of which none is zero."""
    model.set_weights([RNG.normal(scale=0.3, size=w.shape) for w in model.get_weights()])
    return model


def built(layer, features=3):
    layer.build((None, None, features), rng=0)
    return randomized(layer)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("both", [True, False])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_stack_there_and_back(bias, both, layers, dtype):
    options = {"num_layers": layers, "bias": bias, "bidirectional": both, "batch_first": True}
    module = torch.nn.GRU(5, 7, dtype=dtype, **options)
    model = from_state_dict(module.state_dict())
    assert len(model.layers) == layers
    x = torch.randn(4, 9, 5, dtype=dtype)
    output = model.predict(x.numpy(), verbose=0)
    tolerance = 1e-6 if dtype == torch.float32 else 1e-14
    np.testing.assert_allclose(output, module(x)[0].detach(), atol=tolerance)
    assert output.dtype == np.dtype(str(dtype).removeprefix("torch."))
    back = to_state_dict(model)
    assert list(back) == list(module.state_dict())
    for name, tensor in module.state_dict().items():
        assert torch.equal(back[name], tensor), name
    module.load_state_dict(back)


def test_a_whole_model():
    """A module with submodules of the layers' names takes the state dict as it is."""

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = torch.nn.Embedding(20, 6)
            self.gru = torch.nn.GRU(6, 8, 2, batch_first=True)
            self.norm = torch.nn.LayerNorm(8, eps=1e-3)
            self.bidirectional = torch.nn.GRU(8, 4, bidirectional=True, batch_first=True)
            self.dense = torch.nn.Linear(8, 3)

        def forward(self, x):
            x = self.norm(self.gru(self.embedding(x))[0])
            return self.dense(self.bidirectional(x)[0])

    model = Sequential(
        [
            Input((None,)),
            Embedding(20, 6),
            GRU(8, return_sequences=True),
            Dropout(0.5),
            GRU(8, return_sequences=True),
            LayerNormalization(name="norm"),
            Bidirectional(GRU(4, return_sequences=True)),
            Dense(3),
        ],
        seed=0,
    )
    randomized(model)
    module, x = Module(), RNG.integers(0, 20, (3, 7))
    module.load_state_dict(to_state_dict(model))
    expected = module(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, atol=1e-5)

    torch.manual_seed(5)
    other = Module()
    assert from_state_dict(other.state_dict(), model) is model
    expected = other(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, atol=1e-5)


def test_what_makes_a_stack():
    def gru(units=4, **options):
        return GRU(units, return_sequences=True, **options)

    names = to_state_dict(Sequential([Input((4, 3)), gru(), Dropout(0.1), gru()]))
    assert "weight_ih_l1" in names
    names = to_state_dict(Sequential([Input((4, 3)), gru(), gru(5), gru(5, use_bias=False)]))
    assert {name.partition(".")[0] for name in names} == {"gru", "gru_1", "gru_2"}
    names = to_state_dict(Sequential([Input((4, 3)), GRU(4), RepeatVector(3), gru()]))
    assert {name.partition(".")[0] for name in names} == {"gru", "gru_1"}
    names = to_state_dict(Sequential([Input((4, 3)), gru(), Bidirectional(gru(4))]))
    assert {name.partition(".")[0] for name in names} == {"gru", "bidirectional"}


@pytest.mark.parametrize("arrays", [False, True])
def test_a_layer_a_part_and_a_cell(arrays):
    layer = built(GRU(4))
    state_dict = {f"encoder.{name}": t for name, t in to_state_dict(layer).items()}
    state_dict["head.weight"] = torch.zeros(1)
    if arrays:
        state_dict = {name: tensor.numpy() for name, tensor in state_dict.items()}
    again = from_state_dict(state_dict, built(GRU(4)), prefix="encoder.")
    for a, b in zip(again.get_weights(), layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    cell = torch.nn.GRUCell(3, 4)
    from_state_dict(cell.state_dict(), layer)
    x = torch.randn(2, 3)
    found = layer(x.numpy()[:, None])
    np.testing.assert_allclose(found, cell(x).detach(), atol=1e-6)
    half = {name: tensor.bfloat16() for name, tensor in cell.state_dict().items()}
    from_state_dict(half, layer)
    np.testing.assert_array_equal(
        to_state_dict(layer)["weight_ih_l0"], half["weight_ih"].float(), strict=False
    )


def test_tensors_are_copies():
    layer = built(GRU(4))
    before = layer.get_weights()
    for tensor in to_state_dict(layer).values():
        tensor.zero_()
    np.testing.assert_array_equal(layer.get_weights()[0], before[0])


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (GRU(4, reset_after=False), "layer 'gru' has reset_after=False"),
        (GRU(4, activation="relu"), "an activation, clip or zoneout"),
        (GRU(4, recurrent_activation="hard_sigmoid"), "an activation, clip or zoneout"),
        (GRU(4, clip=1.0), "an activation, clip or zoneout"),
        (GRU(4, zoneout=0.1, name="mine"), "'mine' has an activation, clip or zoneout"),
        (GRU(4, go_backwards=True), "go_backwards=True"),
        (Bidirectional(GRU(4), merge_mode="sum"), "directions that are not concatenated"),
        (
            Bidirectional(GRU(4), backward_layer=GRU(5, go_backwards=True)),
            "directions that differ in units",
        ),
        (
            Bidirectional(GRU(4), backward_layer=GRU(4, go_backwards=True, use_bias=False)),
            "directions that differ in use_bias",
        ),
    ],
)
def test_what_pytorch_cannot_compute(layer, message):
    layer.build((None, None, 3))
    with pytest.raises(ValueError, match=message):
        to_state_dict(layer)
    with pytest.raises(ValueError, match=message):
        from_state_dict(torch.nn.GRU(3, 4).state_dict(), layer)


def test_what_is_no_model():
    with pytest.raises(
        TypeError, match=r"wanted a Sequential, a GRU, .* or a Bidirectional, got int"
    ):
        to_state_dict(3)
    with pytest.raises(TypeError, match="got Dense"):
        to_state_dict(Dense(3))
    with pytest.raises(ValueError, match="no weights yet"):
        to_state_dict(GRU(3))
    with pytest.raises(ValueError, match="no weights yet"):
        to_state_dict(Sequential([GRU(3)]))


def changed(**entries):
    """The state dict of a torch.nn.GRU(3, 4) with other entries; None: without it."""
    torch.manual_seed(0)
    state_dict = {**torch.nn.GRU(3, 4).state_dict(), **entries}
    return {name: tensor for name, tensor in state_dict.items() if tensor is not None}


@pytest.mark.parametrize(
    ("state_dict", "error", "message"),
    [
        ([1], TypeError, "state_dict must be a mapping, got list"),
        (changed(bias_hh_l0=None), ValueError, "has no 'bias_hh_l0'"),
        (changed(weight_ih_l1=torch.zeros(1)), ValueError, "'weight_ih_l1' .* no layer"),
        (changed(head=torch.zeros(1)), ValueError, "'head' in the state dict belongs to no layer"),
        (
            changed(bias_hh_l0=torch.zeros(13)),
            ValueError,
            r"'bias_hh_l0' has shape \(13,\), wanted",
        ),
        (changed(weight_hh_l0=torch.zeros(12, 5)), ValueError, r"shape \(12, 5\)"),
        (changed(bias_hh_l0=[1.0]), TypeError, "'bias_hh_l0' must be a tensor, got list"),
        (changed(bias_hh_l0=np.array(["a"] * 12)), TypeError, "bias_hh_l0 must hold real numbers"),
        (changed(bias_hh_l0=torch.zeros(12) * 1j), TypeError, "real numbers, got torch.complex64"),
        (changed(bias_hh_l0=torch.zeros(12, device="meta")), TypeError, "'bias_hh_l0' must be a"),
        ({}, ValueError, "nothing"),
    ],
)
def test_a_bad_state_dict(state_dict, error, message):
    layer = built(GRU(4))
    before = layer.get_weights()
    with pytest.raises(error, match=message):
        from_state_dict(state_dict, layer)
    for a, b in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(error):
        from_state_dict(state_dict)


def test_what_no_model_can_be_made_for():
    with pytest.raises(ValueError, match="does not say whether its nonlinearity is tanh or relu"):
        from_state_dict(torch.nn.RNN(3, 4).state_dict())
    module = torch.nn.ModuleDict({"gru": torch.nn.GRU(3, 4)})
    with pytest.raises(ValueError, match="a part of a larger one is taken with prefix="):
        from_state_dict(module.state_dict())
    assert from_state_dict(module.state_dict(), prefix="gru.").count_params() == 108
    state_dict = torch.nn.GRU(3, 4, 3).state_dict()
    del state_dict["weight_ih_l1"]
    with pytest.raises(ValueError, match="has no 'weight_ih_l1'"):
        from_state_dict(state_dict)
