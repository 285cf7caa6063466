"""The text of files, standard input, and the cells of Parquet and Excel files."""

import io
import sys
from types import SimpleNamespace

import pytest

from gru_c.forecast.reading.options import ReadingOptions
from gru_c.forecast.reading.source import read_source

PLAIN = ReadingOptions()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_marks_of_byte_order_name_the_encoding(encoding, tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes("größe\n1\n".encode(encoding))
    assert read_source(path, PLAIN).text == "größe\n1\n"


def test_other_encodings_are_named(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes("a\ngröße\n".encode("cp1252"))
    with pytest.raises(ValueError, match="byte 0xf6 in line 2; name its --encoding"):
        read_source(path, PLAIN)
    assert "größe" in read_source(path, ReadingOptions(encoding="cp1252")).text
    with pytest.raises(ValueError, match="has no encoding 'cp99999'"):
        read_source(path, ReadingOptions(encoding="cp99999"))
    path.write_bytes("a\n1\n".encode("utf-16-le"))
    with pytest.raises(ValueError, match=r"zero byte in line 1.* utf-16-le"):
        read_source(path, PLAIN)


def test_files_that_are_not_there_or_empty(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_source(tmp_path / "data.csv", PLAIN)
    (tmp_path / "data.csv").write_text("\n \n")
    with pytest.raises(ValueError, match="it is empty"):
        read_source(tmp_path / "data.csv", PLAIN)


def test_lines_of_old_computers(tmp_path):
    (tmp_path / "data.csv").write_bytes(b"a,b\r1,2\r")
    assert read_source(tmp_path / "data.csv", PLAIN).text == "a,b\n1,2\n"


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"a,b\n1,2\n")))
    source = read_source("-", PLAIN)
    assert (source.name, source.text) == ("standard input", "a,b\n1,2\n")


def frame():
    pd = pytest.importorskip("pandas")
    times = pd.date_range("2024-10-26", periods=4, freq="D", tz="Europe/Berlin", name="time")
    return pd.DataFrame({"load": [1.5, 2.0, None, 4.25], "id": ["01", "1", "2", "3"]}, index=times)


def test_cells_of_a_parquet_file(tmp_path, monkeypatch):
    pd = pytest.importorskip("pandas")
    monkeypatch.setattr(pd, "read_parquet", lambda path: frame())
    (tmp_path / "data.parquet").write_bytes(b"PAR1")
    source = read_source(tmp_path / "data.parquet", PLAIN)
    assert source.cells[0] == ["time", "load", "id"]
    assert source.cells[2] == ["2024-10-27T00:00:00+02:00", "2", "1"]
    assert source.cells[3][1] == ""
    assert source.zone == "Europe/Berlin"
    with pytest.raises(ValueError, match="is not a text file: --decimal says nothing about it"):
        read_source(tmp_path / "data.parquet", ReadingOptions(decimal=","))


def test_cells_of_an_excel_file(tmp_path, monkeypatch):
    pd = pytest.importorskip("pandas")
    rows = [["time", "load"], [pd.Timestamp("2024-01-01 12:00"), 1.395], [None, 985]]
    monkeypatch.setattr(
        pd, "read_excel", lambda path, header, dtype: pd.DataFrame(rows, dtype=object)
    )
    (tmp_path / "data.xlsx").write_bytes(b"PK\x03\x04")
    source = read_source(tmp_path / "data.xlsx", PLAIN)
    assert source.cells == [["time", "load"], ["2024-01-01T12:00:00", "1.395"], ["", "985"]]


@pytest.mark.parametrize("engine", ["pyarrow", "openpyxl"])
def test_files_that_pandas_writes(engine, tmp_path):
    pytest.importorskip(engine)
    data = frame()
    if engine == "pyarrow":
        data.to_parquet(tmp_path / "data")
    else:
        data.tz_localize(None).to_excel(tmp_path / "data.xlsx")
        (tmp_path / "data.xlsx").rename(tmp_path / "data")
    cells = read_source(tmp_path / "data", PLAIN).cells
    assert cells[0] == ["time", "load", "id"]
    assert cells[1][1:] == ["1.5", "01"]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"PK\x03\x04" + bytes(99), "is not an Excel file"), (b"\x1f\x8b" + bytes(99), "unpack it")],
)
def test_compressed_files_are_refused(content, words, tmp_path):
    pytest.importorskip("pandas")
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        read_source(path, PLAIN)
