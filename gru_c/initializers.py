"""Initial values of weights, with Keras's names and formulas.

An initializer is called as ``init(shape, dtype, rng)``, or as in Keras without rng. One with a
seed of its own ignores `rng` and gives the same values on every call, as in Keras. Values are drawn
in float64 and rounded, so that a float32 model and a float64 model of the same seed start from the
same weights.

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

import inspect
import math
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from gru_c.utils import keras_names
from gru_c.utils.arrays import Array, as_real, is_finite
from gru_c.utils.registry import Configurable, deserialize, serialize, snake_case
from gru_c.utils.validation import check_integer, check_real

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "Zeros",
    "get",
    "serialize",
]

InitializerFunction = Callable[[tuple[int, ...], npt.DTypeLike, "np.random.Generator"], Array]

# Standard deviation of the standard normal cut off at +-2:
# sqrt(1 - 4 phi(2) / (2 Phi(2) - 1)), phi and Phi its density and distribution.
_TRUNCATED_STDDEV = 0.87962566103423978


def _finite_array(value: Any) -> Array:
    """Return a copy as floats; an exception for anything but finite numbers."""
    array = np.array(as_real("Constant: value", value))
    if not np.isfinite(array).all():
        raise ValueError("Constant: all of value must be finite, got an array with NaN or infinity")
    return array


def _broadcasts(given: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether NumPy broadcasts an array of one shape to the other."""
    pairs = zip(reversed(given), reversed(wanted), strict=False)
    return len(given) <= len(wanted) and all(size in (1, other) for size, other in pairs)


class Initializer(Configurable):
    """Base of all initializers; a subclass defines `draw`.

    Parameters
    ----------
    seed : int, optional
        Makes every call give the same values, whatever `rng` is.
    """

    _keras_names = keras_names.INITIALIZER

    def __init__(self, seed: int | None = None) -> None:
        self.seed = check_integer("seed", seed, optional=True)

    def __call__(
        self,
        shape: Sequence[int],
        dtype: npt.DTypeLike | None = None,
        rng: np.random.Generator | None = None,
    ) -> Array:
        """Make a new array.

        Parameters
        ----------
        shape : sequence of int
            Shape of the weight, (inputs, outputs) for a matrix.
        dtype : dtype, optional
            float32 or float64; float32 by default.
        rng : numpy.random.Generator, optional
            Where random numbers come from, unless the initializer has its own seed. By default they
            are other ones each time.

        Returns
        -------
        ndarray of shape `shape`
        """
        if self.seed is not None or rng is None:
            rng = np.random.default_rng(self.seed)
        if not isinstance(shape, Iterable):
            raise TypeError(f"shape must be a tuple such as (3, 4), got {shape!r}")
        sizes = tuple(map(operator.index, shape))
        drawn = self.draw(sizes, rng)
        if self._by_user:
            drawn = as_real(f"the array of {type(self).__name__}.draw", drawn)
        with np.errstate(over="ignore"):  # the array shows it, as infinity
            return drawn.astype(np.float32 if dtype is None else dtype, copy=False)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Return a new float64 array of shape `shape`."""
        raise NotImplementedError(f"{type(self).__name__} must define draw(shape, rng)")


class Constant(Initializer):
    """Every entry the same number, or those of an array.

    Parameters
    ----------
    value : float or array_like
        An array of the weight's shape, or one that NumPy broadcasts to it, as in Keras; a copy of
        it is kept. Files of models leave it out: they have the weights.
    """

    def __init__(self, value: float | npt.ArrayLike = 0.0) -> None:
        super().__init__()
        self.value: float | Array
        if isinstance(value, (np.ndarray, list, tuple)):
            array = _finite_array(value)
            self.value = array if array.ndim else float(array)
        else:
            self.value = check_real("Constant: value", value)
        self._shape: tuple[int, ...] | None = None  # of the weight, if it must be this one

    @property
    def is_array(self) -> bool:
        """Whether the value is an array."""
        return isinstance(self.value, np.ndarray)

    def of_shape(self, shape: tuple[int, ...]) -> Constant:
        """Return the initializer, which from now on makes arrays of this shape alone."""
        self._shape = shape
        return self

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Return `value`; `rng` is not used. ValueError for an array of an unfit shape."""
        if self._shape not in (None, shape) or not _broadcasts(np.shape(self.value), shape):
            raise ValueError(
                f"an array of shape {np.shape(self.value)} was given as the initial value of a "
                f"weight of shape {shape}"
            )
        return np.full(shape, self.value)


class Zeros(Constant):
    """Every entry 0."""

    def __init__(self) -> None:
        super().__init__(0.0)


