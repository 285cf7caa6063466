"""Quantisation by PyTorch of models with gru_c's GRU: the same as with torch.nn.GRU."""

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn.utils import parametrizations  # noqa: E402
from torch_twins import Tagger, tagger_pair  # noqa: E402

from gru_c.interop.torch import GRU, convert  # noqa: E402

# Warnings of PyTorch about functions that it will move elsewhere.
THEIR_WARNINGS = pytest.mark.filterwarnings("ignore")
quantisation = torch.ao.quantization
DYNAMIC = quantisation.default_dynamic_qconfig
DYNAMIC_GRU = torch.ao.nn.quantized.dynamic.GRU


@pytest.fixture
def pair():
    """A model, and the same one converted."""
    return tagger_pair()


@pytest.fixture
def x():
    torch.manual_seed(3)
    return torch.randn(4, 20, 3)


@THEIR_WARNINGS
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dtype": torch.float16},
        {"inplace": True},
        {"qconfig_spec": {nn.GRU}},
        {"qconfig_spec": {GRU, nn.GRU}},
        {"qconfig_spec": {"gru"}},
        {"qconfig_spec": {"": DYNAMIC}},
        {"qconfig_spec": {Tagger: None, nn.GRU: DYNAMIC}},
    ],
    ids=["default", "float16", "in place", "PyTorch's", "both", "a name", "a dict", "one not"],
)
def test_dynamic_quantisation_is_that_of_pytorchs(pair, x, options):
    models = [quantisation.quantize_dynamic(model, **options) for model in pair]
    assert all(type(model.gru) is DYNAMIC_GRU for model in models)
    for a, b in zip(models[0](x), models[1](x), strict=True):
        assert torch.equal(a, b)
    assert type(pair[1].gru) is (DYNAMIC_GRU if "inplace" in options else GRU)


@THEIR_WARNINGS
@pytest.mark.parametrize(
    "spec",
    [
        {nn.Linear},
        {nn.Linear: DYNAMIC, nn.GRU: None},
        {nn.Linear: DYNAMIC, nn.GRU: DYNAMIC, "gru": None},
        {"": DYNAMIC, GRU: None, nn.GRU: None},
    ],
    ids=str,
)
def test_dynamic_quantisation_of_the_rest_leaves_gru_c(pair, x, spec):
    models = [quantisation.quantize_dynamic(model, spec) for model in pair]
    assert type(models[0].gru) is nn.GRU
    assert type(models[1].gru) is GRU
    assert type(models[1].head) is type(models[0].head) is torch.ao.nn.quantized.dynamic.Linear
    torch.testing.assert_close(models[1](x), models[0](x), atol=1e-3, rtol=0)


@THEIR_WARNINGS
def test_a_gru_that_was_excluded_is_not_quantised(pair, x):
    pair[1].gru.qconfig = None
    assert type(quantisation.quantize_dynamic(pair[1]).gru) is GRU
    deeper = nn.ModuleList([nn.Sequential(pair[1])])
    assert type(quantisation.quantize_dynamic(deeper)[0][0].gru) is GRU
    del pair[1].gru.qconfig
    assert type(quantisation.quantize_dynamic(deeper)[0][0].gru) is DYNAMIC_GRU


@THEIR_WARNINGS
@pytest.mark.parametrize(
    "mapping",
    [
        quantisation.QConfigMapping().set_object_type(nn.GRU, DYNAMIC),
        quantisation.QConfigMapping().set_global(DYNAMIC),
        quantisation.QConfigMapping().set_module_name("gru", DYNAMIC),
        quantisation.QConfigMapping().set_module_name_regex("gr.*", DYNAMIC),
        quantisation.QConfigMapping().set_object_type(nn.Linear, DYNAMIC),
    ],
    ids=["type", "global", "name", "pattern", "linear"],
)
def test_quantisation_of_graphs_is_that_of_pytorchs(pair, x, mapping):
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    models = [convert_fx(prepare_fx(model.eval(), mapping, (x,))) for model in pair]
    assert [type(m) for m in models[0].modules()][1:] == [type(m) for m in models[1].modules()][1:]
    assert torch.equal(models[0](x), models[1](x))
    assert all(type(m) is not nn.GRU for m in convert(models[1]).modules())


@THEIR_WARNINGS
def test_what_cannot_be_quantised(pair):
    parametrizations.weight_norm(pair[1].gru, "weight_hh_l0")
    with pytest.raises(TypeError, match=r"not ParametrizedGRU.*remove its parametrizations"):
        quantisation.quantize_dynamic(pair[1])
    assert type(quantisation.quantize_dynamic(pair[1], {nn.Linear}).gru).__name__ != "GRU"


def test_a_gru_that_waits_for_its_quantisation_is_not_converted():
    model = Tagger()
    model.gru.qconfig = DYNAMIC
    with pytest.raises(ValueError, match=r"gru has a qconfig.*quantise first and convert then"):
        convert(model)
    model.gru.qconfig = None
    assert type(convert(model).gru) is GRU
