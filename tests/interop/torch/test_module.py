"""gru_c's GRU as a module of PyTorch's, beside torch.nn.GRU with the same weights."""

import copy
import io
import itertools
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch.nn.utils.rnn import PackedSequence, pack_sequence  # noqa: E402
from torch_twins import assert_same, twins  # noqa: E402

from gru_c.interop.torch import GRU, convert  # noqa: E402

LENGTHS = {"packed": (9, 4, 4, 30, 1), "sorted": (30, 9, 4, 4, 1)}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(3)


def sequences(form, features=5, dtype=torch.float32):
    """Input of a form, and how many rows it has; None for one sequence."""
    if form == "batch":
        return torch.randn(4, 4, features, dtype=dtype), 4
    if form == "one":
        return torch.randn(6, features, dtype=dtype), None
    lists = [torch.randn(length, features, dtype=dtype) for length in LENGTHS[form]]
    return pack_sequence(lists, enforce_sorted=form == "sorted"), len(lists)


@pytest.mark.parametrize("form", ["batch", "one", "packed", "sorted"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("layers", [1, 3])
def test_forward_and_backward(form, dtype, layers):
    for bias, first, both, state in itertools.product((False, True), repeat=4):
        options = {"bias": bias, "batch_first": first, "bidirectional": both, "dtype": dtype}
        dropout = 0.3 if layers > 1 else 0.0  # which draws as in PyTorch
        theirs, ours = twins(5, 7, num_layers=layers, dropout=dropout, **options)
        x, rows = sequences(form, dtype=dtype)
        count = layers * (1 + both)
        shape = (count, 7) if rows is None else (count, rows, 7)
        assert_same(theirs, ours, x, torch.randn(shape, dtype=dtype) if state else None)


@pytest.mark.parametrize("sizes", [(64, 50, 64, 128), (3, 200, 70, 33), (40, 7, 1, 256)])
@pytest.mark.parametrize("threads", [1, 2])
def test_larger_ones(sizes, threads):
    B, T, features, units = sizes
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    options = {"batch_first": True, "bidirectional": True, "dtype": torch.float64}
    theirs, ours = twins(features, units, **options)
    assert_same(theirs, ours, torch.randn(B, T, features, dtype=torch.float64), None)
    torch.set_num_threads(before)


def test_tensors_are_not_copied():
    gru, x = GRU(3, 4), torch.randn(9, 2, 3, requires_grad=True)
    output, _ = gru(x)
    assert np.shares_memory(output.grad_fn.layer.tapes[0].x, x.detach().numpy())
    assert GRU(3, 4, batch_first=True)(x)[0].is_contiguous()


def test_modes():
    theirs, ours = twins(5, 7, num_layers=2, dropout=0.5)
    x = torch.randn(20, 3, 5)
    with torch.no_grad():
        assert not ours(x)[0].requires_grad
    with torch.inference_mode():
        assert ours(x)[0].is_inference()
    theirs.eval()
    ours.eval()
    torch.testing.assert_close(ours(x)[0], theirs(x)[0])
    for parameter in ours.parameters():
        parameter.requires_grad_(False)
    assert not ours(x)[0].requires_grad
    leaf = x.clone().requires_grad_()
    ours(leaf)[1].sum().backward()
    assert leaf.grad is not None
    assert ours.weight_ih_l0.grad is None
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert ours(torch.nn.functional.linear(x, torch.eye(5)))[0].dtype == torch.float32


def test_few_steps_are_pytorchs_own():
    theirs, ours = twins(5, 300, num_layers=2)
    x = torch.randn(1, 2, 5)
    with torch.no_grad():
        for a, b in zip(ours(x), theirs(x), strict=True):
            assert torch.equal(a, b)
    assert_same(theirs, ours, x, None)  # with gradients they are not


def test_it_trains_as_pytorchs():
    """Ten steps of Adam with clipped gradients: the same losses."""
    losses = []
    for module in twins(4, 16, num_layers=2, batch_first=True, dtype=torch.float64):
        torch.manual_seed(1)
        x, y = torch.randn(8, 20, 4).double(), torch.randn(8, 16).double()
        optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
        losses.append([])
        for _ in range(10):
            optimizer.zero_grad()
            loss = (module(x)[0][:, -1] - y).square().mean()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), 0.1)
            optimizer.step()
            losses[-1].append(loss.item())
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-12)
    assert losses[0][-1] < losses[0][0]


