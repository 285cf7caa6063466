"""LSTM and SimpleRNN beside Keras's: numbers, states, masks, gradients' effect, and files."""

import numpy as np
import pytest
from keras_peer import keras, torch

import gru_c

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's own

RNG = np.random.default_rng(11)
X = RNG.standard_normal((6, 7, 4)).astype(np.float32)
Y = RNG.standard_normal((6, 2)).astype(np.float32)
each_kind = pytest.mark.parametrize("kind", ["LSTM", "SimpleRNN"])


def as_arrays(results):
    results = results if isinstance(results, (tuple, list)) else [results]
    return [np.asarray(it.detach() if hasattr(it, "detach") else it) for it in results]


def assert_same(ours, theirs):
    for one, other in zip(as_arrays(ours), as_arrays(theirs), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6)


def pair_of(kind, **options):
    """Return a layer of Keras and ours with its weights."""
    theirs, ours = (getattr(lib.layers, kind)(5, **options) for lib in (keras, gru_c))
    theirs(X)
    ours.build((None, 7, 4))
    ours.set_weights(theirs.get_weights())
    return ours, theirs


@each_kind
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"return_sequences": True, "return_state": True},
        {"go_backwards": True, "return_sequences": True},
        {"activation": "relu", "use_bias": False},
    ],
)
def test_outputs_and_states(kind, options):
    ours, theirs = pair_of(kind, **options)
    assert_same(ours(X), theirs(X))
    count = 2 if kind == "LSTM" else 1
    states = [RNG.standard_normal((6, 5)).astype(np.float32) for _ in range(count)]
    expected = theirs(X, initial_state=[torch.tensor(state) for state in states])
    assert_same(ours.forward(X, initial_state=states if count == 2 else states[0]), expected)


@pytest.mark.parametrize("kind", ["GRU", "SimpleRNN"])
def test_a_list_of_one_state_is_that_state(kind):
    ours, theirs = pair_of(kind)
    state = RNG.standard_normal((6, 5)).astype(np.float32)
    assert_same(ours(X, initial_state=[state]), theirs(X, initial_state=[torch.tensor(state)]))
    assert np.array_equal(ours(X, initial_state=[state]), ours(X, initial_state=state))
    with pytest.raises(ValueError, match=r"must have shape \(B, H\) = \(6, 5\), got \(2, 6, 5\)"):
        ours(X, initial_state=[state, state])
    kept = getattr(gru_c, kind)(5, stateful=True)
    kept.reset_states([state])
    assert np.array_equal(kept.state, state)


@pytest.mark.parametrize("kind", ["GRU", "LSTM", "SimpleRNN"])
def test_no_activation_is_linear(kind):
    gates = {} if kind == "SimpleRNN" else {"recurrent_activation": None}
    ours, theirs = pair_of(kind, activation=None, **gates)
    assert ours.activation == "linear"
    weights = [RNG.uniform(-0.2, 0.2, weight.shape) for weight in theirs.get_weights()]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    assert_same(ours(X), theirs(X))
    assert getattr(gru_c, f"{kind}Cell")(5, activation=None, **gates).activation == "linear"


@each_kind
def test_masks(kind):
    ours, theirs = pair_of(kind, return_sequences=True, return_state=True)
    mask = RNG.random((6, 7)) > 0.4
    mask[:, 0] = True
    assert_same(ours.forward(X, mask=mask), theirs(X, mask=torch.tensor(mask)))


@each_kind
def test_stateful_batches(kind):
    ours = getattr(gru_c, kind)(5, stateful=True)
    inputs = keras.Input(batch_shape=(6, 7, 4))
    theirs = getattr(keras.layers, kind)(5, stateful=True)
    model = keras.Sequential([inputs, theirs])
    ours.build((6, 7, 4))
    ours.set_weights(theirs.get_weights())
    for _ in range(2):
        assert_same(ours(X), model(X))


@each_kind
def test_initial_weights_have_the_same_distribution(kind):
    """The bias of the forget gate begins with ones, as in Keras."""
    ours, theirs = (getattr(lib.layers, kind)(30) for lib in (keras, gru_c))
    ours(X)
    theirs(X)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert one.shape == other.shape
        assert abs(one.std() - other.std()) < 0.03
    np.testing.assert_array_equal(ours.get_weights()[2], theirs.get_weights()[2])


def make(library, kind):
    K = library.layers
    cell = getattr(K, f"{kind}Cell")
    layer = getattr(K, kind)
    return library.Sequential(
        [
            library.Input((7, 4)),
            layer(5, return_sequences=True),
            K.Bidirectional(layer(4, return_sequences=True)),
            K.RNN(cell(3), return_sequences=True),
            K.RNN([cell(3), cell(4)]),
            K.Dense(2),
        ]
    )


@each_kind
@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
def test_files_both_ways(tmp_path, kind, suffix):
    pytest.importorskip("h5py")
    for source, target in ((keras, gru_c), (gru_c, keras)):
        model, file = make(source, kind), tmp_path / f"{source.__name__}{suffix}"
        expected = model.predict(X, verbose=0)
        if suffix == ".weights.h5":
            model.save_weights(file)
            other = make(target, kind)
            other.load_weights(file)
        else:
            model.save(file)
            load = gru_c.load_model if target is gru_c else keras.models.load_model
            other = load(file)
        np.testing.assert_allclose(other.predict(X, verbose=0), expected, atol=5e-6)


@each_kind
def test_training_takes_the_same_way(kind):
    histories = []
    theirs = make(keras, kind)
    weights = theirs.get_weights()
    for library, model in ((keras, theirs), (gru_c, make(gru_c, kind))):
        if library is gru_c:
            model.set_weights(weights)
        model.compile(library.optimizers.SGD(0.05), "mse")
        fit = model.fit(X, Y, epochs=4, batch_size=3, shuffle=False, verbose=0)
        histories.append(fit.history["loss"])
    np.testing.assert_allclose(histories[1], histories[0], rtol=2e-4)
