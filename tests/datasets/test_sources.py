"""The data sets of ``keras.datasets``."""

import importlib

import pytest

from gru_c import datasets


@pytest.mark.parametrize("name", datasets.__all__)
def test_each_function_says_where_the_data_can_be_had(name):
    module = importlib.import_module(f"gru_c.datasets.{name}")
    assert getattr(datasets, name) is module
    functions = [key for key in vars(module) if key.startswith(("load_", "get_"))]
    assert "load_data" in functions
    for function in functions:
        with pytest.raises(NotImplementedError, match="downloads nothing") as raised:
            getattr(module, function)("any", num_words=3)
        assert f"keras.datasets.{name}.{function}(" in str(raised.value)


def test_the_data_sets_are_those_of_keras():
    assert {"imdb", "reuters", "mnist", "boston_housing"} <= set(datasets.__all__)
    assert hasattr(datasets.imdb, "get_word_index")
    assert hasattr(datasets.reuters, "get_label_names")


def test_the_lines_of_the_advice_bring_lists_of_lists_in(tmp_path, monkeypatch):
    import numpy as np

    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotImplementedError) as raised:
        datasets.imdb.load_data()
    save = str(raised.value).partition("and np.savez(")[2].partition(") saves it")[0]
    names = {"x_train": [[1], [2, 3]], "y_train": [0, 1], "x_test": [[4, 5]], "y_test": [1]}
    eval(f"np.savez({save})", {"np": np, **names})  # the message's own words
    with np.load("imdb.npz", allow_pickle=True) as data:
        assert data["x_train"].tolist() == names["x_train"]
