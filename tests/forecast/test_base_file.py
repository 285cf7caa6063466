"""The linear path in the file of a forecaster."""

from dataclasses import replace

import numpy as np
import pytest
from forecasters import NOISY, small

from gru_c.forecast import Forecaster
from gru_c.forecast.base_file import describe_base, read_base


def trained(**changes):
    settings = {"linear": True, "season": (4, 12), "quantiles": (0.1, 0.9), **changes}
    return small(None, 4, **settings).fit(NOISY)


def test_a_file_holds_the_linear_path(tmp_path):
    forecaster = small(None, 4, linear=True, season=(4, 12), quantiles=(0.1, 0.9)).fit(NOISY)
    forecaster.base = replace(forecaster.base, share=0.5, widening=1.2)
    forecaster.save(tmp_path / "f.safetensors")
    loaded = type(forecaster).load(tmp_path / "f.safetensors")
    np.testing.assert_array_equal(loaded.predict(9), forecaster.predict(9))
    assert loaded.choices_ == {**forecaster.choices_, "GRU_share": 0.5}
    assert loaded.choices_["seasons"] == [4, 12]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c, t: t.update({"forecaster/linear/spread": np.zeros((4, 2))}), "does not fit"),
        (lambda c, t: t.update({"forecaster/linear/intercept": np.full(4, np.nan)}), "finite"),
        (lambda c, t: c.update(share=2.0), "share must be"),
        (lambda c, t: c.update(size=0.0), "size must be"),
        (lambda c, t: c.update(is_guess="no"), "is_guess must be"),
    ],
)
def test_damaged_linear_paths_are_refused(change, message):
    content, tensors = describe_base(trained().base)
    assert read_base(content, tensors, (4, 3)) is not None
    change(content, tensors)
    with pytest.raises((ValueError, TypeError), match=message):
        read_base(content, tensors, (4, 3))


def test_a_file_without_a_linear_path_has_none(tmp_path):
    forecaster = trained(linear=False, season=12)
    forecaster.save(tmp_path / "f.safetensors")
    loaded = Forecaster.load(tmp_path / "f.safetensors")
    assert loaded.base is None
    np.testing.assert_array_equal(loaded.predict(9), forecaster.predict(9))
