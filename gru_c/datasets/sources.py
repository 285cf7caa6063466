"""The sources of the data sets of ``keras.datasets``, and the error that names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn


class DataSetSource(NamedTuple):
    """The places of a data set.

    Attributes
    ----------
    content : str
        Description of the data.
    origin : str
        Site of the people who made it.
    """

    content: str
    origin: str


SOURCES = {
    "boston_housing": DataSetSource(
        "506 suburbs of Boston with the median price of a house", "lib.stat.cmu.edu/datasets/boston"
    ),
    "california_housing": DataSetSource(
        "20,640 districts of California with the median price of a house; "
        "sklearn.datasets.fetch_california_housing() returns it",
        "www.dcc.fc.up.pt/~ltorgo/Regression/cal_housing.html",
    ),
    "cifar10": DataSetSource(
        "60,000 pictures of 10 kinds of things", "www.cs.toronto.edu/~kriz/cifar.html"
    ),
    "cifar100": DataSetSource(
        "60,000 pictures of 100 kinds of things", "www.cs.toronto.edu/~kriz/cifar.html"
    ),
    "fashion_mnist": DataSetSource(
        "70,000 pictures of clothes; sklearn.datasets.fetch_openml('Fashion-MNIST') returns it",
        "github.com/zalandoresearch/fashion-mnist",
    ),
    "imdb": DataSetSource(
        "50,000 film reviews, as numbers of words", "ai.stanford.edu/~amaas/data/sentiment"
    ),
    "mnist": DataSetSource(
        "70,000 pictures of digits; sklearn.datasets.fetch_openml('mnist_784') returns it",
        "yann.lecun.com/exdb/mnist",
    ),
    "reuters": DataSetSource(
        "11,228 newswires of 46 topics, as numbers of words",
        "www.daviddlewis.com/resources/testcollections/reuters21578",
    ),
}


def unavailable(name: str, function: str) -> Callable[..., NoReturn]:
    """Return a function of a data set that raises the error, whatever its arguments are."""

    def refuse(*arguments: Any, **options: Any) -> NoReturn:
        raise NotImplementedError(f"gru_c.datasets.{name}.{function}: {_advice(name, function)}")

    refuse.__name__ = refuse.__qualname__ = function
    refuse.__doc__ = f"Raise NotImplementedError, which says where to get the data set {name}."
    return refuse


def _advice(name: str, function: str) -> str:
    """Return where to get the data, and how to read them as arrays."""
    content, origin = SOURCES[name]
    place = f"gru_c downloads nothing. The data ({content}) is from {origin}. "
    if function != "load_data":
        return (
            f"{place}Where Keras is installed, save the result of "
            f"keras.datasets.{name}.{function}() with json.dump, and read it with json.load."
        )
    wrap = "np.array({}, object)" if name in ("imdb", "reuters") else "{}"  # lists of lists
    saved = ", ".join(
        f"{array}={wrap.format(array) if array[0] == 'x' else array}"
        for array in ("x_train", "y_train", "x_test", "y_test")
    )
    return (
        f"{place}Where Keras is installed, (x_train, y_train), (x_test, y_test) = "
        f"keras.datasets.{name}.load_data(...) returns it, and np.savez({name + '.npz'!r}, "
        f"{saved}) saves it as arrays; load them here with data = np.load({name + '.npz'!r}, "
        "allow_pickle=True), x_train = data['x_train'] and so on."
    )
