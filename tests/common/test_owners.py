"""Wrong calls of all cells: each message names the cell or its function, and none another cell.

The tests of the functions and of the layers check what the messages say.
"""

import re

import numpy as np
import pytest
from cells import CELLS

import gru_c
from gru_c import RNN, Bidirectional, Input, Sequential
from gru_c.common.owners import name_owner

B, T, I, H = 3, 5, 2, 4

each_cell = pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)


def ones(*shape):
    return np.ones(shape)


def states(cell, *shape):
    return cell.pair(ones(*shape[:-1], cell.states * shape[-1]))


def other_pair(cell):
    """States in the form that cells with another number of states take."""
    return ones(B, H) if cell.states == 2 else (ones(B, H), ones(B, H))


def forward(cell, **changes):
    arguments = cell.arguments(B, T, I, H)
    arguments["initial_state"] = cell.pair(arguments["initial_state"])
    return getattr(gru_c, f"{cell.name}_forward")(**{**arguments, **changes})


def backward(cell, *arguments, tape=None, **options):
    tape = forward(cell, training=True).tape if tape is None else tape
    return getattr(gru_c, f"{cell.name}_backward")(tape, *arguments, **options)


def used_up(cell):
    tape = forward(cell, training=True).tape
    backward(cell, tape=tape, keep_tape=False)
    return tape


def step(cell, **changes):
    arguments = cell.arguments(B, T, I, H)
    x, state = arguments.pop("x"), cell.pair(arguments.pop("initial_state"))
    given = {"x_t": x[:, 0], "state": state, **arguments, **changes}
    return getattr(gru_c, f"{cell.name}_step")(**given)


def of_another(cell):
    other = CELLS[CELLS.index(cell) - 1]
    return forward(other, training=True).tape


# Arguments of the functions, by what is wrong.
ARGUMENTS = {
    "x of a step": {"x": ones(T, I)},
    "features": {"x": ones(B, T, I + 1)},
    "no x": {"x": None},
    "text": {"x": "a"},
    "complex": {"x": ones(B, T, I) * 1j},
    "ragged": {"x": [[[1.0]], [[1.0], [2.0]]]},
    "kernel": {"kernel": ones(I, 7)},
    "kernel of one axis": {"kernel": ones(7)},
    "no kernel": {"kernel": None},
    "recurrent kernel": {"recurrent_kernel": ones(H, 7)},
    "no units": {"recurrent_kernel": ones(0, 0)},
    "bias": {"bias": ones(3)},
    "bias of three rows": {"bias": ones(3, H)},
    "text as a state": {"initial_state": "a"},
    "three states": {"initial_state": [ones(B, H)] * 3},
    "unknown activation": {"activation": "tanhh"},
    "activation of other layers": {"activation": "gelu"},
    "no activation": {"activation": None},
    "a parameter too many": {"activation": ("tanh", 1.0)},
    "a parameter that is a text": {"activation": ("elu", "a")},
    "not trainable": {"activation": ("leaky_relu", -1.0), "training": True},
    "clip": {"clip": 0},
    "clip of text": {"clip": "a"},
    "engine": {"engine": "cuda"},
    "weights": {"inference_weights": "float16"},
    "weights of float64": {"inference_weights": "int8"},
    "weights and training": {"inference_weights": "int8", "training": True},
    "lengths": {"lengths": [1, 2]},
    "lengths beyond": {"lengths": [1, 2, 9]},
    "fractions": {"lengths": [1.5, 1, 1]},
    "mask of numbers": {"mask": ones(B, T) / 2},
    "mask": {"mask": ones(B, T + 1) > 0},
    "both": {"mask": ones(B, T) > 0, "lengths": [1, 1, 1]},
    "backwards": {"go_backwards": 2},
    "training": {"training": None},
    "zeros": {"zero_output_for_mask": "no"},
    "checkpoints": {"checkpoint_every": 0},
    "often": {"checkpoint_every": "often"},
}
FUNCTIONS = {
    **{name: (lambda c, given=given: forward(c, **given)) for name, given in ARGUMENTS.items()},
    "width of a state": lambda c: forward(c, initial_state=states(c, B, H + 1)),
    "rows of a state": lambda c: forward(c, initial_state=states(c, 1, H)),
    "number of states": lambda c: forward(c, initial_state=other_pair(c)),
    "not a tape": lambda c: backward(c, tape=3),
    "another's tape": lambda c: backward(c, tape=of_another(c)),
    "used up": lambda c: backward(c, tape=used_up(c)),
    "d_output": lambda c: backward(c, ones(B, T, H + 1)),
    "d_output of a step": lambda c: backward(c, ones(B, H)),
    "d_output of text": lambda c: backward(c, "a"),
    "d_state": lambda c: backward(c, None, states(c, B, H + 1)),
    "d_state of another": lambda c: backward(c, None, (ones(B, H),) * 3),
    "keep_tape": lambda c: backward(c, keep_tape=2),
    "x_t of a sequence": lambda c: step(c, x_t=ones(B, T, I)),
    "features of x_t": lambda c: step(c, x_t=ones(B, I + 1)),
    "no x_t": lambda c: step(c, x_t=None),
    "no state": lambda c: step(c, state=None),
    "state": lambda c: step(c, state=states(c, B, H + 1)),
    "state of text": lambda c: step(c, state="a"),
    "state of another": lambda c: step(c, state=other_pair(c)),
    "weights of a step": lambda c: step(c, kernel=ones(I, 3)),
    "bias of a step": lambda c: step(c, bias=ones(3)),
}


