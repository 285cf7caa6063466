"""Every class whose attributes users set, with the arguments that it is made with."""

import inspect

import numpy as np
from attribute_layer_cases import LAYER, LAYER_CASES, ROWS, WEIGHTS

import gru_c
import gru_c.interop.keras
from gru_c import (
    Dense,
    Sequential,
    callbacks,
    constraints,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from gru_c.forecast import Forecaster

MODULES = [callbacks, constraints, initializers, losses, metrics, optimizers]

MODULES += [regularizers, schedules, gru_c]


def arguments_of(cls):
    return [name for name in inspect.signature(cls).parameters if name != "hooks"]


# ---- each class: the arguments that it is made with, and another value of each argument ----------

OPTIMIZER = {
    "learning_rate": 0.5,
    "weight_decay": 0.25,
    "clipnorm": 0.125,
    "global_clipnorm": 0.125,
    "clipvalue": 0.125,
    "momentum": 0.5,
    "nesterov": True,
    "rho": 0.5,
    "epsilon": 0.125,
    "centered": True,
    "beta_1": 0.5,
    "beta_2": 0.5,
    "amsgrad": True,
    "initial_accumulator_value": 0.5,
    "use_ema": True,
    "ema_momentum": 0.5,
    "ema_overwrite_frequency": 1,
    "gradient_accumulation_steps": 2,
    "name": "other",
}

LOSS = {
    "reduction": "sum",
    "delta": 0.25,
    "quantiles": 0.9,
    "from_logits": True,
    "label_smoothing": 0.25,
    "apply_class_balancing": True,
    "alpha": 0.5,
    "gamma": 1.0,
    "axis": 1,
}

METRIC = {
    **LOSS,
    "name": "other",
    "threshold": 0.25,
    "k": 3,
    "thresholds": [0.25],
    "top_k": 2,
    "class_id": 1,
    "num_thresholds": 7,
    "curve": "PR",
    "summation_method": "minoring",
    "label_weights": [0.5],
    "average": "micro",
    "beta": 2.0,
    "class_aggregation": None,
    "num_regressors": 1,
}

RATES = {"initial_learning_rate": 0.5, "decay_steps": 5, "decay_rate": 0.25, "alpha": 0.25}

STAIRS = {**RATES, "staircase": True}

MONITOR = {
    "monitor": "loss",
    "mode": "max",
    "min_delta": 0.5,
    "patience": 5,
    "verbose": 1,
}

START = {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}


def three_arguments(y, p):
    return 1.0, p


def two_arguments(y, p):
    return 2.0


OTHER_CASES = {
    **{cls: ({}, OPTIMIZER) for cls in optimizers.OPTIMIZERS.values()},
    schedules.ExponentialDecay: (START, STAIRS),
    schedules.InverseTimeDecay: (START, STAIRS),
    schedules.CosineDecay: (
        {"initial_learning_rate": 0.1, "decay_steps": 10},
        {**RATES, "warmup_target": 0.5, "warmup_steps": 3},
    ),
    schedules.CosineDecayRestarts: (
        {"initial_learning_rate": 0.1, "first_decay_steps": 2},
        {**RATES, "first_decay_steps": 3, "t_mul": 1.0, "m_mul": 0.5},
    ),
    schedules.PiecewiseConstantDecay: (
        {"boundaries": [2], "values": [0.1, 0.2]},
        {"boundaries": [4], "values": [0.3, 0.4]},
    ),
    schedules.PolynomialDecay: (
        {"initial_learning_rate": 0.1, "decay_steps": 4},
        {**RATES, "end_learning_rate": 0.01, "power": 2.0, "cycle": True},
    ),
    **{cls: ({}, LOSS) for cls in dict.fromkeys(losses.LOSSES.values())},
    losses.FunctionLoss: ({"function": lambda y, p: (0.0, p)}, {"function": three_arguments}),
    **{cls: ({}, METRIC) for cls in dict.fromkeys(metrics.METRICS.values())},
    metrics.AUC: (
        {"multi_label": True},
        {**METRIC, "multi_label": False, "num_labels": 2},
    ),
    metrics.AccuracyOfLoss: ({}, {"name": "other", "loss": "binary_crossentropy"}),
    metrics.MeanOfLoss: ({"loss": "mse"}, {"name": "other", "loss": "mae"}),
    metrics.FunctionMetric: (
        {"function": lambda y, p: 1.0},
        {"name": "other", "function": two_arguments},
    ),
    callbacks.EarlyStopping: (
        {},
        {**MONITOR, "baseline": 0.5, "restore_best_weights": True, "start_from_epoch": 2},
    ),
    callbacks.SwapEMAWeights: ({}, {"swap_on_epoch": True}),
    callbacks.BackupAndRestore: (
        {"backup_dir": "one"},
        {
            "backup_dir": "other",
            "save_freq": 3,
            "double_checkpoint": True,
            "delete_checkpoint": False,
        },
    ),
    callbacks.ModelCheckpoint: (
        {"filepath": "one.safetensors"},
        {
            **MONITOR,
            "filepath": "other.safetensors",
            "save_best_only": True,
            "save_weights_only": True,
            "save_freq": 3,
            "initial_value_threshold": 0.5,
        },
    ),
    callbacks.ReduceLROnPlateau: ({}, {**MONITOR, "factor": 0.5, "cooldown": 2, "min_lr": 0.01}),
    callbacks.LearningRateScheduler: (
        {"schedule": lambda epoch, rate: rate},
        {"schedule": lambda epoch: 0.5, "verbose": 1},
    ),
    callbacks.CSVLogger: (
        {"filename": "one.csv"},
        {"filename": "other.csv", "separator": ";", "append": True},
    ),
    callbacks.TensorBoard: ({}, {"log_dir": "other", "update_freq": "batch"}),
    callbacks.TerminateOnNaN: ({}, {"raise_error": True}),
    callbacks.LambdaCallback: ({}, {}),
    callbacks.Callback: ({}, {}),
    regularizers.L1: ({}, {"l1": 0.5}),
    regularizers.L2: ({}, {"l2": 0.5}),
    regularizers.L1L2: ({}, {"l1": 0.5, "l2": 0.5}),
    regularizers.OrthogonalRegularizer: ({}, {"factor": 0.5, "mode": "columns"}),
    constraints.MinMaxNorm: (
        {},
        {"min_value": 0.25, "max_value": 0.5, "rate": 0.5, "axis": 1},
    ),
    constraints.MaxNorm: ({}, {"max_value": 0.5, "axis": 1}),
    constraints.UnitNorm: ({}, {"axis": 1}),
    constraints.NonNeg: ({}, {}),
    **{
        cls: ({}, {"seed": 5, "gain": 2.0, "value": 3.0, "mean": 1.0, "stddev": 0.5, "minval": -1})
        for cls in dict.fromkeys(initializers.INITIALIZERS.values())
    },
}

OTHER_CASES[initializers.RandomUniform][1]["maxval"] = 2.0
OTHER_CASES[initializers.VarianceScaling][1].update(
    scale=2.0, mode="fan_avg", distribution="uniform"
)


def other_value(cls, name):
    table = {**OTHER_CASES, **LAYER_CASES}[cls][1]
    return {**LAYER, **WEIGHTS, **table}[name]


def refusal(obj, name, value):
    """Set an attribute; return the message of the refusal, or None if it was accepted."""
    try:
        setattr(obj, name, value)
    except (AttributeError, ValueError) as error:
        return str(error)
    return None


def trained(optimizer):
    model = Sequential([Dense(2, input_shape=(2,)), Dense(1)], seed=0)
    model.compile(optimizer, "mse")
    for _ in range(3):
        model.train_on_batch(ROWS, ROWS[:, :1])
    return model


def same(a, b):
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


MADE_WITH = {cls: made_with for cls, (made_with, _) in {**OTHER_CASES, **LAYER_CASES}.items()}

MADE_WITH |= {Sequential: {}, Forecaster: {"window": 4, "horizon": 1}}


def flat(value):
    return [
        np.array(part)
        for part in (value if isinstance(value, tuple) else (value,))
        if part is not None
    ]