def test_copies_and_files():
    theirs, gru = twins(3, 4, num_layers=2, bidirectional=True)
    assert list(gru.state_dict()) == list(theirs.state_dict())
    assert isinstance(gru, torch.nn.GRU)
    assert repr(gru) == repr(theirs)
    x = torch.randn(30, 2, 3)
    expected = gru(x)[0]
    expected.sum().backward()  # leaves memory behind
    file = io.BytesIO()
    torch.save(gru, file)
    file.seek(0)
    assert file.getbuffer().nbytes < 20_000
    for again in (
        copy.deepcopy(gru),
        pickle.loads(pickle.dumps(gru)),
        torch.load(file, weights_only=False),
    ):
        assert type(again) is GRU
        assert torch.equal(again(x)[0], expected)
    vector = torch.nn.utils.parameters_to_vector(gru.parameters())
    torch.nn.utils.vector_to_parameters(torch.zeros_like(vector), gru.parameters())
    assert not gru(x)[0].any()
    gru.double()
    assert gru(x.double())[0].dtype == torch.float64


def test_weights_that_are_changed_behind_pytorchs_back_count():
    gru = GRU(3, 4)
    x = torch.randn(30, 2, 3)
    with torch.no_grad():
        before = gru(x)[0]
        gru.weight_ih_l0.data.mul_(2)
        assert not torch.equal(gru(x)[0], before)


@pytest.mark.filterwarnings("ignore")  # PyTorch's own
def test_distributed_data_parallel(run_python, tmp_path):
    code = f"""
import torch, warnings
warnings.simplefilter("ignore")
from gru_c.interop.torch import GRU
torch.distributed.init_process_group(
    "gloo", init_method="file://{tmp_path}/meeting", rank=0, world_size=1)
gru = GRU(3, 4, bidirectional=True)
parallel = torch.nn.parallel.DistributedDataParallel(gru, gradient_as_bucket_view=True)
x = torch.randn(30, 2, 3)
for _ in range(2):
    parallel.zero_grad()
    parallel(x)[0].sum().backward()
found = [p.grad.clone() for p in gru.parameters()]
gru.zero_grad(set_to_none=True)
gru(x)[0].sum().backward()
print(all(torch.equal(a, p.grad) for a, p in zip(found, gru.parameters())))
torch.distributed.destroy_process_group()
"""
    done = run_python(code)
    assert done.stdout == "True\n", done.stderr


@pytest.mark.filterwarnings("ignore")  # PyTorch's own
def test_traced_and_exported_it_is_pytorchs():
    _, gru = twins(3, 4, batch_first=True)
    x = torch.randn(2, 30, 3)
    traced = torch.jit.trace(gru, x)
    assert "aten::gru" in str(traced.graph)
    torch.testing.assert_close(traced(x)[0], gru(x)[0])
    exported = torch.export.export(gru, (x,))
    torch.testing.assert_close(exported.module()(x)[0], gru(x)[0])


# ---- convert ------------------------------------------------------------------------------------


class Tagger(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.ModuleList([torch.nn.GRU(3, 8, 2), torch.nn.GRU(8, 8)])
        self.again = self.encoder[1]
        self.head = torch.nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.again(self.encoder[0](x)[0])[0])


class Other(torch.nn.GRU):
    def forward(self, x, hx=None):
        return super().forward(2 * x, hx)


