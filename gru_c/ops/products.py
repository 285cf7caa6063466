"""Products of matrices and of other arrays."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from gru_c.common.arrays import Array, Shape
from gru_c.ops import shapes
from gru_c.ops.dtypes import promoted
from gru_c.ops.operation import RULES, Rule, apply

__all__ = ["dot", "einsum", "matmul", "outer", "tensordot"]


def matmul(x1: Any, x2: Any) -> Any:
    """Return the product of matrices in the last two axes; axes before them are broadcast."""
    return apply("matmul", (x1, x2))


def dot(x1: Any, x2: Any) -> Any:
    """Return the sum of products over the last axis of `x1` and the second last of `x2`.

    The last axis of `x2` if that has one axis; a number multiplies the other array.
    """
    first, second = len(np.shape(x1)), len(np.shape(x2))
    if not first or not second:
        return apply("multiply", (x1, x2))
    return tensordot(x1, x2, axes=([first - 1], [max(second - 2, 0)]))


def outer(x1: Any, x2: Any) -> Any:
    """Return the products of all pairs of elements of two flat arrays."""
    flat = [apply("reshape", (x,), newshape=(-1,)) for x in (x1, x2)]
    return einsum("i,j->ij", *flat)


def tensordot(x1: Any, x2: Any, axes: int | Sequence[Any] = 2) -> Any:
    """Return the sum of products over axes.

    Parameters
    ----------
    x1, x2 : array_like
    axes : int or pair of lists of int
        The number of last axes of `x1` and first axes of `x2`; or the axes of each.
    """
    first, second = len(np.shape(x1)), len(np.shape(x2))
    if isinstance(axes, (int, np.integer)):
        pairs = list(range(first - axes, first)), list(range(axes))
    else:
        of_first, of_second = axes
        pairs = (
            list(shapes.axes_of(of_first, first)),
            list(shapes.axes_of(of_second, second)),
        )
    if len(pairs[0]) != len(pairs[1]):
        raise ValueError(f"tensordot: axes must pair axes of both arrays, got {axes}")
    a = list(string.ascii_letters[:first])
    b = list(string.ascii_letters[first : first + second])
    for i, j in zip(*pairs, strict=True):
        b[j] = a[i]
    summed = {a[i] for i in pairs[0]}
    out = [letter for letter in (*a, *b) if letter not in summed]
    return apply("einsum", (x1, x2), subscripts=f"{''.join(a)},{''.join(b)}->{''.join(out)}")


def einsum(subscripts: str, *operands: Any) -> Any:
    """Return Einstein's sum of one or two arrays.

    Parameters
    ----------
    subscripts : str
        Letters of the axes, such as "bij,bjk->bik"; "..." stands for further axes.
    *operands : array_like
        One array or two. For more, sum two of them first.

    Raises
    ------
    ValueError
        If the letters do not fit the arrays, an array has a letter twice, or there are more arrays.
    """
    if len(operands) not in (1, 2):
        raise ValueError(
            f"einsum takes one or two arrays, got {len(operands)}: write einsum of two, and an "
            "einsum of its result and the next"
        )
    letters = _explicit(subscripts, [len(np.shape(x)) for x in operands])
    return apply("einsum", operands, subscripts=letters)


def _explicit(subscripts: str, ndims: Sequence[int]) -> str:
    """Return subscripts with letters for "..." and with the letters of the output."""
    inputs, arrow, out = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != len(ndims):
        raise ValueError(f"einsum {subscripts!r} is for {len(terms)} arrays, got {len(ndims)}")
    unused = [c for c in string.ascii_letters if c not in subscripts]
    if not arrow:
        counts = inputs.replace(",", "").replace("...", "")
        out = ("..." if "..." in inputs else "") + "".join(
            sorted(c for c in set(counts) if counts.count(c) == 1)
        )
    more = max(
        (n - len(t.replace("...", "")) for t, n in zip(terms, ndims, strict=True) if "..." in t),
        default=0,
    )
    for k, (term, ndim) in enumerate(zip(terms, ndims, strict=True)):
        several = ndim - len(term.replace("...", ""))
        if several < 0 or (several and "..." not in term):
            raise ValueError(f"einsum {subscripts!r}: array {k} has {ndim} axes, not {len(term)}")
        terms[k] = term.replace("...", "".join(unused[more - several : more]))
        if len(set(terms[k])) != len(terms[k]):
            raise ValueError(f"einsum {subscripts!r}: a letter stands twice in {term!r}")
    out = out.replace("...", "".join(unused[:more]))
    known = set("".join(terms))
    if len(set(out)) != len(out) or not set(out) <= known:
        raise ValueError(f"einsum {subscripts!r}: the output has letters twice, or unknown ones")
    return f"{','.join(terms)}->{out}"


# ---- rules ----


def _split(subscripts: str) -> tuple[list[str], str]:
    inputs, _, out = subscripts.partition("->")
    return inputs.split(","), out


def _arranged(x: Array, term: str, letters: str) -> Array:
    """Return x with its axes in the order of letters, of length 1 where x has no such axis."""
    present = [c for c in letters if c in term]
    x = x.transpose([term.index(c) for c in present])
    sizes = iter(x.shape)
    return x.reshape([next(sizes) if c in present else 1 for c in letters])


def contract(x: Array, a: str, y: Array, b: str, out: str) -> Any:
    """Return the einsum of two arrays with the terms a and b by one product of matrices."""
    x, a = _without(x, a, b + out)
    y, b = _without(y, b, a + out)
    both = [c for c in a if c in b]
    batch = "".join(c for c in both if c in out)
    summed = "".join(c for c in both if c not in out)
    rows = "".join(c for c in a if c not in b)
    columns = "".join(c for c in b if c not in a)
    sizes = dict(zip(a, x.shape, strict=True))
    for c, size in zip(b, y.shape, strict=True):
        sizes[c] = max(sizes.get(c, 1), size) if 1 in (size, sizes.get(c, size)) else size
    left = _block(x, a, batch, rows, summed, sizes)
    right = _block(y, b, batch, summed, columns, sizes)
    result = np.matmul(left, right)
    order = batch + rows + columns
    result = result.reshape([sizes[c] for c in order])
    return result.transpose([order.index(c) for c in out])


def _without(x: Array, term: str, kept: str) -> tuple[Array, str]:
    """Return an array summed over the axes whose letters are not in `kept`, and its term."""
    lost = tuple(i for i, c in enumerate(term) if c not in kept)
    return (x.sum(axis=lost), "".join(c for c in term if c in kept)) if lost else (x, term)


def _block(
    x: Array, term: str, batch: str, rows: str, columns: str, sizes: dict[str, int]
) -> Array:
    """Return x as matrices of an axis for the batch, one for the rows, one for the columns."""
    order = batch + rows + columns
    x = np.broadcast_to(x.transpose([term.index(c) for c in order]), [sizes[c] for c in order])
    lengths = [
        int(np.prod([sizes[c] for c in part], dtype=np.int64)) for part in (batch, rows, columns)
    ]
    return x.reshape(lengths)


def _einsum(*operands: Array, subscripts: str) -> Any:
    terms, out = _split(subscripts)
    _sizes([x.shape for x in operands], subscripts)
    if len(operands) == 1:
        x, term = _without(operands[0], terms[0], out)
        return x.transpose([term.index(c) for c in out])
    return contract(operands[0], terms[0], operands[1], terms[1], out)


def _einsum_gradient(i: int, d: Array, y: Array, *operands: Array, subscripts: str) -> Array:
    terms, out = _split(subscripts)
    term = terms[i]
    if len(operands) == 1:
        return _arranged(d, out, term)
    other, letters = operands[1 - i], terms[1 - i]
    present = "".join(c for c in term if c in out or c in letters)
    return _arranged(contract(d, out, other, letters, present), present, term)


def _sizes(several: Sequence[Shape], subscripts: str) -> dict[str, int | None]:
    sizes: dict[str, int | None] = {}
    for term, shape in zip(_split(subscripts)[0], several, strict=True):
        for c, size in zip(term, shape, strict=True):
            before = sizes.get(c)
            if before not in (None, 1, size) and size not in (None, 1):
                raise ValueError(
                    f"einsum {subscripts!r}: axis {c!r} has the lengths {before} and {size}"
                )
            sizes[c] = size if before in (None, 1) else before
    return sizes


def _einsum_shape(*several: Shape, subscripts: str) -> Shape:
    sizes = _sizes(several, subscripts)
    return tuple(sizes[c] for c in _split(subscripts)[1])


def _matmul_shape(a: Shape, b: Shape) -> Shape:
    if not a or not b:
        raise ValueError(f"matmul: shapes {a} and {b}: arrays must have an axis")
    left, right = (1, *a) if len(a) == 1 else a, (*b, 1) if len(b) == 1 else b
    if None not in (left[-1], right[-2]) and left[-1] != right[-2]:
        raise ValueError(f"matmul: shapes {a} and {b} do not go together: {left[-1]}, {right[-2]}")
    shape = (*shapes.broadcast(left[:-2], right[:-2]), left[-2], right[-1])
    shape = shape[:-2] + shape[-1:] if len(a) == 1 else shape
    return shape[:-1] if len(b) == 1 else shape


def _matrices(d: Array, a: Array, b: Array) -> tuple[Array, Array, Array]:
    """Return the gradient and the arrays of a product with the axes that matmul adds."""
    if a.ndim == 1:
        d, a = np.expand_dims(d, -1 if b.ndim == 1 else -2), a[None]
    if b.ndim == 1:
        d, b = d[..., None], b[:, None]
    return d, a, b


def _matmul_left(d: Array, y: Array, a: Array, b: Array) -> Any:
    d2, _, b2 = _matrices(d, a, b)
    product = np.matmul(d2, np.swapaxes(b2, -1, -2))
    if a.ndim == 1:
        return product.reshape(-1, len(a)).sum(axis=0)
    return product


def _matmul_right(d: Array, y: Array, a: Array, b: Array) -> Any:
    d2, a2, _ = _matrices(d, a, b)
    if b.ndim <= 2:  # one product instead of one for each matrix, summed
        rows = a2.reshape(-1, a2.shape[-1])
        return np.matmul(rows.T, d2.reshape(len(rows), -1)).reshape(b.shape)
    return np.matmul(np.swapaxes(a2, -1, -2), d2)


def _matmul(a: Array, b: Array) -> Any:
    if a.ndim > 2 and b.ndim == 2:  # one product instead of one for each matrix
        return np.matmul(a.reshape(-1, a.shape[-1]), b).reshape(*a.shape[:-1], b.shape[1])
    return np.matmul(a, b)


RULES["matmul"] = Rule(_matmul, (_matmul_left, _matmul_right), _matmul_shape, promoted)
RULES["einsum"] = Rule(_einsum, _einsum_gradient, _einsum_shape, promoted)
