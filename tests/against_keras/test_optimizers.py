"""Every optimizer beside Keras's: steps with clipping, decay, schedules, averages, states."""

import numpy as np
import pytest
from keras_peer import keras

import gru_c
import gru_c.interop.keras
from gru_c import optimizers, schedules

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own

METHODS = [
    ("SGD", {"momentum": 0.9}),
    ("RMSprop", {}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True, "beta_2": 0.6}),
    ("AdamW", {"amsgrad": True, "beta_2": 0.6}),
    ("Adagrad", {}),
    ("Adagrad", {"initial_accumulator_value": 0.0, "epsilon": 1e-3}),
    ("Adadelta", {"rho": 0.8}),
    ("Adamax", {}),
    ("Nadam", {}),
    ("Lion", {}),
]
OPTIONS = [
    {},
    {"clipnorm": 0.05},
    {"global_clipnorm": 0.05},
    {"clipvalue": 0.01},
    {"weight_decay": 0.1},
    {"use_ema": True, "ema_momentum": 0.7},
    {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 3},
    {"gradient_accumulation_steps": 3},
    {"gradient_accumulation_steps": 4, "use_ema": True, "ema_overwrite_frequency": 2},
]
X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
Y = np.random.default_rng(1).normal(size=(60, 2)).astype(np.float32)

every_method = pytest.mark.parametrize(("name", "settings"), METHODS, ids=str)


def models(mine, peer, constraint=None):
    ours = gru_c.Sequential(
        [
            gru_c.Dense(3, activation="tanh", input_shape=(4,), kernel_constraint=constraint),
            gru_c.Dense(3, activation="tanh"),
            gru_c.Dense(2),
        ],
        seed=0,
    )
    ours.build((None, 4))
    theirs = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(3, activation="tanh", kernel_constraint=constraint),
            keras.layers.Dense(3, activation="tanh"),
            keras.layers.Dense(2),
        ]
    )
    theirs.set_weights([w.copy() for w in ours.get_weights()])
    ours.compile(mine, "mse")
    theirs.compile(peer, "mse")
    return ours, theirs


def fit(model):
    return model.fit(X, Y, batch_size=6, epochs=2, shuffle=False, verbose=0).history["loss"]


def require_same(ours, theirs, rtol=2e-4):
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=2e-6)


def pair(name, **settings):
    return getattr(optimizers, name)(**settings), getattr(keras.optimizers, name)(**settings)


@every_method
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_twenty_steps_follow_keras(name, settings, options):
    ours, theirs = models(*pair(name, **settings, **options, learning_rate=0.02))
    np.testing.assert_allclose(fit(ours), fit(theirs), rtol=1e-4)
    require_same(ours, theirs)


@every_method
def test_schedules_frozen_layers_and_constraints_follow_keras(name, settings):
    mine, peer = pair(name, **settings, use_ema=True, gradient_accumulation_steps=2)
    mine.learning_rate = schedules.ExponentialDecay(0.05, 4, 0.5)
    peer.learning_rate = keras.optimizers.schedules.ExponentialDecay(0.05, 4, 0.5)
    ours, theirs = models(mine, peer, "max_norm")
    ours.layers[1].trainable = theirs.layers[1].trainable = False
    frozen = ours.layers[1].get_weights()[0].copy()
    theirs.compile(peer, "mse")
    fit(ours), fit(theirs)
    require_same(ours, theirs)
    assert np.array_equal(frozen, ours.layers[1].get_weights()[0])


@every_method
@pytest.mark.parametrize("options", OPTIONS[5:], ids=str)
def test_a_saved_optimizer_continues_with_the_same_bits(name, settings, options, tmp_path):
    mine, peer = pair(name, **settings, **options)
    model, _ = models(mine, peer)
    for start in range(0, 30, 6):
        model.train_on_batch(X[start : start + 6], Y[start : start + 6])
    model.save(tmp_path / "model.safetensors", include_optimizer=True)
    again = gru_c.load_model(tmp_path / "model.safetensors")
    assert again.optimizer.get_config() == mine.get_config()
    for each in (model, again):
        for start in range(30, 60, 6):
            each.train_on_batch(X[start : start + 6], Y[start : start + 6])
    assert all(map(np.array_equal, model.get_weights(), again.get_weights()))


@every_method
@pytest.mark.parametrize("options", [{}, OPTIONS[5], OPTIONS[7]], ids=str)
def test_the_state_goes_to_keras_files_and_back(name, settings, options, tmp_path):
    _, theirs = models(*pair(name, **settings, **options))
    fit(theirs)
    theirs.save(tmp_path / "theirs.keras")
    loaded = gru_c.interop.keras.load(tmp_path / "theirs.keras")
    assert type(loaded.optimizer) is getattr(optimizers, name)
    gru_c.interop.keras.save(loaded, tmp_path / "ours.keras")
    peer = keras.saving.load_model(tmp_path / "ours.keras")
    for each in (theirs, loaded, peer):
        fit(each)
    require_same(loaded, theirs)
    require_same(peer, theirs)


@pytest.mark.parametrize(
    "options",
    [
        {"ema_momentum": 1.5, "use_ema": True},
        {"ema_overwrite_frequency": -1, "use_ema": True},
        {"gradient_accumulation_steps": 1},
        {"clipnorm": 1.0, "clipvalue": 1.0},
    ],
    ids=str,
)
def test_settings_that_keras_refuses_are_refused(options):
    for cls in (optimizers.Nadam, keras.optimizers.Nadam):
        with pytest.raises(ValueError, match="|".join(options)):
            cls(**options)


def test_large_vectors_are_cut_into_pieces():
    x = np.random.default_rng(0).normal(size=(4, 120)).astype(np.float32)
    for name in ("Nadam", "Adamax"):
        mine, peer = pair(name)
        ours = gru_c.Sequential([gru_c.Dense(150, input_shape=(120,))], seed=0)
        ours.build((None, 120))
        theirs = keras.Sequential([keras.Input((120,)), keras.layers.Dense(150)])
        theirs.set_weights([w.copy() for w in ours.get_weights()])
        for model, optimizer in ((ours, mine), (theirs, peer)):
            model.compile(optimizer, "mse")
            model.fit(x, np.ones((4, 150)), epochs=3, verbose=0)
        require_same(ours, theirs)


def test_steps_make_no_new_arrays():
    import tracemalloc

    optimizer = optimizers.Nadam(use_ema=True, gradient_accumulation_steps=2)
    model = gru_c.Sequential([gru_c.Dense(300, input_shape=(300,))], seed=0)
    model.build((None, 300))
    optimizer.step(model.parameters)
    optimizer.step(model.parameters)
    tracemalloc.start()
    optimizer.step(model.parameters)
    optimizer.step(model.parameters)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30_000  # the weights have 361 KB


@pytest.mark.parametrize("name", sorted({name for name, _ in METHODS}))
def test_a_configuration_of_keras_makes_the_optimizer(name):
    spec = keras.optimizers.serialize(getattr(keras.optimizers, name)(0.5, name="a"))
    wanted = getattr(optimizers, name)(0.5, name="a").get_config()
    assert optimizers.get(spec).get_config() == wanted
    assert getattr(optimizers, name).from_config(spec["config"]).get_config() == wanted
