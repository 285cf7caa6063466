"""PyTorch's own GRU takes over where something traces or transforms operations."""

import copy
import io

import pytest

torch = pytest.importorskip("torch")
from torch.autograd import forward_ad  # noqa: E402
from torch.func import functional_call  # noqa: E402
from torch.nn.utils import parametrizations  # noqa: E402
from torch_twins import assert_alike, tagger_pair  # noqa: E402

from gru_c.interop.torch import GRU  # noqa: E402

# Warnings of PyTorch about functions that it will move, and about calls of its own code.
THEIR_WARNINGS = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def pair():
    """A model, and the same one converted."""
    return tagger_pair()


@pytest.fixture
def x():
    torch.manual_seed(3)
    return torch.randn(4, 20, 3)


# ---- tools that trace operations ----------------------------------------------------------------


def test_torch_fx_takes_it_for_a_leaf(pair, x):
    pair[1].gru.register_forward_pre_hook(lambda module, args: (2 * args[0],))
    traced = torch.fx.symbolic_trace(pair[1])
    assert [node.target for node in traced.graph.nodes if node.op == "call_module"] == [
        "gru",
        "head",
    ]
    assert traced.gru is pair[1].gru
    torch.testing.assert_close(traced(x), pair[0](2 * x), atol=1e-5, rtol=1e-4)
    for again in (copy.deepcopy(pair[1]), torch.fx.symbolic_trace(traced)):
        assert len(torch.fx.symbolic_trace(again).graph.nodes) == len(traced.graph.nodes)
    with pytest.raises(TypeError, match="trace the model around it, where it is a leaf"):
        torch.fx.symbolic_trace(GRU(3, 4))


def test_modes_that_see_each_operation(pair, x):
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.fx.experimental.proxy_tensor import make_fx
    from torch.utils.flop_counter import FlopCounterMode

    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        fakes = [model(mode.from_tensor(x)) for model in pair]
    assert fakes[0].shape == fakes[1].shape
    assert type(fakes[0]) is type(fakes[1])
    flops = []
    for model in pair:
        with FlopCounterMode(display=False) as counter:
            model(x)
        flops.append(counter.get_total_flops())
    assert flops[0] == flops[1]
    short = x[:, :2]
    graph = make_fx(lambda x: pair[1](x))(short)
    assert_alike([pair[0](2 * short), graph(2 * short)])


@THEIR_WARNINGS
def test_script_and_compile(pair, x):
    scripted = torch.jit.script(copy.deepcopy(pair[1]))
    assert_alike([pair[0](x), scripted(x)])
    file = io.BytesIO()
    torch.jit.save(scripted, file)
    file.seek(0)
    assert_alike([pair[0](x), torch.jit.load(file)(x)])
    torch._dynamo.reset()
    compiled = torch.compile(pair[1], backend="eager")
    results = []
    for model in (pair[0], compiled):
        leaf = x.clone().requires_grad_()
        output = model(leaf)
        output.square().sum().backward()
        results.append([output, leaf.grad, model(x[:, :1])])
    assert_alike(results)
    torch._dynamo.reset()
    parametrizations.weight_norm(pair[1].gru, "weight_hh_l0")
    with pytest.raises(TypeError, match="not ParametrizedGRU"):
        torch.jit.script(pair[1])


# ---- derivatives --------------------------------------------------------------------------------


def sum_of(model, weights, x):
    return functional_call(model, weights, (x,)).square().sum()


@THEIR_WARNINGS
def test_transforms_of_torch_func(pair, x):
    def of(model):
        weights = {name: p.detach() for name, p in model.named_parameters()}
        small = x[0, :9]
        return [
            torch.func.grad(sum_of, argnums=1)(model, weights, x),
            torch.func.jvp(model, (x,), (torch.ones_like(x),)),
            torch.func.jacrev(lambda x: model(x[None])[0, -1])(small),
            torch.func.jacfwd(lambda x: model(x[None])[0, -1])(small),
            torch.func.hessian(lambda x: model(x[None])[0, -1].sum())(small[:3]),
        ]

    assert_alike([of(model) for model in pair])


@THEIR_WARNINGS
@pytest.mark.parametrize("steps", [1, 20])
def test_forward_mode_derivatives(pair, x, steps):
    results = []
    for model in pair:
        with forward_ad.dual_level():
            dual = forward_ad.make_dual(x[:, :steps], torch.ones_like(x[:, :steps]))
            results.append([tuple(forward_ad.unpack_dual(model(dual)))])
            weights = {
                name: forward_ad.make_dual(p.detach(), torch.ones_like(p))
                for name, p in model.named_parameters()
            }
            with torch.no_grad():
                output = functional_call(model, weights, (x[:, :steps],))
            results[-1].append(tuple(forward_ad.unpack_dual(output)))
    assert_alike(results)


@THEIR_WARNINGS
def test_derivatives_that_gru_c_does_not_have(pair, x):
    leaf = x.clone().requires_grad_()
    output = pair[1](leaf)
    with pytest.raises(RuntimeError, match=r"many gradients at once .*take torch.nn.GRU for that"):
        torch.autograd.grad(output, leaf, torch.ones(2, *output.shape), is_grads_batched=True)
    with pytest.raises(RuntimeError, match=r"cannot be differentiated again .*take torch.nn.GRU"):
        pair[1](leaf).sum().backward(create_graph=True)
    output = pair[1](leaf).sum()
    there = pytest.raises(RuntimeError, match="unless the forward pass ran there, too")
    with forward_ad.dual_level(), there:
        output.backward()
