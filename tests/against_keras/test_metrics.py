"""Every metric beside Keras's: results over several batches, weights, masks, names, states."""

import json

import numpy as np
import pytest
from keras_peer import keras

import gru_c
from gru_c import losses, metrics

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own

NUMBERS, RATES, BITS, SHARES, LABELS, BINARY, EQUAL, INNER = range(8)  # kinds of targets

# The class, its arguments, and the kind of targets and predictions that it takes.
CASES = [
    *[(name, {}, NUMBERS) for name in ("MeanSquaredError", "MeanAbsoluteError")],
    *[(name, {}, NUMBERS) for name in ("RootMeanSquaredError", "LogCoshError")],
    *[(name, {}, NUMBERS) for name in ("CosineSimilarity", "R2Score", "Hinge", "SquaredHinge")],
    *[(f"Mean{name}Error", {}, NUMBERS) for name in ("AbsolutePercentage", "SquaredLogarithmic")],
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, NUMBERS),
    ("R2Score", {"class_aggregation": None}, NUMBERS),
    ("R2Score", {"num_regressors": 2}, NUMBERS),
    ("Accuracy", {}, EQUAL),
    ("Poisson", {}, RATES),
    *[(name, {}, SHARES) for name in ("CategoricalHinge", "KLDivergence", "F1Score")],
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, INNER),
    ("BinaryCrossentropy", {"from_logits": True}, BITS),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, SHARES),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, LABELS),
    ("BinaryAccuracy", {"threshold": 0.4}, BITS),
    ("CategoricalAccuracy", {}, SHARES),
    ("SparseCategoricalAccuracy", {}, LABELS),
    ("TopKCategoricalAccuracy", {"k": 2}, SHARES),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, LABELS),
    *[(f"{kind}{side}", {}, BITS) for kind in ("True", "False") for side in ("Positives",)],
    ("TrueNegatives", {"thresholds": 0.3}, BITS),
    ("FalseNegatives", {"thresholds": [0.7, 0.1]}, BITS),
    ("Precision", {}, BINARY),
    ("Precision", {"thresholds": [0.0, 0.5, 1.0]}, BITS),
    ("Precision", {"top_k": 2}, SHARES),
    ("Precision", {"top_k": 1, "class_id": 1}, SHARES),
    ("Recall", {}, BINARY),
    ("Recall", {"class_id": 2, "thresholds": 0.2}, SHARES),
    ("F1Score", {"average": "macro", "threshold": 0.5}, BITS),
    ("F1Score", {"average": "micro"}, SHARES),
    ("F1Score", {"average": "weighted"}, SHARES),
    ("FBetaScore", {"beta": 2.0, "threshold": 0.3}, BITS),
    ("AUC", {}, BINARY),
    ("AUC", {"from_logits": True}, BINARY),
    ("AUC", {"thresholds": [0.2, 0.9, 0.3]}, BITS),
    ("AUC", {"multi_label": True, "num_labels": 3}, BITS),
    ("AUC", {"multi_label": True, "label_weights": [0.2, 1.0, 0.5], "curve": "PR"}, BITS),
    ("AUC", {"label_weights": [0.2, 1.0, 0.5]}, BITS),
    *[
        ("AUC", {"curve": curve, "summation_method": how, "num_thresholds": 11}, BITS)
        for curve in ("ROC", "PR")
        for how in ("interpolation", "minoring", "majoring")
    ],
]
TWO_AXES = ("R2Score", "F1Score", "FBetaScore")

every_case = pytest.mark.parametrize(("name", "options", "kind"), CASES, ids=str)


def data(kind, shape=(24, 3), seed=0):
    rng = np.random.default_rng(seed)
    if kind == BINARY:
        shape = (*shape[:-1], 1)
    p = rng.random(shape, np.float32)
    p[:4] = p[:4].round(1)  # some predictions are on thresholds
    if kind in (NUMBERS, RATES):
        return rng.random(shape, np.float32) * 3, p
    if kind == SHARES:
        return np.eye(3)[rng.integers(0, 3, shape[:-1])], p
    if kind == LABELS:
        return rng.integers(0, 3, shape[:-1]), p
    y = rng.integers(0, 2, shape)
    if kind == INNER:
        return y, p.clip(0.05, 0.95)
    return (y, p.round()) if kind == EQUAL else (y, p)


