"""The page that lists which names of Keras gru_c has is up to date."""

import importlib.util
from pathlib import Path

import pytest
from keras_peer import keras

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's own

SCRIPT = Path(__file__).parents[2] / "docs" / "keras_names.py"


def test_the_page_is_what_the_code_gives():
    if keras.__version__ != "3.15.1":
        pytest.skip("the page was written for Keras 3.15.1")
    spec = importlib.util.spec_from_file_location("keras_names", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text() == module.page(), "run python docs/keras_names.py"
