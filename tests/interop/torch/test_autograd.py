"""A layer as an operation of autograd: gradients, graphs that are kept, changed tensors."""

import pytest

torch = pytest.importorskip("torch")
from torch_twins import assert_same, twins  # noqa: E402

from gru_c.interop.torch import GRU  # noqa: E402


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(3)


@pytest.mark.parametrize("both", [False, True])
def test_gradcheck(both):
    gru = GRU(3, 4, num_layers=2, bidirectional=both, dtype=torch.float64)
    names = [name for name, _ in gru.named_parameters()]

    def run(x, hx, *weights):
        arguments = dict(zip(names, weights, strict=True))
        return torch.func.functional_call(gru, arguments, (x, hx))

    x = torch.randn(5, 2, 3, dtype=torch.float64, requires_grad=True)
    hx = torch.randn(2 * (1 + both), 2, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(run, (x, hx, *gru.parameters()))


def layouts(x):
    """The same numbers, in other places in memory."""
    yield x.transpose(0, 1).contiguous().transpose(0, 1)
    yield x.permute(0, 2, 1).contiguous().permute(0, 2, 1)
    yield torch.cat((x, x), dim=2)[:, :, : x.shape[2]]
    yield torch.cat((x, x), dim=0)[::2].clone()[: len(x) // 2].repeat(2, 1, 1)


@pytest.mark.parametrize("first", [False, True])
def test_any_layout_of_input_and_gradient(first):
    theirs, ours = twins(5, 7, batch_first=first)
    for x in layouts(torch.randn(4, 6, 5)):
        assert_same(theirs, ours, x, None)
    x = torch.randn(1, 1, 5).expand(4, 6, 5)
    grads = []
    for module in (theirs, ours):
        leaf = x.clone().requires_grad_()
        module(leaf.expand(4, 6, 5))[0].sum().backward()  # a gradient without strides
        grads.append(leaf.grad)
    torch.testing.assert_close(grads[1], grads[0])


def test_the_graph_can_be_kept_and_freed():
    gru = GRU(3, 4)
    loss = gru(torch.randn(30, 2, 3))[0].sum()
    loss.backward(retain_graph=True)
    first = gru.weight_hh_l0.grad.clone()
    loss.backward()
    assert torch.equal(gru.weight_hh_l0.grad, 2 * first)
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


def test_a_layer_used_twice_before_its_backward_pass():
    theirs, ours = twins(3, 3)
    grads = []
    for module in (theirs, ours):
        torch.manual_seed(0)
        x = torch.randn(12, 2, 3, requires_grad=True)
        module(module(x)[0])[0].square().sum().backward()
        module(x * 2)[0].sum().backward()  # with the memory of the passes before
        grads.append([x.grad, *(p.grad for p in module.parameters())])
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("what", ["input", "weight"])
def test_what_was_changed_before_the_backward_pass_is_noticed(what):
    gru = GRU(3, 4)
    x = torch.randn(30, 2, 3)
    loss = gru(x)[0].sum()
    with torch.no_grad():
        (x if what == "input" else gru.weight_ih_l0).add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
