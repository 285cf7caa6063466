"""The arguments of methods, classes and functions have Keras's names and order."""

import importlib
import inspect

import pytest
from keras_peer import keras

import gru_c

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's own

METHODS = (
    *("add", "build", "compile", "evaluate", "fit", "get_layer", "load_weights", "pop", "predict"),
    *("predict_on_batch", "save", "save_weights", "summary", "test_on_batch", "train_on_batch"),
    *("get_config", "from_config", "to_json", "count_params", "get_weights", "set_weights"),
    *("reset_metrics", "__init__"),
)
NAMESPACES = (
    *("layers", "losses", "metrics", "optimizers", "optimizers.schedules", "callbacks"),
    *("initializers", "regularizers", "constraints", "models", "utils"),
)
# Positional arguments in another order than Keras's, which have other types, so that a call in
# Keras's order is refused: the name, and the number of arguments that agree.
OTHER_ORDER = {
    "Sequential.compile": 2,  # Keras 2's order; Keras 3 has loss_weights before metrics
    "layers.Bidirectional": 2,
    "layers.StringLookup": 11,
    "losses.Loss": 0,
    "metrics.AUC": 4,
    "metrics.BinaryAccuracy": 0,
    "metrics.BinaryCrossentropy": 1,
    "metrics.CategoricalCrossentropy": 1,
    "metrics.CosineSimilarity": 1,
    "metrics.Metric": 0,
    "metrics.SparseCategoricalCrossentropy": 1,
    "metrics.get": 1,
    "models.clone_model": 1,
    "optimizers.schedules.CosineDecay": 3,
}


def positional(function):
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return [item.name for item in parameters if item.kind in kinds and item.name != "self"]


def pairs():
    for name in METHODS:
        label = f"Sequential.{name}"
        yield label, getattr(keras.Sequential, name), getattr(gru_c.Sequential, name)
    for namespace in NAMESPACES:
        theirs = importlib.import_module(f"keras.{namespace}")
        ours = importlib.import_module(f"gru_c.{namespace.removeprefix('optimizers.')}")
        for name in dir(theirs):
            theirs_of_name = getattr(theirs, name)
            if name.startswith("_") or not hasattr(ours, name) or not callable(theirs_of_name):
                continue
            if name.endswith("serialize") or name == "constant":  # one argument, of any name
                continue
            yield f"{namespace}.{name}", theirs_of_name, getattr(ours, name)


PAIRS = {label: (theirs, ours) for label, theirs, ours in pairs()}


@pytest.mark.parametrize("label", PAIRS)
def test_positional_arguments_have_keras_order(label):
    theirs, ours = map(positional, PAIRS[label])
    count = min(len(theirs), len(ours))
    count = min(count, OTHER_ORDER.get(label, count))
    assert ours[:count] == theirs[:count]
