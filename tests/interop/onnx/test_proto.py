"""Messages of ONNX that cannot be converted are named in short, plain words."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx_tools import make_model  # noqa: E402

from gru_c.interop.onnx import load  # noqa: E402

node = onnx.helper.make_node


def changed(change, *nodes, constants=None, **options):
    model = make_model(nodes or [node("Relu", ["x"], ["y"], name="r")], constants, **options)
    change(model)
    return model


def tensor(**fields):
    """Return a model with a constant `w` of these fields."""

    def change(model):
        added = model.graph.initializer.add(name="w", data_type=1)
        for name, value in fields.items():
            if name == "external":
                added.data_location = 1
                added.external_data.add(key="location", value=value)
            elif name == "dims":
                added.dims.extend(value)
            else:
                setattr(added, name, value)

    return changed(change, node("Add", ["x", "w"], ["y"]))


def with_function(model):
    model.functions.add(name="f", domain="d")


def with_training(model):
    model.training_info.add()


def sparse(model):
    model.graph.sparse_initializer.add()


def twice(model):
    model.graph.initializer.extend([onnx.numpy_helper.from_array(np.ones(1), "w")] * 2)


def sequence(model):
    model.graph.input[0].type.sequence_type.elem_type.tensor_type.elem_type = 1


def of_version(ir=8, opset=17):
    def change(model):
        model.ir_version, model.opset_import[0].version = ir, opset

    return changed(change)


def branch():
    graph = onnx.helper.make_graph([], "g", [], [])
    return node("If", ["x"], ["y"], then_branch=graph, else_branch=graph, name="choice")


def nothing(model):
    pass


MODELS = [
    (of_version(ir=99), "its format has the version 99"),
    (of_version(opset=99), "its operators are those of version 99"),
    (of_version(opset=6), "its operators are those of version 6"),
    (changed(lambda m: m.ClearField("opset_import")), "which version of ONNX's operators"),
    (changed(lambda m: m.graph.ClearField("output")), "the graph has no output"),
    (changed(with_function), "it has functions of its own"),
    (changed(with_training), "it has training information"),
    (changed(sparse), "it has sparse initializers"),
    (changed(twice), "two of its initializers have the same name"),
    (changed(sequence), "the input 'x' is not a tensor"),
    (changed(nothing, node("Evil", ["x"], ["y"], domain="com.evil")), r"\(Evil\) .*'com\.evil'"),
    (changed(nothing, node("Conv", ["x", "x"], ["y"], name="c")), r"node 'c' \(Conv\): gru_c does"),
    (changed(nothing, branch()), r"node 'choice' \(If\): gru_c does not have"),
    (changed(nothing, node("Relu", ["z"], ["y"])), "wants the value 'z', which nothing before it"),
    (changed(nothing, *[node("Relu", ["x"], ["y"])] * 2), "gives the value 'y', which exists"),
    (changed(nothing, node("Relu", ["x"], ["z"])), "an output wants the value 'y'"),
    (changed(nothing, node("Relu", ["x"], ["y"], a=1)), "Unrecognized attribute: a"),
    (changed(nothing, node("Transpose", ["x"], ["y"], perm=1)), r"\(Transpose\) is not valid"),
    (changed(nothing, node("Relu", [], ["y"])), r"\(Relu\) is not valid"),
    (tensor(dims=[2**40, 2**20], raw_data=b"1234"), "initializer 'w' has the shape .* but 4 bytes"),
    (tensor(dims=[3]), "of 3 float32 values, but 0 values"),
    (tensor(dims=[-1]), "has a shape that no array can have"),
    (tensor(dims=[1] * 99), "has a shape that no array can have"),
    (tensor(dims=[2**62, 0, 2**62]), "initializer 'w' is damaged"),
    (tensor(dims=[1], data_type=8), "initializer 'w' holds STRING"),
    (tensor(dims=[1], data_type=99), "initializer 'w' holds 99"),
    (
        tensor(dims=[1], external="/etc/hostname"),
        "its values in another file, which gru_c does not",
    ),
]


@pytest.mark.parametrize(("model", "message"), MODELS, ids=range(len(MODELS)))
def test_what_cannot_be_read_is_named(model, message, stored):
    with pytest.raises(ValueError, match=message) as caught:
        load(stored(model))
    assert str(caught.value).startswith(f"{stored(model)}: ")


def test_names_in_messages_are_short_and_plain(stored):
    model = changed(nothing, node("Evil", ["x"], ["y"], name="\x1b[31m" + "n" * 10**5))
    with pytest.raises(ValueError, match=r"node '\\x1b\[31mnnn.*\.\.\.' \(Evil\)") as caught:
        load(stored(model))
    assert len(str(caught.value)) < 500
    bytes_in_a_name = changed(nothing).SerializeToString().replace(b"\x01r", b"\x01\xff")
    with pytest.raises(ValueError, match="a name in it is not text"):
        load(stored(bytes_in_a_name))
