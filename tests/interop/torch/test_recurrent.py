"""gru_c's LSTM and RNN for PyTorch beside PyTorch's own, and their state dicts."""

import copy
import itertools
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gru_c import LSTM, Bidirectional, Sequential, SimpleRNN  # noqa: E402
from gru_c.interop import torch as interop  # noqa: E402

KINDS = [
    ("LSTM", {}),
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu"}),
]
FORMS = list(itertools.product((True, False), (True, False), (1, 2), ("float32", "float64")))


def module_and_twin(kind, options, form):
    """Return one of PyTorch's modules, and what convert makes of a copy."""
    bias, bidirectional, layers, dtype = form
    module = getattr(torch.nn, kind)(
        5,
        7,
        layers,
        bias=bias,
        bidirectional=bidirectional,
        dropout=0.3 if layers > 1 else 0,
        dtype=getattr(torch, dtype),
        batch_first=bias,
        **options,
    )
    return module, interop.convert(copy.deepcopy(module))


def results(module, kind, *, packed, begins):
    """Return outputs, last states and all gradients of a pass over drawn sequences."""
    torch.manual_seed(3)
    dtype, count = module.weight_ih_l0.dtype, module.num_layers * (1 + module.bidirectional)
    x = torch.randn(4, 11, 5, dtype=dtype, requires_grad=True)
    firsts = [torch.randn(count, 4, 7, dtype=dtype, requires_grad=True) for _ in range(2)]
    firsts = firsts[: 2 if kind == "LSTM" else 1] if begins else []
    given = x if module.batch_first else x.transpose(0, 1)
    if packed:
        given = torch.nn.utils.rnn.pack_padded_sequence(
            given, [3, 11, 7, 1], batch_first=module.batch_first, enforce_sorted=False
        )
    hx = None if not firsts else tuple(firsts) if kind == "LSTM" else firsts[0]
    output, last = module(given, hx)
    assert isinstance(last, tuple) == (kind == "LSTM")
    tensors = [output.data if packed else output, *(last if kind == "LSTM" else [last])]
    sum((t * torch.arange(t.numel()).reshape(t.shape).cos()).sum() for t in tensors).backward()
    return [*tensors, x.grad, *(t.grad for t in firsts), *(p.grad for p in module.parameters())]


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_outputs_states_and_gradients_are_those_of_torch(kind, options, form):
    torch.manual_seed(0)
    module, twin = module_and_twin(kind, options, form)
    assert type(twin) is getattr(interop, kind)
    tolerance = 2e-4 if form[-1] == "float32" else 1e-9
    for packed, begins in itertools.product((False, True), (False, True)):
        expected = results(module, kind, packed=packed, begins=begins)
        actual = results(twin, kind, packed=packed, begins=begins)
        for a, b in zip(actual, expected, strict=True):
            torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_one_sequence_without_a_batch(kind, options):
    module, twin = module_and_twin(kind, options, (True, True, 2, "float64"))
    module.eval(), twin.eval()
    x = torch.randn(20, 5, dtype=torch.float64)
    for a, b in zip(twin(x), module(x), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_copies_and_pickles_compute_the_same(kind, options):
    _, twin = module_and_twin(kind, options, (True, False, 1, "float32"))
    x = torch.randn(2, 20, 5)
    expected = twin(x)[0]
    for other in (copy.deepcopy(twin), pickle.loads(pickle.dumps(twin))):
        assert torch.equal(other(x)[0], expected)


def test_a_projection_is_refused_by_name():
    with pytest.raises(ValueError, match="LSTM has proj_size=2"):
        interop.LSTM(3, 4, proj_size=2)
    model = torch.nn.ModuleDict(
        {"first": torch.nn.GRU(3, 4), "b": torch.nn.LSTM(3, 4, proj_size=2)}
    )
    with pytest.raises(ValueError, match="b has proj_size=2"):
        interop.convert(model)
    assert type(model["first"]) is torch.nn.GRU
    with pytest.raises(ValueError, match=r"proj_size, to which weight_hr_l0"):
        interop.from_state_dict(model["b"].state_dict())


@pytest.mark.parametrize(
    ("hx", "message"),
    [
        (torch.ones(1, 2, 4), r"LSTM: hx must be a tuple of two tensors \(h, c\), got Tensor"),
        ((torch.ones(1, 2, 4),), "got 1 of them"),
        ((torch.ones(1, 2, 4), torch.ones(1, 2, 5)), r"LSTM: hx\[1\] must have shape \(1, 2, 4\)"),
        ((torch.ones(1, 2, 4), None), r"hx\[1\] must be a tensor, got NoneType"),
        ((torch.ones(1, 4), torch.ones(1, 4)), r"LSTM: for 3-D input, hx\[0\] should also be 3-D"),
    ],
)
def test_states_of_an_lstm_that_do_not_fit(hx, message):
    with pytest.raises((TypeError, RuntimeError), match=message):
        interop.LSTM(3, 4)(torch.ones(20, 2, 3), hx)


# ---- state dicts ----


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_state_dicts_there_and_back_compute_the_same(kind, options, form):
    bias, bidirectional, layers, dtype = form
    sizes = {"bias": bias, "bidirectional": bidirectional, "batch_first": True}
    module, again = (
        getattr(torch.nn, kind)(3, 5, layers, dtype=getattr(torch, dtype), **sizes, **options)
        for _ in range(2)
    )
    x = torch.randn(4, 6, 3, dtype=getattr(torch, dtype))
    model = None
    if kind == "RNN":
        made = [
            SimpleRNN(5, options.get("nonlinearity", "tanh"), bias, return_sequences=True)
            for _ in range(layers)
        ]
        model = Sequential([Bidirectional(x) for x in made] if bidirectional else made, dtype=dtype)
        model.build((None, None, 3))
    model = interop.from_state_dict(module.state_dict(), model)
    expected = module(x)[0].detach()
    np.testing.assert_allclose(model.predict(x.numpy(), verbose=0), expected, atol=1e-5)
    again.load_state_dict(interop.to_state_dict(model))
    torch.testing.assert_close(again(x)[0].detach(), expected)


@pytest.mark.parametrize(("cell", "layer"), [("LSTMCell", LSTM), ("RNNCell", SimpleRNN)])
def test_state_dicts_of_cells(cell, layer):
    module, made = getattr(torch.nn, cell)(3, 5), layer(5)
    made.build((None, None, 3))
    interop.from_state_dict(module.state_dict(), made)
    x = torch.randn(2, 3)
    h = module(x)[0] if cell == "LSTMCell" else module(x)
    np.testing.assert_allclose(made(x.numpy()[:, None]), h.detach(), atol=1e-6)


def test_the_state_dict_of_an_rnn_needs_a_model():
    with pytest.raises(ValueError, match="does not say whether its nonlinearity is tanh or relu"):
        interop.from_state_dict(torch.nn.RNN(3, 5).state_dict())


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (LSTM(3, clip=1.0), "layer 'lstm.*' has an activation, clip or zoneout, .*torch.nn.LSTM"),
        (LSTM(3, "relu"), "an activation, clip or zoneout, which torch.nn.LSTM cannot compute"),
        (SimpleRNN(3, "sigmoid"), "an activation, clip or zoneout, which torch.nn.RNN cannot"),
        (SimpleRNN(3, go_backwards=True), "go_backwards=True, which torch.nn.RNN cannot compute"),
    ],
)
def test_settings_that_torch_lacks_are_refused(layer, message):
    layer.build((None, None, 2))
    with pytest.raises(ValueError, match=message):
        interop.to_state_dict(layer)
