"""Tools of PyTorch give the same results with gru_c's GRU as with torch.nn.GRU."""

import copy

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn.utils import parametrizations, prune  # noqa: E402
from torch.nn.utils.rnn import pack_sequence  # noqa: E402
from torch_twins import assert_alike, tagger_pair  # noqa: E402

from gru_c.interop.torch import GRU, convert  # noqa: E402

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


@pytest.mark.parametrize("steps", [1, 20])
def test_meta_tensors_have_shapes(steps):
    for first, both in ((True, False), (False, True)):
        gru = GRU(3, 8, 2, batch_first=first, bidirectional=both, device="meta")
        output, last = gru(torch.zeros(4, steps, 3, device="meta"))
        assert output.is_meta
        assert output.shape == (4, steps, 8 * (1 + both))
        assert last.shape == (2 * (1 + both), 4 if first else steps, 8)
        output.sum().backward()
        assert gru.weight_ih_l0.grad.shape == (24, 3)
    packed = pack_sequence([torch.zeros(5, 3), torch.zeros(2, 3)]).to("meta")
    assert gru(packed)[0].data.shape == (7, 16)
    with pytest.raises(ValueError, match="weight_ih_l0 is on meta: it holds no numbers; to_empty"):
        gru(torch.zeros(4, 20, 3))


def test_weights_come_after_meta(pair, x):
    state_dict = pair[0].state_dict()
    on_meta = copy.deepcopy(pair[1]).to("meta")
    for loaded in (on_meta.to_empty(device="cpu"), copy.deepcopy(pair[1]).to("meta")):
        loaded.load_state_dict(state_dict, assign=loaded is not on_meta)
        assert_alike([pair[0](x), loaded(x)])


def test_the_default_device_does_not_matter(pair, x):
    results = []
    for model in pair:
        with torch.device("meta"):
            leaf = x.clone().requires_grad_()
            output = model(leaf)
        with torch.device("meta"):
            output.square().sum().backward()
        results.append([output, leaf.grad])
    assert_alike(results)


def test_subclasses_of_tensor_come_out(pair, x):
    class Marked(torch.Tensor):
        pass

    assert_alike([model.gru(x.as_subclass(Marked)) for model in pair])
    assert_alike([model.gru(x, torch.ones(2, 4, 8).as_subclass(Marked)) for model in pair])
    for model in pair:
        model.gru.weight_hh_l1 = nn.Parameter(model.gru.weight_hh_l1.data.as_subclass(Marked))
    assert_alike([model(x) for model in pair])


def test_autocast_computes_in_the_weights_dtype(pair, x):
    gru = pair[1].gru
    with torch.autocast("cpu"), pytest.raises(ValueError, match=r"input is torch\.complex64"):
        gru(x * 1j)
    for steps in (1, 20):
        given = x[:, :steps].bfloat16()
        with torch.autocast("cpu", dtype=torch.bfloat16), torch.no_grad():
            output, last = gru(given)
        assert output.dtype == last.dtype == torch.float32
        with torch.no_grad():
            assert_alike([pair[0].gru(given.float()), (output, last)])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("steps", [1, 20])
def test_short_floats_are_refused_by_name(pair, x, dtype, steps):
    with pytest.raises(ValueError, match=r"float32 and float64, and input is .*take \.float\(\)"):
        pair[1].to(dtype)(x[:, :steps].to(dtype))


@THEIR_WARNINGS
@pytest.mark.parametrize("steps", [1, 20])
def test_what_is_no_plain_tensor_is_refused_by_name(pair, x, steps):
    model, x = pair[1], x[:, :steps]
    lists = [torch.zeros(steps, 3), torch.zeros(steps, 3)]
    with torch.no_grad():
        for layout in (torch.strided, torch.jagged):
            nested = torch.nested.nested_tensor(lists, layout=layout)
            with pytest.raises(ValueError, match=r"nested tensor; wanted .*pack_sequence\(input"):
                model(nested)
        with pytest.raises(ValueError, match=r"dense tensor, got layout torch.sparse_coo"):
            model(x.to_sparse())
        with pytest.raises(ValueError, match=r"and input is torch.complex64"):
            model(x * 1j)
        with pytest.raises(ValueError, match=r"and input is torch.qint8"):
            model(torch.quantize_per_tensor(x, 0.1, 0, torch.qint8))


def trained(model, x, calls=2):
    """Outputs and gradients of some calls."""
    results = []
    for _ in range(calls):
        output = model(x)
        output.square().sum().backward()
        results.append(output.detach())
    return [*results, *(p.grad for p in model.parameters() if p.requires_grad)]


@THEIR_WARNINGS
@pytest.mark.parametrize(
    "change",
    [
        lambda gru: prune.l1_unstructured(gru, "weight_hh_l0", 0.5),
        lambda gru: torch.nn.utils.weight_norm(gru, "weight_hh_l0"),
        lambda gru: parametrizations.weight_norm(gru, "weight_ih_l1"),
        lambda gru: parametrizations.orthogonal(gru, "weight_hh_l0"),
        lambda gru: setattr(gru, "weight_hh_l1", gru.weight_hh_l0),
        lambda gru: setattr(gru, "weight_hh_l1", gru.weight_ih_l1),
        lambda gru: setattr(gru.weight_hh_l0, "data", torch.ones(8, 24).T),
        lambda gru: gru.register_full_backward_hook(lambda m, d_x, d_y: (2 * d_x[0],)),
        lambda gru: gru.weight_hh_l0.register_hook(lambda d: 2 * d),
        lambda gru: gru.share_memory(),
    ],
    ids=[
        "prune",
        "weight_norm",
        "parametrized",
        "orthogonal",
        "tied",
        "tied_inside",
        "data",
        "hook",
        "tensor_hook",
        "shared",
    ],
)
def test_what_is_done_with_weights(pair, x, change):
    results = []
    for model in pair:
        torch.manual_seed(1)
        change(model.gru)
        results.append(trained(model, x.clone().requires_grad_()))
    assert_alike(results)


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpointing(pair, x, reentrant):
    from torch.utils.checkpoint import checkpoint

    results = []
    for model in pair:
        leaf = x.clone().requires_grad_()
        torch.manual_seed(0)
        output = checkpoint(model, leaf, use_reentrant=reentrant)
        output.square().sum().backward()
        results.append([output, leaf.grad, model.gru.weight_hh_l0.grad])
    assert_alike(results)


@THEIR_WARNINGS
def test_around_the_backward_pass(pair, x):
    results = []
    for model in pair:
        with torch.autograd.detect_anomaly(), torch.autograd.graph.save_on_cpu():
            results.append(trained(nn.DataParallel(model), x))
    assert_alike(results)


@pytest.mark.parametrize("options", [{"foreach": True}, {"fused": True}], ids=str)
def test_optimizers(pair, x, options):
    for model in pair:
        optimizer = torch.optim.Adam(model.parameters(), **options)
        for _ in range(3):
            optimizer.zero_grad()
            trained(model, x, calls=1)
            optimizer.step()
    assert_alike([list(model.parameters()) for model in pair])


def test_tensors_made_in_inference_mode(pair):
    torch.manual_seed(1)
    with torch.inference_mode():
        x = torch.randn(4, 20, 3)
    assert_alike([trained(model, x) for model in pair])


def test_a_gru_of_two_names_is_converted_under_both():
    model = nn.Module()
    model.a = model.b = nn.GRU(3, 4)
    convert(model)
    assert type(model.a) is GRU
    assert model.a is model.b