def pair(name, options):
    return getattr(metrics, name)(**options), getattr(keras.metrics, name)(**options)


def batches(*arrays, cuts=(5, 6, 15)):
    return zip(*(np.split(array, cuts) for array in arrays), strict=True)


def result_of(peer):
    return keras.ops.convert_to_numpy(peer.result())


@every_case
def test_results_over_batches_are_those_of_keras(name, options, kind):
    mine, peer = pair(name, options)
    for y, p in batches(*data(kind)):
        mine.update(y, p)
        peer.update_state(y, p)
    np.testing.assert_allclose(mine.result(), result_of(peer), rtol=2e-5, atol=1e-6)
    if not name.startswith(("True", "False")):  # Keras knows no better direction of counts
        assert {"min": "down", "max": "up"}[mine.direction] == peer._direction


@every_case
def test_weights_count_as_in_keras(name, options, kind):
    mine, peer = pair(name, options)
    weights = np.random.default_rng(1).uniform(0, 2, 24).astype("f")
    for y, p, weight in batches(*data(kind), weights):
        mine.update_state(y, p, sample_weight=weight)
        peer.update_state(y, p, sample_weight=weight)
    np.testing.assert_allclose(mine.result(), result_of(peer), rtol=2e-5, atol=1e-6)
    for each in (mine, peer):
        each.reset_state()
    expected = result_of(peer)
    if name in ("F1Score", "FBetaScore", "R2Score"):  # the number of outputs is not known any more
        expected = np.asarray(expected).ravel()[0]
    np.testing.assert_array_equal(mine.result(), expected)


@pytest.mark.parametrize("name", ["TrueNegatives", "FalsePositives", "Precision", "Recall", "AUC"])
@pytest.mark.parametrize("weight", [None, 2.5, np.linspace(0, 3, 24)], ids=["", "number", "each"])
def test_counts_take_vectors_as_in_keras(name, weight):
    mine, peer = pair(name, {})
    y, p = (array[:, 0] for array in data(BINARY))
    for metric in (mine, peer):
        metric.update_state(y, p, sample_weight=weight)
        metric.update_state(y[:5].tolist(), p[:5].tolist())
    np.testing.assert_allclose(mine.result(), result_of(peer), rtol=2e-5)


@pytest.mark.parametrize("options", [{"top_k": 2}, {"class_id": 1}])
def test_vectors_are_refused_where_the_outputs_of_a_sample_are_told_apart(options):
    metric = metrics.Precision(**options)
    with pytest.raises(ValueError, match=r"y_pred of shape \(samples, ..., outputs\), got \(3,\)"):
        metric.update_state([0, 1, 1], [0.2, 0.7, 0.1])
    with pytest.raises(ValueError, match=r"sample_weight of shape \(2,\), got \(2, 3\)"):
        metric.update_state(np.eye(3)[:2], np.ones((2, 3)), sample_weight=np.ones((2, 3)))


@pytest.mark.parametrize("name", ["TruePositives", "FalseNegatives", "Precision", "Recall", "AUC"])
@pytest.mark.parametrize("shape", [(24, 3), (24, 5, 3)])
def test_each_entry_of_the_predictions_may_have_a_weight(name, shape):
    mine, peer = pair(name, {})
    y, p = data(BITS, shape)
    weight = np.random.default_rng(1).uniform(0, 2, shape)
    mine.update_state(y, p, sample_weight=weight)
    peer.update_state(y, p, sample_weight=weight)
    np.testing.assert_allclose(mine.result(), result_of(peer), rtol=2e-5)
    if len(shape) == 3:
        mask = np.random.default_rng(2).random(shape[:2]) < 0.7
        mine.reset()
        mine.update(y, p, mask, weight)
        peer.reset_state()
        peer.update_state(y[mask], p[mask], sample_weight=weight[mask])
        np.testing.assert_allclose(mine.result(), result_of(peer), rtol=2e-5)


