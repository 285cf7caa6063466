"""gru_c's GRU of PyTorch beside torch.nn.GRU: at every size, from any place in memory."""

import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch.nn.utils.rnn import pack_sequence  # noqa: E402
from torch_twins import TOLERANCE, assert_same, twins  # noqa: E402

from gru_c.interop.torch import GRU, from_state_dict, to_state_dict  # noqa: E402

# Units: 1, 2, and around the lengths of vectors, which are 8 or 16 and 4 or 8.
AROUND = {torch.float32: (1, 2, 7, 8, 9, 15, 16, 17), torch.float64: (1, 2, 3, 4, 5, 7, 8, 9)}
EVERY_SIZE = pytest.mark.parametrize(
    ("dtype", "units"),
    [(dtype, units) for dtype, all_units in AROUND.items() for units in all_units],
    ids=str,
)
DTYPES = pytest.mark.parametrize("dtype", list(AROUND), ids=str)
# Bias, both directions, layers.
KINDS = ((True, True, 1), (False, False, 1), (True, False, 2))
# T, B, I: batches, and without B one sequence.
SIZES = ((4, 3, 2), (9, 1, 3), (3, 3, 1), (1, 3, 2), (1, 1, 1), (9, 0, 2), (3, None, 2))


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(5)


@EVERY_SIZE
def test_every_size(units, dtype):
    for bias, both, layers in KINDS:
        options = {"bias": bias, "bidirectional": both, "num_layers": layers, "dtype": dtype}
        for T, B, features in SIZES:
            theirs, ours = twins(features, units, batch_first=B == 3, **options)
            rows = [] if B is None else [B]
            x = torch.randn(*([B, T] if B == 3 else [T, *rows]), features, dtype=dtype)
            hx = torch.randn(layers * (1 + both), *rows, units, dtype=dtype)
            assert_same(theirs, ours, x, hx)
            with torch.no_grad():
                for a, b in zip(ours(x, hx), theirs(x, hx), strict=True):
                    torch.testing.assert_close(a, b, **TOLERANCE[dtype])


@EVERY_SIZE
def test_every_size_of_packed_sequences(units, dtype):
    for bias, both, layers in KINDS:
        for features, lengths in ((1, (9, 1, 5)), (2, (1,)), (3, (1, 1)), (2, (30, 2, 2))):
            options = {"bias": bias, "bidirectional": both, "dtype": dtype}
            theirs, ours = twins(features, units, layers, **options)
            lists = [torch.randn(length, features, dtype=dtype) for length in lengths]
            x = pack_sequence(lists, enforce_sorted=False)
            hx = torch.randn(layers * (1 + both), len(lengths), units, dtype=dtype)
            assert_same(theirs, ours, x, hx)


@EVERY_SIZE
def test_every_size_of_a_state_dict(units, dtype):
    for features, (bias, both, layers) in itertools.product((1, 3), KINDS):
        options = {"bias": bias, "bidirectional": both, "num_layers": layers}
        module = torch.nn.GRU(features, units, batch_first=True, dtype=dtype, **options)
        model = from_state_dict(module.state_dict())
        x = torch.randn(1, 6, features, dtype=dtype)
        expected = module(x)[0].detach()
        output = torch.from_numpy(np.array(model.predict(x.numpy(), verbose=0)))
        torch.testing.assert_close(output, expected, **TOLERANCE[dtype])
        back = to_state_dict(model)
        assert all(torch.equal(back[name], t) for name, t in module.state_dict().items())
        assert all(tensor.is_contiguous() for tensor in back.values())


def test_one_unit_as_torch_has_it():
    """Numbers of torch.nn.GRU itself: a short call and a long one are one model."""
    torch.manual_seed(0)
    ours = twins(2, 1)[1]
    x = torch.randn(20, 3, 2)
    expected = torch.tensor([[-0.2010], [-0.0564], [-0.0612]])
    with torch.no_grad():
        for steps in (1, 20):
            output, _ = ours(x[:steps])
            torch.testing.assert_close(output[0], expected, atol=1e-4, rtol=0)


def test_gradients_are_contiguous():
    gru = GRU(1, 1, 2, bidirectional=True)
    gru(torch.randn(9, 2, 1))[0].sum().backward()
    assert all(p.grad.is_contiguous() for p in gru.parameters())
    optimizer = torch.optim.Adam(gru.parameters(), fused=True)
    before = [p.detach().clone() for p in gru.parameters()]
    optimizer.step()
    assert not any(torch.equal(a, p) for a, p in zip(before, gru.parameters(), strict=True))


# ---- places in memory ---------------------------------------------------------------------------


def unaligned(tensor):
    """The same numbers, a byte after where they would begin."""
    array = tensor.detach().numpy()
    memory = bytearray(array.nbytes + 1)
    copy = np.frombuffer(memory, array.dtype, array.size, 1).reshape(array.shape)
    copy[...] = array
    return torch.from_numpy(copy)