class Ones(Constant):
    """Every entry 1."""

    def __init__(self) -> None:
        super().__init__(1.0)


class RandomNormal(Initializer):
    """Normal distribution, not truncated.

    Parameters
    ----------
    mean, stddev : float
        `stddev` must not be negative.
    seed : int, optional
        See `Initializer`.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean = check_real("RandomNormal: mean", mean)
        self.stddev = check_real("RandomNormal: stddev", stddev, ">= 0")

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Draw from N(mean, stddev^2)."""
        return rng.normal(self.mean, self.stddev, shape)


class RandomUniform(Initializer):
    """Uniform distribution on [minval, maxval).

    Parameters
    ----------
    minval, maxval : float
        `minval` must not be above `maxval`.
    seed : int, optional
        See `Initializer`.
    """

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None
    ) -> None:
        super().__init__(seed)
        self.minval = check_real("RandomUniform: minval", minval)
        self.maxval = check_real("RandomUniform: maxval", maxval)
        if self.minval > self.maxval:
            raise ValueError(f"RandomUniform: minval {minval} is above maxval {maxval}")

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Draw from U[minval, maxval)."""
        return rng.uniform(self.minval, self.maxval, shape)


def _fans(shape: tuple[int, ...]) -> tuple[float, float]:
    """Fan-in and fan-out over the whole array, as Keras counts them: gates are not told apart."""
    if len(shape) < 2:
        fan = math.prod(shape)
        return fan, fan
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


def _truncated_normal(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Draw from the standard normal; values beyond 2, 1 in 22, are drawn again."""
    x: Array = rng.standard_normal(shape)
    outside = np.abs(x) > 2
    while outside.any():
        x[outside] = rng.standard_normal(np.count_nonzero(outside))
        outside = np.abs(x) > 2
    return x


class _VarianceScaling(Initializer):
    """Variance `_scale` / fan, fan being the mean of both fans or the fan-in."""

    _scale = 1.0
    _fan_average = False

    def _stddev(self, shape: tuple[int, ...]) -> float:
        fan_in, fan_out = _fans(shape)
        fan = (fan_in + fan_out) / 2 if self._fan_average else fan_in
        return math.sqrt(self._scale / max(1.0, fan))


class _ScaledUniform(_VarianceScaling):
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Draw from U(-limit, limit), limit = sqrt(3) stddev."""
        limit = math.sqrt(3) * self._stddev(shape)
        return rng.uniform(-limit, limit, shape)


class _ScaledNormal(_VarianceScaling):
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Draw from a truncated normal that is widened so that its variance is the wanted one."""
        return _truncated_normal(shape, rng) * (self._stddev(shape) / _TRUNCATED_STDDEV)


class GlorotUniform(_ScaledUniform):
    """U(-l, l) with l = sqrt(6 / (fan_in + fan_out)); Keras's default for kernels.

    Examples
    --------
    >>> w = GlorotUniform()((4, 2), "float32", np.random.default_rng(0))
    >>> w.shape, w.dtype, bool(abs(w).max() <= 1.0)
    ((4, 2), dtype('float32'), True)
    """

    _fan_average = True


class GlorotNormal(_ScaledNormal):
    """Truncated normal with variance 2 / (fan_in + fan_out)."""

    _fan_average = True


class HeUniform(_ScaledUniform):
    """U(-l, l) with l = sqrt(6 / fan_in)."""

    _scale = 2.0


class HeNormal(_ScaledNormal):
    """Truncated normal with variance 2 / fan_in."""

    _scale = 2.0


class LecunUniform(_ScaledUniform):
    """U(-l, l) with l = sqrt(3 / fan_in)."""


class LecunNormal(_ScaledNormal):
    """Truncated normal with variance 1 / fan_in."""


class Orthogonal(Initializer):
    """A matrix with orthonormal rows or columns, whichever are fewer, times `gain`.

    Keras's default for recurrent kernels, over the whole (H, 3H) and not gate by gate. An array of
    more axes is treated as the matrix (all but the last, last).

    Parameters
    ----------
    gain : float
        Factor of the matrix.
    seed : int, optional
        See `Initializer`.

    Examples
    --------
    >>> u = Orthogonal()((2, 6), "float64", np.random.default_rng(0))
    >>> np.allclose(u @ u.T, np.eye(2))
    True
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = check_real("Orthogonal: gain", gain)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Draw uniformly from the matrices with orthonormal rows or columns.

        Raises
        ------
        ValueError
            If `shape` has fewer than two axes.
        """
        if len(shape) < 2:
            raise ValueError(f"Orthogonal needs a shape of two axes or more, got {shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
        # QR is unique only with a positive diagonal of R; without this, q would not be uniform.
        q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)
        matrix = q if rows >= columns else q.T
        return (self.gain * matrix).reshape(shape)


