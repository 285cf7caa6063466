"""The version of gru_c."""

import importlib.metadata
import re
from pathlib import Path

import gru_c
from gru_c._version import __version__


def test_the_version_has_three_numbers_and_is_that_of_the_package():
    assert re.fullmatch(r"\d+\.\d+\.\d+([a-z]+\d+)?", __version__)
    assert gru_c.__version__ == __version__


def test_the_version_is_in_the_metadata_that_the_build_wrote():
    assert importlib.metadata.version("gru_c") == __version__


def test_the_citation_has_the_version():
    root = Path(__file__).parents[1]
    lines = (root / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert f"version: {__version__}" in lines
