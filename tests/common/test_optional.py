"""Optional packages are imported on first use, or the message says how to install them."""

import math
import sys

import pytest

from gru_c.common.optional import require


def test_an_installed_module_is_returned():
    assert require("math", "nothing") is math
    assert require("os.path", "nothing") is sys.modules["os.path"]


def test_a_package_that_is_not_installed_is_named_with_its_extra():
    with pytest.raises(ImportError, match=r'needs no_such_package, .* "gru_c\[torch\]"') as raised:
        require("no_such_package.part", "torch")
    assert raised.value.name == "no_such_package"


def test_a_module_that_an_installed_package_lacks_keeps_its_own_error(tmp_path, monkeypatch):
    (tmp_path / "half_installed.py").write_text("import no_such_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_dependency'"):
        require("half_installed", "torch")
