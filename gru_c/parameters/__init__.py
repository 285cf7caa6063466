"""Weights and their gradients: one by one for the layers, as one flat vector for the optimizer."""

from gru_c.parameters.flat import HasParameters, Parameters
from gru_c.parameters.given_weights import GivenWeights, Source, checked_source
from gru_c.parameters.parameter import Parameter, penalty_of, refuse_shallow_copy

__all__ = [
    "GivenWeights",
    "HasParameters",
    "Parameter",
    "Parameters",
    "Source",
    "checked_source",
    "penalty_of",
    "refuse_shallow_copy",
]
