"""Connectionist temporal classification: the loss of labels without alignment, and decoding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gru_c import _core
from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_choice, check_flag, check_integer
from gru_c.ops.dtypes import FLOAT, as_array
from gru_c.ops.operation import RULES, Rule, apply

__all__ = ["ctc_decode", "ctc_loss"]


def ctc_loss(
    target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0
) -> Any:
    """Return for each sequence -log of the probability of its labels, over all alignments.

    Parameters
    ----------
    target : array_like of int, shape (B, L)
        Labels, classes other than `mask_index`.
    output : array_like, shape (B, T, C)
        Logits, which a softmax turns into probabilities.
    target_length, output_length : array_like of int, shape (B,)
        The number of labels and of time steps of each sequence.
    mask_index : int
        The class that stands for no label, the blank.

    Returns
    -------
    ndarray of shape (B,)
        Infinite where the labels need more time steps than there are; then the gradient is zero.

    Raises
    ------
    ValueError, TypeError
        If shapes do not go together, or a label or a length is out of range.

    References
    ----------
    Graves, Fernandez, Gomez and Schmidhuber, Connectionist temporal classification, 2006,
    https://doi.org/10.1145/1143844.1143891

    Examples
    --------
    >>> loss = ctc_loss([[1]], np.zeros((1, 2, 2)), [1], [2])  # 3 of 4 paths give the label
    >>> bool(np.isclose(loss[0], -np.log(3 / 4)))
    True
    """
    return apply(
        "ctc_loss", (target, output, target_length, output_length), mask_index=int(mask_index)
    )


def _integers(name: str, x: Any, shape: tuple[int, ...]) -> Array:
    """Return an array of int32; TypeError or ValueError unless of whole numbers in that shape."""
    array = as_array(x)
    if array.dtype.kind == "b" or (array.dtype.kind == "f" and (array % 1 != 0).any()):
        raise TypeError(f"ctc: {name} must hold whole numbers, got dtype {array.dtype}")
    if array.shape != shape:
        raise ValueError(f"ctc: {name} must have the shape {shape}, got {array.shape}")
    return np.ascontiguousarray(array.clip(-(2**31), 2**31 - 1), dtype=np.int32)


def _checked(inputs: Sequence[Any], mask_index: int) -> list[Array]:
    """Return targets, logits, and lengths of targets and outputs as the core takes them."""
    target, output, target_length, output_length = inputs
    logits = as_array(output)
    if logits.ndim != 3:
        raise ValueError(f"ctc: output must have the shape (B, T, C), got {logits.shape}")
    dtype = logits.dtype if logits.dtype in (np.float32, np.float64) else FLOAT
    logits = np.ascontiguousarray(logits, dtype=dtype)
    labels = as_array(target)
    batch, time, classes = logits.shape
    if labels.ndim != 2 or len(labels) != batch:
        raise ValueError(f"ctc: target must have the shape ({batch}, L), got {labels.shape}")
    labels = _integers("target", labels, labels.shape)
    counts = _integers("target_length", target_length, (batch,))
    steps = _integers("output_length", output_length, (batch,))
    if not 0 <= mask_index < classes:
        raise ValueError(f"ctc: mask_index must be a class below {classes}, got {mask_index}")
    for name, lengths, most in (
        ("target_length", counts, labels.shape[1]),
        ("output_length", steps, time),
    ):
        if ((lengths < 0) | (lengths > most)).any():
            raise ValueError(f"ctc: {name} must be from 0 to {most}, got {lengths.tolist()}")
    counting = np.arange(labels.shape[1]) < counts[:, None]
    bad = counting & ((labels < 0) | (labels >= classes) | (labels == mask_index))
    if bad.any():
        row, place = np.argwhere(bad)[0]
        raise ValueError(
            f"ctc: target [{row}, {place}] is {labels[row, place]}, wanted a class from 0 to "
            f"{classes - 1} other than {mask_index}, which stands for no label"
        )
    return [np.where(counting, labels, 0).astype(np.int32), logits, counts, steps]


def _losses(inputs: list[Array], mask_index: int, d_logits: Array | None) -> Array:
    labels, logits, counts, steps = inputs
    losses = np.empty(len(logits))
    _core.ctc(logits, labels, steps, counts, mask_index, losses, d_logits)
    return losses


def _compute(*inputs: Array, mask_index: int) -> Array:
    checked = _checked(inputs, mask_index)
    return _losses(checked, mask_index, None).astype(checked[1].dtype)


def _gradient(d: Array, y: Array, *inputs: Array, mask_index: int) -> Array:
    checked = _checked(inputs, mask_index)
    d_logits = np.empty_like(checked[1])
    _losses(checked, mask_index, d_logits)
    d_logits *= np.where(np.isfinite(y), d, 0)[:, None, None].astype(d_logits.dtype)
    return d_logits


def _shape(target: Shape, output: Shape, *lengths: Shape, mask_index: int) -> Shape:
    return (output[0],)


def _as_they_are(inputs: Sequence[Any]) -> list[Array]:
    return [as_array(x) for x in inputs]


RULES["ctc_loss"] = Rule(_compute, (None, _gradient, None, None), _shape, _as_they_are)


# ---- decoding ----


def ctc_decode(
    inputs: Any,
    sequence_lengths: Any,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int = 0,
) -> tuple[Array, Array]:
    """Return the most likely labels of sequences.

    Parameters
    ----------
    inputs : array_like, shape (B, T, C)
        Logits.
    sequence_lengths : array_like of int, shape (B,)
        The number of time steps of each sequence.
    strategy : {"greedy", "beam_search"}
        The labels of the most likely class of each step; or a search among all alignments that
        keeps the `beam_width` most likely beginnings of labels at each step.
    beam_width : int
        See `strategy`.
    top_paths : int
        The number of sequences of labels that a beam search returns, the best one first.
    merge_repeated : bool
        Greedy: labels of neighbouring steps that are equal are one label.
    mask_index : int
        The class that stands for no label, the blank.

    Returns
    -------
    labels : ndarray of int32, shape (top_paths, B, T)
        Padded by -1; the number of paths is 1 for the greedy strategy.
    scores : ndarray of shape (B, top_paths)
        Greedy: minus the sum of the largest logits. Beam search: the logarithm of the probability.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range.

    References
    ----------
    Hannun, Maas, Jurafsky and Ng, First-pass large vocabulary continuous speech recognition using
    bi-directional recurrent DNNs, 2014, https://arxiv.org/abs/1408.2873 (the search by prefixes)
    """
    check_choice("strategy", strategy, ("greedy", "beam_search"))
    check_flag("merge_repeated", merge_repeated)
    check_integer("beam_width", beam_width, 1)
    check_integer("top_paths", top_paths, 1)
    logits = as_array(inputs)
    if logits.ndim != 3:
        raise ValueError(f"ctc: inputs must have the shape (B, T, C), got {logits.shape}")
    logits = logits.astype(logits.dtype if logits.dtype.kind == "f" else FLOAT, copy=False)
    batch, time, classes = logits.shape
    steps = _integers("sequence_lengths", sequence_lengths, (batch,))
    if ((steps < 0) | (steps > time)).any():
        raise ValueError(f"ctc: sequence_lengths must be from 0 to {time}, got {steps.tolist()}")
    if not 0 <= mask_index < classes:
        raise ValueError(f"ctc: mask_index must be a class below {classes}, got {mask_index}")
    if strategy == "greedy":
        return _greedy(logits, steps, merge_repeated, mask_index)
    if top_paths > beam_width:
        raise ValueError(f"ctc: top_paths must be at most beam_width, {beam_width}")
    labels = np.full((top_paths, batch, time), -1, np.int32)
    scores = np.full((batch, top_paths), -np.inf, logits.dtype)
    for row in range(batch):
        paths = _beam(logits[row, : steps[row]], beam_width, mask_index)[:top_paths]
        for k, (path, score) in enumerate(paths):
            labels[k, row, : len(path)] = path
            scores[row, k] = score
    return labels, scores


def _greedy(
    logits: Array, steps: Array, merge_repeated: bool, mask_index: int
) -> tuple[Array, Array]:
    best = logits.argmax(axis=-1).astype(np.int32)
    counting = np.arange(logits.shape[1]) < steps[:, None]
    kept = counting & (best != mask_index)
    if merge_repeated:
        kept[:, 1:] &= best[:, 1:] != best[:, :-1]
    labels = np.full((1, *best.shape), -1, np.int32)
    for row, places in enumerate(kept):
        path = best[row, places]
        labels[0, row, : len(path)] = path
    scores = -np.where(counting, logits.max(axis=-1), 0).sum(axis=1, keepdims=True)
    return labels, scores.astype(logits.dtype)


def _total(both: Sequence[float]) -> float:
    """Return the logarithm of the probability of labels: the sum over their two kinds of ends."""
    return float(np.logaddexp(both[0], both[1]))


def _beam(logits: Array, width: int, blank: int) -> list[tuple[tuple[int, ...], float]]:
    """Return the most likely labels of one sequence, with the logarithms of their probabilities.

    For each beginning of labels the probabilities of the alignments that end with a blank, and of
    those that end with the last label, are kept apart.
    """
    logs = logits.astype(np.float64)
    logs = logs - np.logaddexp.reduce(logs, axis=-1, keepdims=True)
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -np.inf)}
    for step in logs:
        new: dict[tuple[int, ...], list[float]] = {}
        for path, (with_blank, with_label) in beams.items():
            either = np.logaddexp(with_blank, with_label)
            same = new.setdefault(path, [-np.inf, -np.inf])
            same[0] = np.logaddexp(same[0], either + step[blank])
            if path:
                same[1] = np.logaddexp(same[1], with_label + step[path[-1]])
            for label in range(len(step)):
                if label != blank:
                    before = with_blank if path and path[-1] == label else either
                    longer = new.setdefault((*path, label), [-np.inf, -np.inf])
                    longer[1] = np.logaddexp(longer[1], before + step[label])
        ranked = sorted(new.items(), key=lambda item: -_total(item[1]))
        beams = {path: (a, b) for path, (a, b) in ranked[:width]}
    return [(path, _total(both)) for path, both in beams.items()]
