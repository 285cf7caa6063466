"""The table of layer classes by name, and layers from their descriptions in it."""

import pytest

from gru_c import Dense, GRUCell, layers
from gru_c.common.registry import serialize
from gru_c.layers.base.layer_table import CELLS, LAYERS, LayerTable, cell_of, layer_of


def test_a_class_of_a_module_is_imported_when_it_is_asked_for(tmp_path, monkeypatch):
    (tmp_path / "late_layers.py").write_text("class Late:\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    table = LayerTable({"Late": "late_layers", "Never": "no_such_module"})
    table.add([Dense])
    assert sorted(table) == ["Dense", "Late", "Never"]
    assert len(table) == 3
    assert table["Dense"] is Dense
    assert table["Late"].__name__ == "Late"
    assert table["Late"] is table["Late"]
    with pytest.raises(KeyError):
        table["Other"]


def test_every_public_layer_is_in_the_table_under_its_name():
    assert LAYERS["Dense"] is Dense
    assert LAYERS["StringLookup"] is layers.StringLookup
    for name in LAYERS:
        assert LAYERS[name].__name__ == name


def test_layers_and_cells_are_made_from_their_descriptions():
    dense, cell = Dense(3, "tanh", name="a"), GRUCell(4)
    again = layer_of(serialize(dense))
    assert type(again) is Dense
    assert again.get_config() == dense.get_config()
    assert layer_of(dense) is dense
    assert cell_of(serialize(cell)).units == 4
    assert "GRUCell" in CELLS


@pytest.mark.parametrize("spec", [{"class_name": "os.system", "config": {}}, 3, None])
def test_other_descriptions_are_refused(spec):
    with pytest.raises((ValueError, TypeError), match="layer"):
        layer_of(spec)
