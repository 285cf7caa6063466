"""A model with layers of many kinds."""

from gru_c import GRU, Bidirectional, Dense, Dropout, Input, Sequential
from gru_c.layers import LayerNormalization, Masking


def make():
    layers = [
        Input((5, 4)),
        Masking(),
        Bidirectional(GRU(3, return_sequences=True, dropout=0.1), merge_mode="sum"),
        LayerNormalization(),
        GRU(2, name="last", kernel_regularizer="l2", reset_after=False),
        Dropout(0.2),
        Dense(1, activation="sigmoid", use_bias=False),
    ]
    return Sequential(layers, name="net", dtype="float64", seed=0)
