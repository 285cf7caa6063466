"""The parts of a compilation that gru_c lacks: a warning names them, and the others are kept."""

import pytest
from keras_compiling import DECAY, FUNCTION, GOOD, MSE, X, Y, adam, loaded, spec

OWN = {"module": None, "registered_name": "mine>Part", **spec("Part", a=1)}
# Changes of GOOD, the message of the warning, and the parts that are kept: the optimizer (o), the
# loss (l), the metrics (m).
LEFT_OUT = [
    # unknown optimizers
    ({"optimizer": "muon"}, r"optimizer 'muon' \(gru_c has Adadelta, .*, RMSprop, SGD\)", "ml"),
    ({"optimizer": spec("Custom>Ftrl", learning_rate=0.1)}, "optimizer 'Custom>Ftrl'", "ml"),
    (
        {"optimizer": spec("Adafactor", lr=0.1)},
        "'Adafactor'.*evaluate works, fit wants",
        "ml",
    ),
    ({"optimizer": OWN}, "optimizer 'Part' .*a class of somebody's own", "ml"),
    ({"optimizer": adam(learning_rate=OWN)}, "'Adam' .*'Part' is a class of somebody's own", "ml"),
    ({"optimizer": adam(learning_rate="x")}, "optimizer 'Adam'", "ml"),
    (
        {"optimizer": adam(learning_rate=spec("CyclicalRate", step=3))},
        r"'Adam' \(its learning_rate 'CyclicalRate': gru_c has CosineDecay, ",
        "ml",
    ),
    (
        {"optimizer": adam(learning_rate=spec("CosineDecay", initial_learning_rate=1.0, x=3))},
        r"'Adam' \(its learning_rate 'CosineDecay': gru_c has nothing for x=3",
        "ml",
    ),
    ({"optimizer": adam(learning_rate=-1.0)}, "'Adam' .*-1.0", "ml"),
    (
        {"optimizer": adam(lr=0.25, learning_rate=0.5)},
        r"'Adam' \(it has lr=0.25 and learning_rate=0.5\)",
        "ml",
    ),
    ({"optimizer": {}}, r"optimizer {} \(the file names none\)", "ml"),
    ({"optimizer": {"config": {}}}, r"no 'class_name' with a 'config' .*: {'config': {}}", "ml"),
    ({"optimizer": 3}, r"optimizer 3 \(a configuration must be a dict", "ml"),
    # unknown settings of an optimizer, which is kept
    (
        {"optimizer": adam(lr=0.5, loss_scale_factor=2.0)},
        "out: loss_scale_factor=2.0 of the optimizer Adam. T",
        "oml",
    ),
    ({"optimizer": adam(lr=0.5, use_ema=3, x=1)}, "use_ema=3 of .*; x=1 of the opti", "oml"),
    ({"optimizer": adam(lr=0.5, gradient_accumulation_steps=1)}, "gradient_accumulation_st", "oml"),
    (
        {"optimizer": adam(learning_rate=spec("ExponentialDecay", **DECAY), decay=0.1)},
        r"decay=0.1 of the optimizer Adam \(beside a schedule\)",
        "oml",
    ),
    ({"optimizer": adam(lr=0.5, decay="x")}, r"decay='x' of the optimizer Adam \(", "oml"),
    (
        {"optimizer": adam(lr=0.5, clipnorm=1.0, clipvalue=2.0)},
        r"out: clipnorm=1.0 with clipvalue=2.0 of the optimizer Adam \(gru_c clips by one of them",
        "oml",
    ),
    (
        {"optimizer": spec("SGD", lr=0.5, momentum=7, nesterov=True)},
        r"out: momentum=7 of the optimizer SGD \(momentum must be a number in \[0, 1\), got 7\)",
        "oml",
    ),
    ({"optimizer": adam(lr=0.5, epsilon="x", beta_1=[])}, "epsilon='x' of .*; beta_1=.. of", "oml"),
    (
        {"optimizer_config": adam(lr=0.25)},
        "out: optimizer_config=.*'lr': 0.25.* beside an optimizer",
        "oml",
    ),
    # losses that are unknown or would have other values
    (
        {"loss": "my_loss"},
        r"loss 'my_loss' \(gru_c has Binary.*no loss: compile it before fit",
        "om",
    ),
    ({"loss": "quantile"}, "loss 'quantile'", "om"),  # a user's function in Keras
    ({"loss": {**FUNCTION, "config": "Custom>mse"}}, "loss 'Custom>mse'", "om"),
    ({"loss": OWN}, "loss 'Part' .*somebody's own", "om"),
    (
        {"loss": {**MSE, "config": {"reduction": "average"}}},
        "'MeanSquaredError' .*got 'average'",
        "om",
    ),
    ({"loss": {**MSE, "config": {"reduction": "none"}}}, "reduction=None", "om"),
    ({"loss": spec("MeanSquaredError", fn="mine")}, "'MeanSquaredError' ", "om"),
    (
        {"loss": spec("MeanSquaredError", fn="mean_absolute_error")},
        "its function is 'mean_abs",
        "om",
    ),
    ({"loss": spec("MeanSquaredError", label_smoothing=0.1)}, "label_smoothing=0.1", "om"),
    (
        {"loss": spec("Huber", name="huber_loss", reduction="sum_over_batch_size")},
        r"delta of the loss 'Huber' \(the file lacks it, here it is 1.0\)",
        "oml",
    ),
    (
        {"metrics": ["mae", spec("Huber", name="loss")]},
        "delta of the loss 'Huber' .*metric 'Huber', named 'loss'",
        "oml",
    ),
    ({"loss": ["mse", "mae"]}, "2 losses, where the model has one output", "om"),
    ({"loss": spec("__lambda__", value=["4wIA", None, None])}, "loss '__lambda__'", "om"),
    ({"loss_weights": [2.0, 1.0]}, r"loss_weights \[2.0, 1.0\] .*; the loss with them", "om"),
    # unknown metrics; the others are kept
    ({"metrics": ["mae", "iou"]}, "metric 'iou'.*compiled with the rest", "oml"),
    ({"metrics": [spec("AUC", curve="PRGAIN"), "mae"]}, "metric 'AUC'", "oml"),
    ({"metrics": ["mae", spec("BinaryIoU", name="accuracy")]}, "metric 'BinaryIoU'", "oml"),
    (
        {"metrics": ["mae", spec("MeanMetricWrapper", name="rmse", fn="rmse")]},
        "'MeanMetricW",
        "oml",
    ),
    ({"metrics": ["mae", 3, None, OWN]}, "metric 3 .*metric 'Part'", "oml"),
    ({"metrics": [["mae"], ["mae"]]}, "a second 'mae' among the metrics", "oml"),
    (
        {"metrics": ["mae", spec("MeanSquaredError", name="loss")]},
        "metric 'MeanSquaredError', named 'loss' as the loss itself is",
        "oml",
    ),
    ({"metrics": ["mae", spec("BinaryAccuracy", name=[3])]}, r"its name is \[3\]", "oml"),
    ({"weighted_metrics": ["auc_of_mine"]}, "metric 'auc_of_mine'", "oml"),
    ({"something_new": 3}, "something_new=3", "oml"),
    # several, in one warning
    (
        {"optimizer": "muon", "loss": "my_loss", "metrics": ["iou"]},
        "'muon' .*'my_loss' .*'iou' .*neither optimizer nor loss: compile it before fit and eval",
        "",
    ),
]


@pytest.mark.parametrize(("change", "message", "kept_parts"), LEFT_OUT)
def test_what_is_known_is_kept_and_the_rest_is_named(path, change, message, kept_parts):
    model = loaded(path, {**GOOD, **change}, message)
    assert (model.optimizer is not None) == ("o" in kept_parts)
    assert (model.loss is not None) == ("l" in kept_parts)
    assert [metric.name for metric in model.metrics] == (["mae"] if "m" in kept_parts else [])
    if "o" in kept_parts and "learning_rate" not in str(change):
        assert model.optimizer.learning_rate == 0.5
    if "l" not in kept_parts:
        with pytest.raises(ValueError, match="does not know what to minimise"):
            model.evaluate(X, Y, verbose=0)
    elif "o" not in kept_parts:
        assert len(model.evaluate(X, Y, verbose=0)) == 2
        for train in (model.fit, model.train_on_batch):
            with pytest.raises(ValueError, match="has a loss but no optimizer: call compile"):
                train(X, Y)