def named(cell):
    """Pattern of the cell's names: of its layer, of its functions, or in words."""
    return rf"\b({cell.kind}(Cell)?|{cell.kind.lower()}|{cell.name}_(forward|backward|step))\b"


def message_of(call, cell, errors=(TypeError, ValueError, AttributeError)):
    with pytest.raises(errors) as info:
        call(cell)
    return str(info.value)


def assert_names_only(cell, message, also=()):
    assert re.search(named(cell), message), message
    for other in CELLS:
        if other is not cell and other not in also:
            assert not re.search(named(other), message), message


@each_cell
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_message_of_a_function_names_it(name, cell):
    message = message_of(FUNCTIONS[name], cell)
    also = [CELLS[CELLS.index(cell) - 1]] if name == "another's tape" else []
    assert_names_only(cell, message, also)


# Arguments of the constructors, by their names.
OF_LAYERS = {
    "units": [0, 1.5, None, "a"],
    "activation": ["tanhh", "gelu", np.tanh],
    "use_bias": [2],
    "kernel_initializer": ["nope"],
    "recurrent_regularizer": ["nope"],
    "bias_constraint": ["nope"],
    "dropout": [1.0, "a"],
    "recurrent_dropout": [-0.1],
    "seed": ["a"],
    "dtype": ["int8"],
    "trainable": [2],
    "typo": [1],
}
ONLY_OF_LAYERS = {
    "zoneout": [1.0],
    "clip": [0],
    "checkpoint_every": [0],
    "inference_weights": ["int4"],
    "return_sequences": [2],
    "return_state": ["a"],
    "go_backwards": [None],
    "stateful": [2],
    "time_major": [2],
    "proj_size": [3],
}


def cases_of(arguments):
    return [(name, value) for name, values in arguments.items() for value in values]


@each_cell
@pytest.mark.parametrize(("name", "value"), cases_of({**OF_LAYERS, **ONLY_OF_LAYERS}))
def test_a_message_of_a_constructor_names_the_layer(name, value, cell):
    assert_names_only(cell, message_of(lambda _: cell.layer(**{"units": 4, name: value}), cell))


@each_cell
@pytest.mark.parametrize(("name", "value"), cases_of(OF_LAYERS))
def test_a_message_of_a_constructor_names_the_cell(name, value, cell):
    cls = getattr(gru_c, f"{cell.kind}Cell")
    assert_names_only(cell, message_of(lambda _: cls(**{"units": 4, name: value}), cell))


def built(cell, **options):
    layer = cell.layer(4, name="encoder", **options)
    layer.build((None, None, I))
    return layer


def after_pass(cell):
    layer = built(cell)
    layer.forward(ones(B, T, I), training=True)
    return layer


def model(cell, **options):
    layer = cell.layer(4, name="encoder", **options)
    built_model = Sequential([Input((T, I)), layer, cell.layer(3)])
    built_model.compile("sgd", "mse")
    return built_model


