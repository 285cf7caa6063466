"""What needs a forecaster that has been trained."""

import pytest
from forecasters import NOISY, small


@pytest.mark.parametrize("method", ["plot", "chart"])
def test_pictures_need_a_trained_forecaster(method):
    with pytest.raises(ValueError, match=f"{method} needs a forecaster that has been trained"):
        getattr(small(), method)()
    with pytest.raises(ValueError, match="past must be"):
        getattr(small().fit(NOISY), method)(past=0)
