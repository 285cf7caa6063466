"""Keywords without effect are passed over; others are refused with advice."""

import numpy as np
import pytest

from gru_c import (
    GRU,
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