def test_convert_replaces_every_gru_and_keeps_the_rest():
    model = Tagger().eval()
    parameters, x = list(model.parameters()), torch.randn(30, 2, 3)
    expected, calls = model(x), []
    model.encoder[0].register_forward_hook(lambda *_: calls.append(1))
    assert convert(model) is model
    assert [type(m) for m in model.encoder] == [GRU, GRU]
    assert model.again is model.encoder[1]
    assert not model.encoder[0].training
    assert all(a is b for a, b in zip(model.parameters(), parameters, strict=True))
    torch.testing.assert_close(model(x), expected)
    assert calls == [1]
    assert convert(model) is model  # nothing left to do


def test_convert_of_a_gru_itself_and_of_what_computes_otherwise():
    gru = torch.nn.GRU(3, 4)
    made = convert(gru)
    assert type(made) is GRU
    assert made.weight_ih_l0 is gru.weight_ih_l0
    model = torch.nn.Sequential(Other(3, 4), torch.nn.GRUCell(3, 4))
    assert [type(m) for m in convert(model)] == [Other, torch.nn.GRUCell]


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (3, TypeError, "wants a torch.nn.Module, got int"),
        (torch.nn.GRU(3, 4, device="meta"), ValueError, "CPU, and weight_ih_l0 is on meta"),
        (torch.nn.GRU(3, 4).half(), ValueError, "weight_ih_l0 is torch.float16"),
    ],
)
def test_what_cannot_be_converted(model, error, message):
    with pytest.raises(error, match=message):
        convert(model)
    if isinstance(model, torch.nn.Module):
        whole = torch.nn.ModuleDict({"a": torch.nn.GRU(3, 4), "b": model})
        with pytest.raises(ValueError, match=r"b\.weight_ih_l0 is"):
            convert(whole)
        assert type(whole["a"]) is torch.nn.GRU


# ---- bad input ----------------------------------------------------------------------------------

X = torch.zeros(30, 2, 5)


@pytest.mark.parametrize(
    ("x", "hx", "error", "message"),
    [
        (X.numpy(), None, TypeError, "input must be a tensor, got ndarray"),
        (None, None, TypeError, "input must be a tensor, got NoneType"),
        (X[None], None, ValueError, "2D or 3D, got 4D"),
        (X[:, :, :4], None, RuntimeError, "input must have 5 features, got 4"),
        (X[:0], None, RuntimeError, "at least one step"),
        (X.double(), None, ValueError, "input is torch.float64, but the first weight torch.float"),
        (X.half(), None, ValueError, "float32 and float64, and input is torch.float16"),
        (X.to("meta"), None, ValueError, "CPU, and input is on meta"),
        (X.to_sparse(), None, ValueError, "dense tensor"),
        (X, X[0], RuntimeError, "hx should also be 3-D, got 2-D"),
        (X, torch.zeros(2, 2, 7), RuntimeError, r"hx must have shape \(1, 2, 7\), got \(2, 2, 7\)"),
        (X, torch.zeros(1, 2, 7).double(), ValueError, "hx is torch.float64"),
        (X, torch.zeros(1, 2, 7, device="meta"), ValueError, "hx is on meta"),
        (X, [1.0], TypeError, "hx must be a tensor, got list"),
        (PackedSequence(X[:, 0], torch.tensor([2, 3])), None, ValueError, "must not increase"),
        (PackedSequence(X[:5, 0], torch.tensor([3, 3])), None, ValueError, "sum to the 5 steps"),
        (PackedSequence(X[:5, 0], torch.tensor([5, 0])), None, ValueError, "must not increase"),
    ],
)
def test_bad_input(x, hx, error, message):
    gru = GRU(5, 7)
    with pytest.raises(error, match=message):
        gru(x, hx)


def test_what_it_does_not_do():
    with pytest.raises(ValueError, match="proj_size"):
        GRU(5, 7, proj_size=3)
    gru = GRU(5, 7, device="meta")
    with pytest.raises(ValueError, match="weight_ih_l0 is on meta"):
        gru(X)
    x = X.clone().requires_grad_()
    output = GRU(5, 7)(x)[0].sum()
    with pytest.raises(RuntimeError, match="cannot be differentiated again"):
        torch.autograd.grad(output, x, create_graph=True)
    assert GRU(5, 7)(torch.zeros(30, 0, 5))[0].shape == (30, 0, 7)