@every_case
def test_one_number_is_the_weight_of_all_samples(name, options, kind):
    mine, peer = pair(name, options)
    y, p = data(kind)
    mine.update_state(y, p, sample_weight=2.5)
    peer.update_state(y, p, sample_weight=np.full(24, 2.5))
    np.testing.assert_allclose(mine.result(), result_of(peer), rtol=2e-5, atol=1e-6)


@every_case
def test_masked_steps_do_not_count(name, options, kind):
    mine, peer = pair(name, options)
    y, p = data(kind, (24, 5, 3))
    mask = np.random.default_rng(2).random((24, 5)) < 0.7
    weight = np.random.default_rng(1).uniform(0, 2, 24)
    mine.update(y, p, mask, weight)
    spread = np.broadcast_to(weight[:, None], (24, 5))
    peer.update_state(y[mask], p[mask], sample_weight=spread[mask])
    np.testing.assert_allclose(mine.result(), result_of(peer), rtol=2e-5, atol=1e-6)


@every_case
def test_states_are_saved_and_merged(name, options, kind):
    y, p = data(kind)
    whole, first, second, third = (getattr(metrics, name)(**options) for _ in range(4))
    whole.update(y, p)
    first.update(y[:7], p[:7])
    second.update(y[7:], p[7:])
    first.check_mergeable()
    states = [json.loads(json.dumps(metric.get_state())) for metric in (first, second, third)]
    third.set_state(first.merged(states))
    np.testing.assert_allclose(third.result(), whole.result(), rtol=1e-12)
    again = metrics.get(metrics.serialize(whole))
    assert again.get_config() == whole.get_config()


@every_case
def test_names_and_configurations_are_those_of_keras(name, options, kind):
    keras.utils.clear_session()
    mine, peer = pair(name, options)
    assert mine.name == peer.name
    theirs = {k: v for k, v in peer.get_config().items() if k not in ("dtype", "num_thresholds")}
    ours = mine.get_config()
    different = {k for k, v in theirs.items() if k not in ours or not same(ours[k], v)}
    assert different <= {"axis", "ignore_class", "label_weights", "thresholds"}


def same(mine, theirs):
    return mine == theirs or [mine] == theirs


@pytest.mark.parametrize("name", ["mape", "AUC", "Precision", "msle", "R2Score", "f1_score"])
def test_a_name_is_the_key_in_the_history(name):
    x = np.random.default_rng(0).random((12, 4), np.float32)
    y = (x[:, :1] > 0.5).astype(np.float32)
    mine = gru_c.Sequential([gru_c.Dense(1, activation="sigmoid", input_shape=(4,))], seed=0)
    peer = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
    peer.set_weights([w.copy() for w in built(mine).get_weights()])
    for model in (mine, peer):
        model.compile("sgd", "binary_crossentropy", metrics=[name])
    ours = mine.fit(x, y, batch_size=5, epochs=2, shuffle=False, verbose=0).history
    theirs = peer.fit(x, y, batch_size=5, epochs=2, shuffle=False, verbose=0).history
    assert {*ours} == {*theirs}
    np.testing.assert_allclose(ours[name], np.ravel(theirs[name]), rtol=1e-4)
    assert mine.evaluate(x, y, return_dict=True, verbose=0).keys() == {"loss", name}


def built(model):
    model.build((None, 4))
    return model


def test_automatic_names_are_numbered():
    model = built(gru_c.Sequential([gru_c.Dense(3, input_shape=(4,))]))
    both = [metrics.Precision(class_id=0), metrics.Precision(class_id=1)]
    model.compile("sgd", "mse", metrics=[*both, metrics.Recall(), metrics.AUC(name="area")])
    assert [m.name for m in model.metrics] == ["precision", "precision_1", "recall", "area"]
    model.compile("sgd", "mse", metrics=both[1:])
    assert [m.name for m in model.metrics] == ["precision"]


