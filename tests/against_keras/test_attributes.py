"""The attributes and arguments of Keras's classes: gru_c has each, or refuses it by name."""

import inspect

import pytest
from keras_peer import keras

import gru_c
from gru_c import callbacks, initializers, losses, metrics, optimizers, schedules

PAIRS = [
    (gru_c.GRU, keras.layers.GRU, (3,)),
    (gru_c.Dense, keras.layers.Dense, (3,)),
    (gru_c.Dropout, keras.layers.Dropout, (0.5,)),
    (gru_c.Embedding, keras.layers.Embedding, (3, 2)),
    (gru_c.LayerNormalization, keras.layers.LayerNormalization, ()),
    (gru_c.Masking, keras.layers.Masking, ()),
    (gru_c.Flatten, keras.layers.Flatten, ()),
    (gru_c.RepeatVector, keras.layers.RepeatVector, (2,)),
    (gru_c.Activation, keras.layers.Activation, ("relu",)),
    (gru_c.Sequential, keras.Sequential, ()),
    *(
        (getattr(module, name), getattr(peer, name), arguments)
        for module, peer, names, arguments in (
            (optimizers, keras.optimizers, "SGD RMSprop Adam AdamW Adagrad Adadelta", ()),
            (optimizers, keras.optimizers, "Adamax Nadam Lion", ()),
            (schedules, keras.optimizers.schedules, "CosineDecay PolynomialDecay", (0.1, 10)),
            (schedules, keras.optimizers.schedules, "ExponentialDecay", (0.1, 10, 0.5)),
            (losses, keras.losses, "MeanSquaredError Huber BinaryCrossentropy", ()),
            (losses, keras.losses, "SparseCategoricalCrossentropy CategoricalCrossentropy", ()),
            (metrics, keras.metrics, "MeanSquaredError BinaryAccuracy", ()),
            (metrics, keras.metrics, "SparseCategoricalAccuracy AUC Precision F1Score", ()),
            (metrics, keras.metrics, "R2Score TopKCategoricalAccuracy TruePositives", ()),
            (losses, keras.losses, "LogCosh CosineSimilarity BinaryFocalCrossentropy", ()),
            (callbacks, keras.callbacks, "EarlyStopping ReduceLROnPlateau TensorBoard", ()),
            (callbacks, keras.callbacks, "CSVLogger ModelCheckpoint", ("log.keras",)),
            (initializers, keras.initializers, "GlorotUniform Orthogonal RandomNormal", ()),
        )
        for name in names.split()
    ),
]
MINE = {"CSVLogger": ("log.csv",), "ModelCheckpoint": ("log.safetensors",)}
APART = {"trainable", "path"}  # tested in test_trainable.py; users may well use this name


def names_of(cls, obj):
    """Return the public attributes of an object without methods, and its class's arguments."""
    kinds = cls.__mro__[:-1]
    names = {name for kind in kinds for name, value in vars(kind).items() if _is_data(value)}
    for kind in kinds:
        names |= set(inspect.signature(kind.__init__).parameters)
    names |= {*vars(obj)} - {"self", "args", "kwargs"}
    return {name for name in names if name[0] != "_"} - {"self", "args", "kwargs"} - APART


def _is_data(value):
    return isinstance(value, property)


@pytest.mark.parametrize(
    ("cls", "peer", "arguments"), PAIRS, ids=lambda x: getattr(x, "__name__", "")
)
def test_what_keras_knows_is_known_or_refused(cls, peer, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    obj = cls(*MINE.get(cls.__name__, arguments))
    known = {*vars(obj), *inspect.signature(cls).parameters}
    accepted = set()
    for name in sorted(names_of(peer, peer(*arguments))):
        try:
            setattr(obj, name, None)
        except (AttributeError, ValueError, TypeError):
            continue
        if name not in known and not hasattr(cls, name):
            accepted.add(name)
    assert not accepted
