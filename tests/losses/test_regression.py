"""Losses of regression, by hand."""

import numpy as np
import pytest

from gru_c import losses


@pytest.mark.parametrize("delta", [0, -1, np.nan, np.inf])
def test_huber_delta(delta):
    with pytest.raises(ValueError, match="delta must be a finite number > 0"):
        losses.Huber(delta)