@pytest.mark.parametrize(
    "metric",
    [metrics.F1Score(), metrics.R2Score(None), metrics.Precision(thresholds=[0.1, 0.2])],
    ids=repr,
)
def test_a_metric_of_several_numbers_is_refused_before_training(metric):
    model = built(gru_c.Sequential([gru_c.Dense(2, input_shape=(4,))]))
    model.compile("sgd", "mse", metrics=[metric])
    before = [w.copy() for w in model.get_weights()]
    with pytest.raises(ValueError, match="a model reports one number"):
        model.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0)
    with pytest.raises(ValueError, match="a model reports one number"):
        model.evaluate(np.ones((4, 4)), np.ones((4, 2)), verbose=0)
    assert all(map(np.array_equal, before, model.get_weights()))


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("AUC", {"num_thresholds": 1}, "num_thresholds must be an integer of at least 2"),
        ("AUC", {"curve": "PRR"}, "curve must be one of 'ROC', 'PR', got 'PRR'"),
        ("AUC", {"num_labels": 2}, "num_labels is for multi_label=True"),
        ("Precision", {"thresholds": [0.5, 2.0]}, r"from 0 to 1, got \[0.5, 2.0\]"),
        ("F1Score", {"average": "mean"}, "average must be None, 'micro'"),
        ("F1Score", {"threshold": 1.5}, "threshold must be above 0, at most 1"),
        ("R2Score", {"class_aggregation": "sum"}, "class_aggregation must be one of"),
    ],
)
def test_arguments_that_keras_refuses_are_refused(name, options, words):
    with pytest.raises(ValueError, match=words):
        getattr(metrics, name)(**options)
    with pytest.raises(ValueError, match=r"\w"):
        getattr(keras.metrics, name)(**options)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("binary_accuracy", BITS),
        ("categorical_accuracy", SHARES),
        ("sparse_categorical_accuracy", LABELS),
        ("top_k_categorical_accuracy", SHARES),
        ("sparse_top_k_categorical_accuracy", LABELS),
        ("mean_squared_error", NUMBERS),
        ("kl_divergence", SHARES),
    ],
)
def test_functions_are_those_of_keras(name, kind):
    y, p = data(kind)
    options = {"k": 2} if "top_k" in name else {}
    expected = keras.ops.convert_to_numpy(getattr(keras.metrics, name)(y, p, **options))
    values = getattr(metrics, name)(y, p, **options)
    np.testing.assert_allclose(values, expected, rtol=1e-5)
    assert metrics.get(getattr(metrics, name)).name == name


def test_nan_among_predictions_shows():
    for metric in (metrics.AUC(), metrics.Precision(), metrics.F1Score(average="macro")):
        metric.update([[0.0], [1.0]], [[np.nan], [1.0]])
        assert np.isnan(metric.result())


def test_all_names_of_keras_metrics_that_gru_c_has_are_the_same():
    missing = {"BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU", "Mean", "Sum"}
    missing |= {"MeanMetricWrapper", "PearsonCorrelation", "ConcordanceCorrelation", "Metric"}
    missing |= {"SpecificityAtSensitivity", "SensitivityAtSpecificity"}
    missing |= {"PrecisionAtRecall", "RecallAtPrecision"}
    classes = {n for n, v in vars(keras.metrics).items() if isinstance(v, type)}
    assert classes - missing <= {*vars(metrics)}
    names = {n for n, v in vars(keras.losses).items() if callable(v)}
    assert {n for n in names if n not in vars(losses)} == {
        *("Circle", "Dice", "Tversky", "circle", "dice", "tversky"),
        *("CategoricalGeneralizedCrossEntropy", "categorical_generalized_cross_entropy"),
    }
