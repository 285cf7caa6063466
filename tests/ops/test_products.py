import numpy as np
import pytest
from ops_cases import normal
from ops_gradients import cases_of, check_case, check_gradients, check_shapes

from gru_c import ops
from gru_c.ops import products


@cases_of(products)
def test_gradients_and_shapes(case):
    check_case(case)


SUBSCRIPTS = {
    "bij,bjk->bik": [(2, 3, 4), (2, 4, 5)],
    "bij,kj->bik": [(2, 3, 4), (5, 4)],
    "bhqd,bhkd->bhqk": [(2, 3, 4, 2), (2, 3, 5, 2)],
    "abc,cd->abd": [(2, 3, 4), (4, 2)],
    "ij,ij->": [(2, 3), (2, 3)],
    "ij,ij": [(2, 3), (2, 3)],
    "ij,jk": [(2, 3), (3, 4)],
    "i,j->ji": [(2,), (3,)],
    "ijk,l->ik": [(2, 3, 4), (2,)],
    "...ij,...jk->...ik": [(2, 3, 4), (4, 2)],
    "ij,...j->...i": [(2, 3), (4, 2, 3)],
}


@pytest.mark.parametrize("subscripts", SUBSCRIPTS)
def test_einsum_of_two(subscripts):
    arrays = [normal(*shape) for shape in SUBSCRIPTS[subscripts]]
    wanted = np.einsum(subscripts, *arrays)
    np.testing.assert_allclose(ops.einsum(subscripts, *arrays), wanted, rtol=1e-12)
    check_gradients(lambda a, b: ops.einsum(subscripts, a, b), arrays)
    check_shapes(lambda a, b: ops.einsum(subscripts, a, b), arrays)


@pytest.mark.parametrize("subscripts", ["ijk->kj", "ij->", "i...->...", "ij->ij"])
def test_einsum_of_one(subscripts):
    x = normal(2, 3, 4) if subscripts == "ijk->kj" else normal(2, 3)
    np.testing.assert_allclose(ops.einsum(subscripts, x), np.einsum(subscripts, x), rtol=1e-12)
    check_gradients(lambda a: ops.einsum(subscripts, a), [x])


@pytest.mark.parametrize(
    ("subscripts", "shapes", "words"),
    [
        ("ii->i", [(2, 2)], "stands twice"),
        ("ij,jk->ik", [(2, 3), (4, 5)], "lengths 3 and 4"),
        ("ij,jk->il", [(2, 3), (3, 5)], "unknown"),
        ("ij->i", [(2, 3, 4)], "has 3 axes"),
        ("ij,jk->ik", [(2, 3)], "for 2 arrays"),
        ("i,i,i->i", [(2,), (2,), (2,)], "one or two arrays"),
    ],
)
def test_sums_that_are_not_possible_are_refused(subscripts, shapes, words):
    with pytest.raises(ValueError, match=words):
        ops.einsum(subscripts, *map(np.ones, shapes))


def test_shapes_of_matmul_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="matmul"):
        ops.matmul(np.ones((2, 3)), np.ones((2, 3)))
