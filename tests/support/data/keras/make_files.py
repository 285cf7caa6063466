"""Make the files of this folder, by Keras 3 and by Keras 2 (which is called tf_keras today).

    python make_files.py keras
    python make_files.py tf_keras
    python make_files.py keras trained

Made by keras 3.15.1 on PyTorch 2.13, by tf_keras 2.21.0 on TensorFlow 2.21, and those of the last
line by keras 2.15.0 on TensorFlow 2.15.1. What the models give for an input is in
``expected_<number>.npz``, the losses with which training goes on in ``trained_2.npz``.
"""

import importlib
import sys
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent


def sequences(keras):
    """A layer of each kind that takes sequences."""
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((6, 4)),
            layers.Masking(0.5),
            layers.LayerNormalization(),
            layers.GRU(3, return_sequences=True, reset_after=False, kernel_regularizer="l2"),
            layers.Dropout(0.2),
            layers.Bidirectional(layers.GRU(2, return_sequences=True), name="both"),
            layers.GRU(
                4, activation="relu", use_bias=False, dropout=0.1, kernel_constraint="max_norm"
            ),
            layers.RepeatVector(2),
            layers.TimeDistributed(layers.Dense(3, activation="tanh")),
            layers.Flatten(),
            layers.Dense(2),
            layers.Activation("softmax"),
        ],
        name="net",
    )
    rate = keras.optimizers.schedules.ExponentialDecay(0.01, 100, 0.9)
    optimizer = keras.optimizers.Adam(rate, clipnorm=1.0)
    model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy", "mae"])
    return model


def text(keras):
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((None,)),
            layers.Embedding(9, 3, mask_zero=True, name="words"),
            layers.GRU(3, name="state"),
            layers.Dense(1, activation="sigmoid", name="answer"),
        ]
    )


def functional(keras):
    layers = keras.layers
    x = layers.Input((None, 4))
    h = layers.GRU(3, return_sequences=True, name="a")(x)
    h = layers.GRU(3, go_backwards=True, name="b")(h)
    return keras.Model(x, layers.Dense(1, name="c")(h), name="chain")


def trained(keras):
    """Models in the midst of their training, by optimizers of Keras 2 old and new."""
    legacy, optimizers = keras.optimizers.legacy, keras.optimizers
    rng = np.random.default_rng(2)
    expected = {
        "x": rng.standard_normal((12, 5, 3)).astype(np.float32),
        "y": rng.standard_normal((12, 1)).astype(np.float32),
    }
    for name, optimizer in {
        "legacy_adam.h5": legacy.Adam(0.02, decay=0.1),
        "legacy_rmsprop.h5": legacy.RMSprop(0.01, momentum=0.5, centered=True, epsilon=1e-3),
        "adam.h5": optimizers.Adam(0.01, clipnorm=1.0),
        "sgd.keras": optimizers.SGD(0.1),  # which keeps a momentum that it does not use
        "rmsprop.keras": optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    }.items():
        layers = keras.layers
        model = keras.Sequential([layers.Input((5, 3)), layers.GRU(2), layers.Dense(1)])
        model.compile(optimizer, keras.losses.MeanSquaredError(), metrics=["mae"])
        settings = {"batch_size": 4, "shuffle": False, "verbose": 0}
        model.fit(expected["x"], expected["y"], epochs=2, **settings)
        model.save(FOLDER / f"trained_2_{name}")
        history = model.fit(expected["x"], expected["y"], epochs=3, **settings)
        expected[name] = history.history["loss"]
    np.savez_compressed(FOLDER / "trained_2.npz", **expected)


def main(keras):
    number = keras.__version__[0]
    rng = np.random.default_rng(int(number))
    x = rng.standard_normal((3, 6, 4)).astype(np.float32)
    x[0, 4:] = 0.5  # masked
    words = np.array([[3, 8, 1, 0], [2, 0, 0, 0]])
    expected = {}
    models = {"sequences": sequences(keras), "text": text(keras), "functional": functional(keras)}
    for name, model in models.items():
        model.set_weights([rng.standard_normal(w.shape) / 2 for w in model.get_weights()])
        given = words if name == "text" else x
        expected[f"{name}_x"], expected[f"{name}_y"] = given, model.predict(given, verbose=0)
    models["sequences"].save(FOLDER / f"sequences_{number}.keras")
    models["sequences"].save(FOLDER / f"sequences_{number}.h5")
    models["functional"].save(FOLDER / f"functional_{number}.keras")
    models["text"].save_weights(FOLDER / f"text_{number}.weights.h5")
    if number == "2":
        models["text"].save_weights(FOLDER / "text_2.h5")
    np.savez_compressed(FOLDER / f"expected_{number}.npz", **expected)


if __name__ == "__main__":
    make = trained if sys.argv[2:] == ["trained"] else main
    make(importlib.import_module(sys.argv[1]))
