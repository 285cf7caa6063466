"""The method names of Keras 2, and advice for names that are not there."""

import warnings

import numpy as np
import pytest
from weighted_models import BY_SAMPLE, WEIGHTS, X, Y, compiled


def generator():
    while True:
        for i in (0, 5, 10):
            yield X[i : i + 5], Y[i : i + 5]


def test_the_methods_for_generators_are_those_for_arrays():
    model, other = compiled(), compiled()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = model.fit_generator(
            generator(),
            steps_per_epoch=3,
            epochs=4,
            verbose=0,
            validation_data=generator(),
            validation_steps=2,
            validation_freq=2,
            class_weight=WEIGHTS,
            workers=4,
            use_multiprocessing=True,
            max_queue_size=1,
        )
        evaluated = model.evaluate_generator(generator(), steps=3, workers=1)
        predicted = model.predict_generator(generator(), 3)
    other.fit(X, Y, 5, 4, verbose=0, shuffle=False, sample_weight=BY_SAMPLE)
    assert history.history["loss"] == other.history.history["loss"]
    assert len(history.history["val_loss"]) == 2
    assert evaluated == pytest.approx(model.evaluate(X, Y, verbose=0))
    np.testing.assert_array_equal(predicted, model.predict(X, verbose=0))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("predict_classes", r"predict_classes': model.predict\(x\) returns the probabilities; .*>"),
        ("predict_proba", "returns the probabilities"),
        ("train_step", "train_on_batch"),
        ("no_such_name", "object has no attribute 'no_such_name'$"),
    ],
)
def test_a_method_that_is_not_there_says_what_to_do(name, message):
    model = compiled()
    assert not hasattr(model, name)
    with pytest.raises(AttributeError, match=message):
        getattr(model, name)