_CLASSES: tuple[type[Initializer], ...] = (
    GlorotUniform,
    GlorotNormal,
    HeUniform,
    HeNormal,
    LecunUniform,
    LecunNormal,
    Orthogonal,
    Zeros,
    Ones,
    Constant,
    RandomNormal,
    RandomUniform,
)
INITIALIZERS: dict[str, type[Initializer]] = {
    **{snake_case(c.__name__): c for c in _CLASSES},
    "uniform": RandomUniform,  # Keras's other names
    "normal": RandomNormal,
}


def get(spec: object) -> Initializer | InitializerFunction:
    """Find or make an initializer.

    Parameters
    ----------
    spec : str, dict, Initializer, callable or ndarray
        A name such as ``"glorot_uniform"`` or ``"GlorotUniform"``, the dict of `serialize`, an
        instance, a function ``f(shape, dtype, rng) -> ndarray``, or as Keras calls it,
        ``f(shape, dtype=...) -> ndarray``, with the name of the dtype, or the initial value
        itself, of the weight's shape.

    Raises
    ------
    ValueError
        If there is no such name.
    TypeError
        If `spec` is something else, or a function that takes other arguments.

    Examples
    --------
    >>> get("orthogonal")
    Orthogonal(gain=1.0, seed=None)
    """
    if isinstance(spec, np.ndarray):
        return Constant(spec).of_shape(spec.shape)
    if callable(spec) and not isinstance(spec, (type, Initializer)):
        _takes_rng(spec)  # checks the arguments
        return cast(InitializerFunction, spec)
    return deserialize("initializer", spec, INITIALIZERS, Initializer)


def initial_value(
    initializer: Initializer | InitializerFunction,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    rng: np.random.Generator,
    owner: str,
) -> Array:
    """Return a new array of what an initializer, or a user's function, makes of a shape.

    `owner` is whose initializer it is, for the messages.

    Raises
    ------
    ValueError
        If the array has another shape, or NaN or infinities.
    TypeError
        If it does not hold real numbers, or a function cannot be called with the shape.
    """
    made = as_real(f"the array of {owner}", _call(initializer, shape, dtype, rng, owner))
    with np.errstate(over="ignore"):
        value = np.array(made, dtype, order="C")
    if value.shape != shape:
        raise ValueError(f"{owner} made an array of shape {value.shape}, wanted {shape}")
    if not is_finite(value, dtype):
        raise ValueError(
            f"{owner} made an array with NaN or infinity in {dtype}: all initial values must be "
            "finite"
        )
    return value


def _call(
    initializer: Initializer | InitializerFunction,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    rng: np.random.Generator,
    owner: str,
) -> Array:
    """Call an initializer as it wants to be called."""
    if isinstance(initializer, Initializer):
        return initializer(shape, dtype, rng)
    takes_rng = _takes_rng(initializer)
    try:
        if takes_rng:
            return initializer(shape, dtype, rng)
        return cast(Callable[..., Array], initializer)(shape, dtype=dtype.name)
    except TypeError as error:
        arguments = "(shape, dtype, rng)" if takes_rng else "(shape, dtype=...)"
        name = getattr(initializer, "__name__", type(initializer).__name__)
        raise TypeError(
            f"{owner} is the function {name}, which was called with {arguments} and failed: "
            f"{error}. Make a function of these arguments of it, such as "
            "lambda shape, dtype, rng: rng.standard_normal(shape)"
        ) from error


def _takes_rng(function: Callable[..., Any]) -> bool:
    """Whether a user's function takes (shape, dtype, rng), rather than (shape, dtype=...).

    An argument in third place that has a default and another name is something of Keras's. Raises
    TypeError for a function that takes neither.
    """
    try:
        signature = inspect.signature(function)
    except ValueError:  # something built in, which has no signature
        return True
    third = [*signature.parameters.values()][2:3]
    ours = all(one.default is one.empty or one.name == "rng" for one in third)
    if ours and _binds(signature, (), "", None):
        return True
    if _binds(signature, (), dtype="float32"):
        return False
    raise TypeError(
        "an initializer that is a function takes (shape, dtype, rng), or (shape, dtype=...) as in "
        f"Keras; got one with the arguments {signature}"
    )


def _binds(signature: inspect.Signature, *arguments: Any, **options: Any) -> bool:
    try:
        signature.bind(*arguments, **options)
    except TypeError:
        return False
    return True
