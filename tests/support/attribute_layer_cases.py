"""Every layer whose attributes users set, with the arguments that it is made with."""

import numpy as np

from gru_c import (
    ELU,
    GRU,
    LSTM,
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
    SimpleRNN,
    Softmax,
    SpatialDropout1D,
    TimeDistributed,
    UpSampling1D,
    ZeroPadding1D,
    activations,
    initializers,
)
from gru_c.layers import (
    IntegerLookup,
    Normalization,
    Rescaling,
    StringLookup,
    TextVectorization,
)

SEQUENCES = np.random.default_rng(0).normal(size=(4, 3, 2)).astype(np.float32)

INDICES = np.array([[0, 3, 1], [2, 2, 0]])

ROWS = np.random.default_rng(1).normal(size=(8, 2)).astype(np.float32)

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

OF_ALL_CELLS = {
    "use_bias": False,
    "return_sequences": True,
    "return_state": True,
    "go_backwards": True,
    "zero_output_for_mask": True,
    "stateful": True,
    "time_major": True,
    "dropout": 0.5,
    "recurrent_dropout": 0.5,
    "zoneout": 0.5,
    "clip": 0.01,
    "checkpoint_every": 2,
    "seed": 7,
    "inference_weights": "int8",
}
RNN_KINDS = {name: it for name, it in GRU_KINDS.items() if name != "recurrent_activation"}

LAYER_CASES = {
    GRU: ({"units": 4, "seed": 3}, {**GRU_KINDS, **OF_ALL_CELLS, "reset_after": False}),
    LSTM: ({"units": 4, "seed": 3}, {**GRU_KINDS, **OF_ALL_CELLS, "unit_forget_bias": False}),
    SimpleRNN: ({"units": 4, "seed": 3}, {**RNN_KINDS, **OF_ALL_CELLS}),
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


def example_of(layer):
    if isinstance(layer, (Embedding, IntegerLookup)):
        return INDICES
    if isinstance(layer, StringLookup):
        return np.array([["the", "cat"], ["mat", "the"]], object)
    if isinstance(layer, TextVectorization):
        return np.array([["the cat"], ["the mat"]], object)
    return ROWS if isinstance(layer, RepeatVector) else SEQUENCES
