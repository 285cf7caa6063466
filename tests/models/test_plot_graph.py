"""Graphs as pictures."""

import pytest
from graph_models import two_outputs

from gru_c.utils import plot_model


def test_a_graph_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    for rankdir in ("TB", "LR"):
        path = tmp_path / f"{rankdir}.svg"
        plot_model(two_outputs(), path, show_shapes=True, show_layer_names=True, rankdir=rankdir)
        assert path.stat().st_size > 1000
