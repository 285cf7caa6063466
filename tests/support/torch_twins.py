"""Pairs of torch.nn.GRU and gru_c's GRU with the same weights, and comparisons of their results."""

import copy

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

from gru_c.interop.torch import GRU, convert

TOLERANCE = {
    torch.float32: {"atol": 1e-5, "rtol": 1e-4},
    torch.float64: {"atol": 1e-12, "rtol": 1e-9},
}


def twins(*sizes, **options):
    """Return a torch.nn.GRU and ours, with the same weights."""
    theirs, ours = torch.nn.GRU(*sizes, **options), GRU(*sizes, **options)
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def passed(module, x, hx):
    """Return output, last states and all gradients of a random loss."""
    data = x.data if isinstance(x, PackedSequence) else x
    leaf = data.detach().clone().requires_grad_()
    hx = None if hx is None else hx.clone().requires_grad_()
    module.zero_grad()
    torch.manual_seed(9)  # of dropout
    inputs = x._replace(data=leaf) if isinstance(x, PackedSequence) else leaf
    output, last = module(inputs, hx)
    if isinstance(output, PackedSequence):
        for a, b in zip(output[1:], x[1:], strict=True):
            assert a is b
        output = output.data
    generator = torch.Generator().manual_seed(1)
    weights = [torch.randn(t.shape, dtype=t.dtype, generator=generator) for t in (output, last)]
    ((output * weights[0]).sum() + (last * weights[1]).sum()).backward()
    leaves = [leaf, *([] if hx is None else [hx]), *module.parameters()]
    return [output.detach(), last.detach(), *(each.grad for each in leaves)]


def assert_same(theirs, ours, x, hx):
    dtype = next(ours.parameters()).dtype
    for a, b in zip(passed(ours, x, hx), passed(theirs, x, hx), strict=True):
        torch.testing.assert_close(a, b, **TOLERANCE[dtype])


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 8, 2, batch_first=True)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        output, _ = self.gru(x)
        return self.head(output)


def tagger_pair():
    """Return a model and its conversion."""
    torch.manual_seed(2)
    model = Tagger()
    return model, convert(copy.deepcopy(model))


def assert_alike(results):
    """Assert that two results with the same nesting have the same numbers."""
    theirs, ours = (torch.utils._pytree.tree_leaves(result) for result in results)
    assert len(theirs) == len(ours)
    for a, b in zip(theirs, ours, strict=True):
        assert type(a) is type(b)
        torch.testing.assert_close(b, a, atol=1e-5, rtol=1e-4)
