"""Initializers that draw random numbers."""

from __future__ import annotations

import math

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.validation import check_choice, check_real
from gru_c.initializers.base import Initializer

# Standard deviation of the standard normal cut off at +-2:
# sqrt(1 - 4 phi(2) / (2 Phi(2) - 1)), phi and Phi its density and distribution.
_TRUNCATED_STDDEV = 0.87962566103423978


class RandomNormal(Initializer):
    """Draw from a normal distribution that is not truncated.

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
    """Draw from the uniform distribution on [minval, maxval).

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
    """Return fan-in and fan-out over the whole array: like Keras, not gate by gate."""
    if len(shape) < 2:
        fan = math.prod(shape)
        return fan, fan
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


def _truncated_normal(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Draw from the standard normal; values beyond +-2, one in 22, are drawn again."""
    x: Array = rng.standard_normal(shape)
    outside = np.abs(x) > 2
    while outside.any():
        x[outside] = rng.standard_normal(np.count_nonzero(outside))
        outside = np.abs(x) > 2
    return x


class _VarianceScaling(Initializer):
    """Base of the initializers with variance `_scale` / fan.

    The fan is the fan-in, or with `_fan_average` the mean of fan-in and fan-out.
    """

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
        """Draw from a truncated normal, widened so that its variance is right after the cut."""
        return _truncated_normal(shape, rng) * (self._stddev(shape) / _TRUNCATED_STDDEV)


class GlorotUniform(_ScaledUniform):
    """Draw from U(-l, l), l = sqrt(6 / (fan_in + fan_out)); Keras's default for kernels.

    Examples
    --------
    >>> w = GlorotUniform()((4, 2), "float32", np.random.default_rng(0))
    >>> w.shape, w.dtype, bool(abs(w).max() <= 1.0)
    ((4, 2), dtype('float32'), True)
    """

    _fan_average = True


class GlorotNormal(_ScaledNormal):
    """Draw from a truncated normal with variance 2 / (fan_in + fan_out)."""

    _fan_average = True


class HeUniform(_ScaledUniform):
    """Draw from U(-l, l), l = sqrt(6 / fan_in)."""

    _scale = 2.0


class HeNormal(_ScaledNormal):
    """Draw from a truncated normal with variance 2 / fan_in."""

    _scale = 2.0


class LecunUniform(_ScaledUniform):
    """Draw from U(-l, l), l = sqrt(3 / fan_in)."""


class LecunNormal(_ScaledNormal):
    """Draw from a truncated normal with variance 1 / fan_in."""


class TruncatedNormal(Initializer):
    """Draw from a normal distribution; redraw values beyond two standard deviations.

    Parameters
    ----------
    mean, stddev : float
        Those of the distribution before it is cut off; `stddev` must not be negative.
    seed : int, optional
        See `Initializer`.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean = check_real("TruncatedNormal: mean", mean)
        self.stddev = check_real("TruncatedNormal: stddev", stddev, ">= 0")

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Draw from the part of N(mean, stddev^2) within two standard deviations."""
        return self.mean + self.stddev * _truncated_normal(shape, rng)


class VarianceScaling(Initializer):
    """Draw with variance scale / fan.

    Parameters
    ----------
    scale : float
        Above 0.
    mode : {"fan_in", "fan_out", "fan_avg"}
        The fan: the number of inputs, of outputs, or the mean of both.
    distribution : {"truncated_normal", "normal", "untruncated_normal", "uniform"}
        "normal" stands for "truncated_normal", as in Keras.
    seed : int, optional
        See `Initializer`.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        super().__init__(seed)
        self.scale = check_real("VarianceScaling: scale", scale, "> 0")
        self.mode = check_choice("VarianceScaling: mode", mode, ("fan_in", "fan_out", "fan_avg"))
        known = ("truncated_normal", "untruncated_normal", "uniform", "normal")
        chosen = check_choice("VarianceScaling: distribution", distribution, known)
        self.distribution = "truncated_normal" if chosen == "normal" else chosen

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Draw from the distribution."""
        fan_in, fan_out = _fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        stddev = math.sqrt(self.scale / max(1.0, fan))
        if self.distribution == "uniform":
            return rng.uniform(-math.sqrt(3) * stddev, math.sqrt(3) * stddev, shape)
        if self.distribution == "untruncated_normal":
            return rng.normal(0.0, stddev, shape)
        return _truncated_normal(shape, rng) * (stddev / _TRUNCATED_STDDEV)


class Orthogonal(Initializer):
    """Draw a matrix with orthonormal rows or columns, whichever are fewer, times `gain`.

    Keras's default for recurrent kernels, for the whole matrix (H, 3H) rather than gate by gate. An
    array of more than two axes is treated as a matrix whose columns are its last axis.

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