USES = {
    "x of a step": lambda c: built(c)(ones(B, I)),
    "x of text": lambda c: built(c)("a"),
    "no x": lambda c: built(c)(None),
    "features": lambda c: built(c)(ones(B, T, I + 1)),
    "state": lambda c: built(c)(ones(B, T, I), initial_state=states(c, B, H + 1)),
    "state of another": lambda c: built(c)(ones(B, T, I), initial_state=other_pair(c)),
    "mask": lambda c: built(c)(ones(B, T, I), mask=ones(B, T + 1) > 0),
    "lengths": lambda c: built(c)(ones(B, T, I), lengths=[9, 1, 1]),
    "training": lambda c: built(c).forward(ones(B, T, I), training=2),
    "no tape": lambda c: built(c).backward(ones(B, H)),
    "d_output": lambda c: after_pass(c).backward(ones(B, T)),
    "d_state": lambda c: after_pass(c).backward(ones(B, H), d_state=states(c, B, H + 1)),
    "keep_tape": lambda c: after_pass(c).backward(ones(B, H), keep_tape=2),
    "not stateful": lambda c: built(c).reset_states(),
    "states": lambda c: built(c, stateful=True).reset_states(states(c, B, H + 1)),
    "number of weights": lambda c: built(c).set_weights([ones(2, 3)]),
    "shape of weights": lambda c: built(c).set_weights([ones(3, 3)] * 3),
    "unknown weight": lambda c: built(c).value("gate"),
    "not a sequence": lambda c: c.layer(4, name="encoder").build((None, I)),
    "before the weights": lambda c: c.layer(4, name="encoder").forward(ones(B, T, I)),
    "not trainable": lambda c: built(c, activation=("elu", -1.0)).forward(
        ones(B, T, I), training=True
    ),
    "without steps": model,
    "two outputs": lambda c: model(c, return_state=True),
    "time major": lambda c: model(c, time_major=True),
    "through the activation": lambda c: (
        lambda m: (
            m.run_in_training(ones(B, T, I)),
            m.backward(ones(B, 4), through_activation=False),
        )
    )(Sequential([Input((T, I)), c.layer(4, name="encoder")], seed=0)),
    "one batch size": lambda c: model(c, stateful=True, return_sequences=True).fit(
        ones(5, T, I), ones(5, 3), batch_size=2, shuffle=False, verbose=0
    ),
    "pieces": lambda c: model(c, go_backwards=True, return_sequences=True).fit(
        ones(4, T, I), ones(4, 3), bptt_steps=2, verbose=0
    ),
}


@each_cell
@pytest.mark.parametrize("name", USES)
def test_a_message_about_the_use_of_a_layer_names_it(name, cell):
    message = message_of(USES[name], cell)
    assert "'encoder'" in message
    for other in CELLS:
        if other is not cell:
            assert not re.search(named(other), message), message


CHANGES = {
    "units": 5,
    "activation": "relu",
    "dropout": 1.0,
    "zoneout": "a",
    "return_state": True,
    "recurent_dropout": 0.5,
    "cell": None,
    "state": 0,
}


@each_cell
@pytest.mark.parametrize("name", CHANGES)
def test_a_message_about_an_attribute_names_the_class(name, cell):
    layer = built(cell)
    assert_names_only(cell, message_of(lambda _: setattr(layer, name, CHANGES[name]), cell))


OF_CELLS = {
    "units": lambda c, cls: setattr(cls(4), "units", 5),
    "states": lambda c, cls: cls(4)(ones(B, I), [ones(B, H + 1)] * c.states),
    "number of states": lambda c, cls: cls(4)(ones(B, I), [ones(B, H)] * 3),
    "a sequence": lambda c, cls: cls(4)(ones(B, T, I), [ones(B, H)] * c.states),
    "in a model": lambda c, cls: Sequential([Input((T, I)), cls(4)]),
    "a class": lambda c, cls: RNN(cls),
    "the class of a layer": lambda c, cls: Sequential([c.layer]),
    "of a pair": lambda c, cls: Bidirectional(c.layer),
    "state of an RNN": lambda c, cls: RNN(cls(4))(ones(B, T, I), initial_state=states(c, B, H + 1)),
}


@each_cell
@pytest.mark.parametrize("name", OF_CELLS)
def test_a_message_about_a_single_cell_names_it(name, cell):
    cls = getattr(gru_c, f"{cell.kind}Cell")
    message = message_of(lambda _: OF_CELLS[name](cell, cls), cell)
    folded = re.sub("simple_rnn", "SimpleRNN", message).replace("_cell", "")
    assert_names_only(cell, folded)


def test_settings_without_effect_are_taken_as_those_of_a_gru():
    for kind in ("GRU", "LSTM"):
        getattr(gru_c, kind)(4, unroll=True, implementation=1, use_cudnn="auto")
        getattr(gru_c, f"{kind}Cell")(4, implementation=1)
    gru_c.SimpleRNN(4, unroll=True)


def test_a_message_that_names_its_owner_stays_as_it_is():
    for message in ("units of simple_rnn", "a SimpleRNN has units", ("two", "arguments"), 3):
        error = ValueError(*message) if isinstance(message, tuple) else ValueError(message)
        before = error.args
        name_owner(error, {"SimpleRNN": "a SimpleRNN"})
        assert error.args == before
    error = ValueError("gru_c computes")  # the package is not a cell
    name_owner(error, {"GRU": "a GRU"})
    assert str(error) == "gru_c computes (a GRU)"
