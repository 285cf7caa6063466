"""Keywords without effect are passed over; others are refused with advice."""

import numpy as np
import pytest
from weighted_models import compiled

from gru_c import (
    GRU,
    BatchNormalization,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    Sequential,
    callbacks,
    losses,
    metrics,
    optimizers,
    preprocessing,
    utils,
)

X = np.random.default_rng(0).normal(size=(8, 5, 3)).astype(np.float32)


def stateful_model(**options):
    return Sequential([GRU(4, stateful=True, **options), Dense(1)], seed=0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: GRU(4, unroll=True, implementation=2, use_cudnn="auto"),
        lambda: Embedding(9, 4, input_length=5, sparse=False),
        lambda: Embedding(input_dim=9, output_dim=4, input_length=5, mask_zero=True),
        lambda: Dense(4, lora_rank=None, quantization_config=None, autocast=True),
        lambda: Flatten(data_format="channels_last"),
        lambda: Bidirectional(GRU(4, implementation=1), weights=None),
        lambda: Input((3,), sparse=False, ragged=False),
        lambda: optimizers.Adam(jit_compile=True),
        lambda: optimizers.Adam(decay=0),
        lambda: optimizers.SGD(0.1, decay=0.0),
        lambda: optimizers.RMSprop(decay=np.float64(0)),
    ],
)
def test_arguments_of_constructors_without_effect_are_passed_over(make):
    make()


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Dense(4, unroll=True), "unroll"),
        (lambda: Dense(4, lora_rank=2), "lora_rank"),
        (lambda: Flatten(data_format="channels_first"), "data_format"),
        (lambda: optimizers.Adam(decay=1e-6), "decay"),
        (lambda: optimizers.Adam(decay=np.nan), "decay"),
        (lambda: BatchNormalization(decay=0), "decay"),
        (lambda: Sequential().compile("adam", "mse", workers=3), "workers"),
    ],
)
def test_an_argument_with_an_effect_or_of_another_class_is_refused(make, name):
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
        make()


def test_arguments_of_methods_without_effect_are_passed_over():
    model = stateful_model(input_shape=(5, 3))
    model.compile("sgd", "mse", run_eagerly=True, jit_compile=False, steps_per_execution=10)
    old = {"workers": 4, "use_multiprocessing": True, "max_queue_size": 10}
    model.fit(X, X[:, 0, :1], shuffle=False, verbose=0, **old)
    model.evaluate(X, X[:, 0, :1], verbose=0, **old)
    assert model.predict(X, verbose=0, **old).shape == (8, 1)


@pytest.mark.parametrize(
    ("make", "label", "slip", "right"),
    [
        (lambda: GRU(unit=3), "GRU", "unit", "units"),
        (lambda: GRU(3, return_sequence=True), "GRU", "return_sequence", "return_sequences"),
        (lambda: GRU(3, droput=0.1), "GRU", "droput", "dropout"),
        (lambda: Dropout(rat=0.1), "Dropout", "rat", "rate"),
        (lambda: optimizers.Adam(learning_rat=1), "Adam", "learning_rat", "learning_rate"),
        (lambda: losses.Huber(delt=1), "Huber", "delt", "delta"),
        (lambda: metrics.MeanSquaredError(nme="a"), "MeanSquaredError", "nme", "name"),
        (lambda: callbacks.EarlyStopping(patiance=1), "EarlyStopping", "patiance", "patience"),
        (lambda: Sequential().compile(los="mse"), "Sequential.compile", "los", "loss"),
        (lambda: Sequential().fit(X, epoch=3), "Sequential.fit", "epoch", "epochs"),
        (lambda: Sequential().evaluate(X, step=3), "Sequential.evaluate", "step", "steps"),
        (lambda: Sequential().predict(X, verbos=0), "Sequential.predict", "verbos", "verbose"),
    ],
)  # fmt: skip
def test_a_misspelt_argument_is_named_with_the_right_one(make, label, slip, right):
    message = rf"{label}\(\) got an unexpected keyword argument '{slip}'; did you mean '{right}'\?"
    with pytest.raises(TypeError, match=message):
        make()


@pytest.mark.parametrize(
    ("method", "keywords", "message"),
    [
        ("fit", {"nb_epoch": 2}, "'nb_epoch': since Keras 2 it is epochs"),
        ("fit", {"show_accuracy": True}, "give compile metrics"),
        ("fit", {"epoch": 2}, "did you mean 'epochs'"),
        ("compile", {"lr": 0.1}, "give it to the optimizer"),
        ("compile", {"class_mode": "binary"}, "the loss says it"),
        ("save", {"save_format": "h5"}, "the suffix"),
        ("save", {"zipped": False}, "always a zip"),
        ("load_weights", {"by_name": True}, "layer by layer in their order"),
        ("load_weights", {"skip_mismatch": True}, "all weights of a file must fit"),
        ("evaluate", {"show_accuracy": True}, "give compile metrics"),
    ],
)
def test_names_of_older_keras_are_explained(method, keywords, message):
    with pytest.raises(TypeError, match=message):
        getattr(compiled(), method)(**keywords)


def test_arguments_without_effect_are_accepted(tmp_path):
    model, path = compiled(), tmp_path / "model.weights.h5"
    pytest.importorskip("h5py")
    model.save_weights(filepath=path, overwrite=True, max_shard_size=None)
    model.load_weights(filepath=path, skip_mismatch=False, by_name=False)
    model.save(tmp_path / "model.keras", overwrite=True, zipped=True)
    layer = model.pop(rebuild=False)
    model.add(layer, rebuild=False)
    assert model.reset_metrics() is None


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (lambda: utils.pad_sequences([[1]], maxlenn=3), "maxlen"),
        (lambda: utils.to_categorical([1], num_class=3), "num_classes"),
        (lambda: utils.normalize([[1.0]], ordr=1), "order"),
        (lambda: utils.split_dataset([1, 2], left_sise=1), "left_size"),
        (lambda: preprocessing.sequence.skipgrams([1], 3, windowsize=1), "window_size"),
        (lambda: preprocessing.sequence.make_sampling_table(3, sample_factor=1), "sampling_factor"),
        (lambda: preprocessing.text.one_hot("a b", 5, filter="a"), "filters"),
        (lambda: preprocessing.text.text_to_word_sequence("a b", splits=" "), "split"),
    ],
)
def test_a_misspelt_keyword_of_a_function_is_recognized(call, meant):
    with pytest.raises(TypeError, match=f"did you mean '{meant}'"):
        call()
