"""Weights of classes are weights of their samples."""

import numpy as np
import pytest
from batch_sources import Numbered
from weighted_models import BY_SAMPLE, WEIGHTS, X, Y, compiled, weights_after

RNG = np.random.default_rng(6)


@pytest.mark.parametrize(
    ("outputs", "loss", "y"),
    [
        (1, "binary_crossentropy", Y),
        (1, "binary_crossentropy", Y[:, None].astype(float)),
        (2, "sparse_categorical_crossentropy", Y),
        (2, "sparse_categorical_crossentropy", Y[:, None]),
        (2, "categorical_crossentropy", np.eye(2)[Y]),
    ],
)
def test_the_weight_of_a_class_is_that_of_its_samples(outputs, loss, y):
    by_class = weights_after(compiled(outputs, loss), X, y, class_weight=WEIGHTS)
    by_sample = weights_after(compiled(outputs, loss), X, y, sample_weight=BY_SAMPLE)
    np.testing.assert_array_equal(by_class, by_sample)
    assert not np.array_equal(by_class, weights_after(compiled(outputs, loss), X, y))


def test_a_class_without_a_weight_has_the_weight_1():
    only = weights_after(compiled(), X, Y, class_weight={1.0: 3.0, 7: 5.0})
    both = weights_after(compiled(), X, Y, class_weight={np.int64(0): 1, 1: np.float32(3)})
    np.testing.assert_array_equal(only, both)


@pytest.mark.parametrize("one_hot", [False, True])
def test_each_time_step_has_the_weight_of_its_class(one_hot):
    labels = (X[..., 0] > 0).astype(int)
    loss = "categorical_crossentropy" if one_hot else "sparse_categorical_crossentropy"
    y = np.eye(2)[labels] if one_hot else labels
    weight = np.where(labels == 1, 3.0, 0.5)
    lengths = RNG.integers(1, 5, 12)

    def trained(x=X, y=y, **options):
        return weights_after(compiled(2, loss, sequences=True), x, y, **options)

    by_class = trained(class_weight=WEIGHTS)
    np.testing.assert_array_equal(by_class, trained(sample_weight=weight))
    padded = trained(class_weight=WEIGHTS, lengths=lengths)
    np.testing.assert_array_equal(padded, trained(sample_weight=weight, lengths=lengths))
    lists = [list_of(array, lengths) for array in (X, y)]
    np.testing.assert_allclose(trained(*lists, class_weight=WEIGHTS), padded, rtol=1e-12)


def list_of(array, lengths):
    return [row[:length] for row, length in zip(array, lengths, strict=True)]


def test_weights_of_classes_go_with_sources_and_files(tmp_path):
    expected = weights_after(compiled(), X, Y, sample_weight=BY_SAMPLE)
    model = compiled()
    batches = [(X[i : i + 5], Y[i : i + 5]) for i in (0, 5, 10)]
    for source in (Numbered(batches), batches):
        model = compiled()
        model.fit(source, epochs=2, shuffle=False, verbose=0, class_weight=WEIGHTS)
        actual = np.concatenate([weight.ravel() for weight in model.get_weights()])
        np.testing.assert_array_equal(actual, expected)
    arrays = []
    for name, array in (("x", X), ("y", Y)):
        np.save(tmp_path / f"{name}.npy", array)
        arrays.append(np.load(tmp_path / f"{name}.npy", mmap_mode="r"))
    for y in (arrays[1], Y):
        actual = weights_after(compiled(), arrays[0], y, class_weight=WEIGHTS)
        np.testing.assert_array_equal(actual, expected)


def test_weights_of_classes_are_not_for_the_validation():
    plain, weighted = compiled(), compiled()
    weighted.fit(X, Y, verbose=0, class_weight=WEIGHTS, validation_split=0.25, epochs=1)
    plain.fit(X[:9], Y[:9], verbose=0, sample_weight=BY_SAMPLE[:9])
    last = weighted.history.history["val_loss"][0]
    assert last == pytest.approx(weighted.evaluate(X[9:], Y[9:], verbose=0))


def test_weights_of_classes_for_one_batch():
    model, other = compiled(), compiled()
    loss = model.train_on_batch(X, Y, class_weight=WEIGHTS)
    assert loss == other.train_on_batch(X, Y, BY_SAMPLE)
    assert loss == compiled().train_on_batch(X, Y, None, WEIGHTS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class_weight": [1, 2]}, r"a dict of class numbers and weights such as .*\[1, 2\]"),
        ({"class_weight": "balanced"}, "a dict of class numbers and weights"),
        ({"class_weight": {"a": 1}}, "a class in class_weight must be an integer"),
        ({"class_weight": {0.5: 1}}, "a class in class_weight must be an integer"),
        ({"class_weight": {0: "1"}}, r"class_weight\[0\] must be"),
        ({"class_weight": {0: np.inf}}, r"class_weight\[0\] must be"),
        ({"class_weight": WEIGHTS, "sample_weight": BY_SAMPLE}, "cannot be given together"),
        ({"class_weight": WEIGHTS, "y": np.full(12, np.nan)}, "y has NaN"),
    ],
)
def test_weights_of_classes_that_do_not_fit(options, message):
    model = compiled(loss="mse")
    before = model.get_weights()
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(**{"x": X, "y": Y, "verbose": 0, **options})
    for weight, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, now)


def test_targets_of_several_classes_have_no_weight():
    y = np.eye(3)[Y]
    y[4] = [1, 1, 0]
    model = compiled(3, "mse")
    with pytest.raises(ValueError, match=r"one class for each target, and y\[4\] is \[1.0, 1.0, 0"):
        model.fit(X, y, class_weight=WEIGHTS, verbose=0)


def test_a_run_is_not_resumed_with_other_weights_of_classes(tmp_path):
    options = {"checkpoint": tmp_path / "run.safetensors", "verbose": 0, "resume": True}
    compiled().fit(X, Y, class_weight=WEIGHTS, **options)
    with pytest.raises(ValueError, match=r"class_weight.1 was 3.0, is 4.0"):
        compiled().fit(X, Y, class_weight={**WEIGHTS, 1: 4.0}, epochs=2, **options)
