"""Every class whose attributes users set, with the arguments that it is made with."""

import inspect

import numpy as np

import gru_c
import gru_c.interop.keras
from gru_c import (
    ELU,
    GRU,
    RNN,
    Activation,
    ActivityRegularization,
    AveragePooling1D,
    BatchNormalization,
    Bidirectional,
    Conv1D,
    Cropping1D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    GRUCell,
    Input,
    Lambda,
    LayerNormalization,
    LeakyReLU,
    Masking,
    MaxPooling1D,
    Permute,
    PReLU,
    ReLU,
    RepeatVector,
    Reshape,
    Sequential,
    Softmax,
    SpatialDropout1D,
    TimeDistributed,
    UpSampling1D,
    ZeroPadding1D,
    activations,
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
from gru_c.layers import (
    IntegerLookup,
    Normalization,
    Rescaling,
    StringLookup,
    TextVectorization,
)

MODULES = [callbacks, constraints, initializers, losses, metrics, optimizers]

MODULES += [regularizers, schedules, gru_c]

SEQUENCES = np.random.default_rng(0).normal(size=(4, 3, 2)).astype(np.float32)

INDICES = np.array([[0, 3, 1], [2, 2, 0]])

ROWS = np.random.default_rng(1).normal(size=(8, 2)).astype(np.float32)


def arguments_of(cls):
    return [name for name in inspect.signature(cls).parameters if name != "hooks"]


# ---- each class: the arguments that it is made with, and another value of each argument ----------

LAYER = {
    "name": "other",
    "dtype": "float64",
    "input_shape": (9, 9),
    "trainable": False,
    "batch_size": 5,
    "activity_regularizer": "l2",
    "weights": [np.ones(1)],
}

GRU_KINDS = {"activation": "relu", "recurrent_activation": "hard_sigmoid", "units": 5}

WEIGHTS = {
    f"{weight}_{kind}": {
        "initializer": initializers.Constant(0.5),
        "regularizer": "l2",
        "constraint": "non_neg",
    }[kind]
    for weight in (
        *("kernel", "recurrent", "bias", "embeddings", "beta", "gamma"),
        *("moving_mean", "moving_variance", "alpha"),
    )
    for kind in ("initializer", "regularizer", "constraint")
}

VOCABULARY = {
    "max_tokens": 9,
    "num_oov_indices": 0,
    "vocabulary": ["mat"],
    "idf_weights": [0.5],
    "invert": True,
    "output_mode": "count",
    "pad_to_max_tokens": True,
    "sparse": True,
    "encoding": "latin-1",
    "salt": 3,
}
POOLING = {"pool_size": 3, "strides": 1, "padding": "same", "data_format": "channels_first"}

GLOBAL_POOLING = {"data_format": "channels_first", "keepdims": True}
DENSE = {"class_name": "Dense", "config": {"units": 3}}  # a new layer for each case

LAYER_CASES = {
    GRU: (
        {"units": 4, "seed": 3},
        {
            **GRU_KINDS,
            "use_bias": False,
            "return_sequences": True,
            "return_state": True,
            "go_backwards": True,
            "zero_output_for_mask": True,
            "stateful": True,
            "time_major": True,
            "reset_after": False,
            "dropout": 0.5,
            "recurrent_dropout": 0.5,
            "zoneout": 0.5,
            "clip": 0.01,
            "checkpoint_every": 2,
            "seed": 7,
            "inference_weights": "int8",
        },
    ),
    Bidirectional: (
        {"layer": GRU(2), "seed": 3},
        {"layer": GRU(3), "merge_mode": "sum", "backward_layer": GRU(2), "seed": 7},
    ),
    Dense: ({"units": 4}, {"units": 5, "activation": "relu", "use_bias": False}),
    Dropout: ({"rate": 0.25, "seed": 3}, {"rate": 0.75, "seed": 7}),
    Embedding: (
        {"input_dim": 4, "output_dim": 2},
        {"input_dim": 5, "output_dim": 3, "mask_zero": True, "weights": np.ones((4, 2))},
    ),
    LayerNormalization: ({}, {"axis": -2, "epsilon": 0.5, "center": False, "scale": False}),
    Activation: ({"activation": "relu"}, {"activation": "tanh"}),
    RepeatVector: ({"n": 2}, {"n": 3}),
    Flatten: ({}, {}),
    ActivityRegularization: ({"l1": 0.5}, {"l1": 0.25, "l2": 0.5}),
    RNN: (
        {"cell": {"class_name": "GRUCell", "config": {"units": 4}}},
        {"cell": GRUCell(3)}
        | dict.fromkeys(("return_sequences", "return_state", "go_backwards", "stateful"), True)
        | {"zero_output_for_mask": True},
    ),
    Lambda: (
        {"function": activations.get("relu")},
        {"function": np.abs, "output_shape": (3,), "mask": np.ones((4, 3)), "arguments": {"a": 1}},
    ),
    TimeDistributed: ({"layer": DENSE}, {"layer": Dense(2)}),
    Masking: ({}, {"mask_value": float(SEQUENCES[0, 0, 0])}),
    Input: ({"shape": (3, 2)}, {"shape": (4, 2)}),
    Normalization: ({}, {"axis": 1, "mean": 2.0, "variance": 4.0, "invert": True}),
    Rescaling: ({"scale": 2.0}, {"scale": 3.0, "offset": 1.0}),
    StringLookup: (
        {"vocabulary": ["the", "cat"]},
        {**VOCABULARY, "mask_token": "cat", "oov_token": "the", "vocabulary": ["cat"]},
    ),
    IntegerLookup: (
        {"vocabulary": [1, 2]},
        {
            **VOCABULARY,
            "mask_token": 1,
            "oov_token": 2,
            "vocabulary": [1],
            "vocabulary_dtype": "int32",
            "oov_method": "farmhash",
        },
    ),
    TextVectorization: (
        {"vocabulary": ["the", "cat"], "output_sequence_length": 4},
        {
            **VOCABULARY,
            "standardize": "lower",
            "split": "character",
            "ngrams": 2,
            "output_sequence_length": 3,
            "ragged": True,
        },
    ),
    Conv1D: (
        {"filters": 4, "kernel_size": 2},
        {
            "filters": 2,
            "kernel_size": 3,
            "strides": 2,
            "padding": "causal",
            "data_format": "channels_first",
            "dilation_rate": 2,
            "groups": 2,
            "activation": "relu",
            "use_bias": False,
        },
    ),
    MaxPooling1D: ({}, POOLING),
    AveragePooling1D: ({}, POOLING),
    GlobalMaxPooling1D: ({}, GLOBAL_POOLING),
    GlobalAveragePooling1D: ({}, GLOBAL_POOLING),
    ZeroPadding1D: ({}, {"padding": (2, 0), "data_format": "channels_first"}),
    Cropping1D: ({}, {"cropping": (1, 0)}),
    UpSampling1D: ({}, {"size": 3}),
    ELU: ({}, {"alpha": 0.5}),
    ReLU: ({}, {"max_value": 0.5, "negative_slope": 0.5, "threshold": 0.25}),
    LeakyReLU: ({}, {"negative_slope": 0.5}),
    PReLU: ({}, {"shared_axes": [1]}),
    Softmax: ({}, {"axis": 1}),
    Reshape: ({"target_shape": (6,)}, {"target_shape": (2, 3)}),
    Permute: ({"dims": (1, 2)}, {"dims": (2, 1)}),
    SpatialDropout1D: ({"rate": 0.25, "seed": 3}, {"rate": 0.75, "seed": 7}),
    GaussianNoise: ({"stddev": 0.25, "seed": 3}, {"stddev": 0.75, "seed": 7}),
    GaussianDropout: ({"rate": 0.25, "seed": 3}, {"rate": 0.75, "seed": 7}),
    BatchNormalization: (
        {},
        {"axis": 1, "momentum": 0.5, "epsilon": 0.5, "center": False, "scale": False},
    ),
}

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
    **{cls: ({}, LOSS) for cls in set(losses.LOSSES.values())},
    losses.FunctionLoss: ({"function": lambda y, p: (0.0, p)}, {"function": three_arguments}),
    **{cls: ({}, METRIC) for cls in set(metrics.METRICS.values())},
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
        for cls in set(initializers.INITIALIZERS.values())
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


def example_of(layer):
    if isinstance(layer, (Embedding, IntegerLookup)):
        return INDICES
    if isinstance(layer, StringLookup):
        return np.array([["the", "cat"], ["mat", "the"]], object)
    if isinstance(layer, TextVectorization):
        return np.array([["the cat"], ["the mat"]], object)
    return ROWS if isinstance(layer, RepeatVector) else SEQUENCES


def flat(value):
    return [
        np.array(part)
        for part in (value if isinstance(value, tuple) else (value,))
        if part is not None
    ]