def negated(tensor):
    """The same numbers, as the negative of others."""
    made = torch.complex(tensor, -tensor.detach()).conj().imag
    assert made.is_neg()
    return made


PLACES = {
    "transposed": lambda t: t.mT.contiguous().mT if t.dim() > 1 else t,
    "expanded": lambda t: t[:1].expand(t.shape),
    "sliced": lambda t: torch.stack((t, t), dim=-1)[..., 0],
    "at an offset": lambda t: torch.cat((t.new_zeros(1), t.flatten()))[1:].view(t.shape),
    "unaligned": unaligned,
    "negated": negated,
    "zeros": lambda t: torch._efficientzerotensor(t.shape, dtype=t.dtype),
}


@DTYPES
@pytest.mark.parametrize("units", [1, 9])
@pytest.mark.parametrize("place", PLACES)
def test_any_place_in_memory(place, units, dtype):
    move = PLACES[place]
    for both in (False, True):
        theirs, ours = twins(3, units, bidirectional=both, dtype=dtype)
        if place in ("transposed", "expanded", "sliced", "at an offset", "unaligned"):
            for p, q in zip(theirs.parameters(), ours.parameters(), strict=True):
                p.data = move(p.data)
                q.data = move(q.data)
        x, hx = torch.randn(20, 2, 3, dtype=dtype), torch.randn(1 + both, 2, units, dtype=dtype)
        results = []
        for module in (theirs, ours):
            given = [t.clone().requires_grad_() for t in (x, hx)]
            output, last = module(*(move(t) for t in given))
            found = [output, last]
            # A gradient that is of the same kind goes back.
            torch.autograd.backward(found, [move(torch.ones_like(t)) for t in found])
            results.append([*found, *(p.grad for p in module.parameters())])
        for a, b in zip(*results, strict=True):
            torch.testing.assert_close(b, a, **TOLERANCE[dtype])


@pytest.mark.parametrize("wanted", ["x", "hx", "weight_ih_l0", "bias_hh_l0", "weight_hh_l1"])
def test_one_tensor_alone_wants_a_gradient(wanted):
    results = []
    for module in twins(2, 1, 2):
        torch.manual_seed(1)
        tensors = {"x": torch.randn(20, 3, 2), "hx": torch.randn(2, 3, 1)}
        module.requires_grad_(False)
        leaf = tensors.get(wanted, getattr(module, wanted, None)).requires_grad_()
        module(*tensors.values())[0].square().sum().backward()
        results.append(leaf.grad)
    torch.testing.assert_close(results[1], results[0])


def test_the_output_can_be_changed_in_place():
    for first in (False, True):
        grads = []
        for module in twins(3, 2, batch_first=first):
            torch.manual_seed(1)
            output, last = module(torch.randn(12, 12, 3))
            torch.relu_(output).square().sum().backward(retain_graph=True)
            last.mul_(2)
            grads.append([p.grad for p in module.parameters()])
        for a, b in zip(*grads, strict=True):
            torch.testing.assert_close(b, a)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"weight_ih_l0": torch.zeros(12, 5)}, RuntimeError, r"shape \(12, 3\), got \(12, 5\)"),
        ({"weight_hh_l0": torch.zeros(48)}, RuntimeError, r"shape \(12, 4\), got \(48,\)"),
        ({"bias_hh_l0": torch.zeros(5)}, RuntimeError, r"bias_hh_l0 must have shape \(12,\)"),
        ({"bias_hh_l0": None}, TypeError, "bias_hh_l0 must be a tensor, got NoneType"),
        ({"weight_hh_l0": torch.zeros(12, 4).double()}, ValueError, "weight_hh_l0 is torch.fl"),
        ({"bias": False}, RuntimeError, "4 weights, which are those of another num_layers, bias"),
        ({"bidirectional": True}, RuntimeError, "4 weights, which are those of another"),
        ({"num_layers": 2}, RuntimeError, "4 weights, which are those of another"),
        ({"hidden_size": 3}, RuntimeError, r"weight_ih_l0 must have shape \(9, 3\)"),
    ],
)
def test_weights_that_do_not_fit_the_module(change, error, message):
    gru = GRU(3, 4)
    for name, value in change.items():
        is_weight = isinstance(value, torch.Tensor)
        setattr(gru, name, torch.nn.Parameter(value) if is_weight else value)
    with pytest.raises(error, match=message):
        gru(torch.zeros(20, 2, 3))


def test_a_state_that_was_changed_before_the_backward_pass_is_noticed():
    hx = torch.zeros(1, 2, 4)
    loss = GRU(3, 4)(torch.randn(20, 2, 3), hx)[0].sum()
    hx.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
