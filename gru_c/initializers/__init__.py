"""Initial values of weights, with Keras's names and formulas.

An initializer is called as ``init(shape, dtype, rng)``, or as in Keras without ``rng``. With a seed
it ignores `rng` and gives the same values on every call, as in Keras. Values are drawn in float64
and rounded, so that a float32 model and a float64 model of the same seed start from the same
weights.

References
----------
- Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks,
  2010.
- He, Zhang, Ren and Sun, Delving deep into rectifiers, 2015.
- LeCun, Bottou, Orr and Mueller, Efficient BackProp, 1998.
- Saxe, McClelland and Ganguli, Exact solutions to the nonlinear dynamics of learning, 2014
  (orthogonal).
- Mezzadri, How to generate random matrices from the classical compact groups, 2007 (why the signs
  are fixed).
"""

from __future__ import annotations

from typing import cast

import numpy as np

from gru_c.common.missing_names import explain_missing
from gru_c.common.registry import Registry, public_classes, serialize, snake_case
from gru_c.initializers.base import Initializer
from gru_c.initializers.constant import Constant, Identity, Ones, Zeros
from gru_c.initializers.random import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)
from gru_c.initializers.user_function import InitializerFunction, takes_rng
from gru_c.initializers.user_function import initial_value as initial_value

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]

INITIALIZERS: dict[str, type[Initializer]] = {
    **{snake_case(c.__name__): c for c in public_classes(globals(), Initializer)},
    "uniform": RandomUniform,  # Keras's other names
    "normal": RandomNormal,
    "one": Ones,
    "zero": Zeros,
    "identity_initializer": Identity,
    "orthogonal_initializer": Orthogonal,
}
_REGISTRY = Registry("initializer", INITIALIZERS, Initializer)


def get(identifier: object) -> Initializer | InitializerFunction:
    """Return the initializer that a name, a dict, a function or an array stands for.

    Parameters
    ----------
    identifier : str, dict, Initializer, callable or ndarray
        A name such as ``"glorot_uniform"`` or ``"GlorotUniform"``, the dict of `serialize`, an
        instance, a function ``f(shape, dtype, rng) -> ndarray`` or, as Keras calls it,
        ``f(shape, dtype=...) -> ndarray`` with the name of the dtype, or the initial value itself,
        an array of the weight's shape.

    Raises
    ------
    ValueError, TypeError
        If the name is unknown, `identifier` is something else, or a function takes other arguments.

    Examples
    --------
    >>> get("orthogonal")
    Orthogonal(gain=1.0, seed=None)
    """
    if isinstance(identifier, np.ndarray):
        return Constant(identifier).of_shape(identifier.shape)
    if callable(identifier) and not isinstance(identifier, (type, Initializer)):
        takes_rng(identifier)  # raises for other arguments
        return cast(InitializerFunction, identifier)
    return _REGISTRY.get(identifier)


deserialize = get

# Keras has each class under this name, too.
glorot_uniform = GlorotUniform
glorot_normal = GlorotNormal
he_uniform = HeUniform
he_normal = HeNormal
lecun_uniform = LecunUniform
lecun_normal = LecunNormal
orthogonal = Orthogonal
zeros = Zeros
ones = Ones
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
identity = Identity

__getattr__ = explain_missing(__name__, __all__)
