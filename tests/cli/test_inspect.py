"""gru-c inspect: what it prints about a file, and its one-line errors."""

import io
import sys
from types import SimpleNamespace

import pytest

from gru_c import cli

pytest.importorskip("pandas")


def german(hour):
    load = f"{980 + hour:,}".replace(",", ".")
    return f"{10 + hour // 24}.02.2024;{hour % 24:02}:00;{load};Ort {hour % 3}\n"


GERMAN = "Lastdaten\n\nDatum;Zeit;Last;Ort\n;;MW;\n" + "".join(map(german, range(100)))


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Return the name of a file as Excel writes it in German."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "last.csv").write_text(GERMAN, encoding="utf-8-sig")
    return "last.csv"


def run(capsys, *arguments):
    return cli.main(["inspect", *arguments]), *capsys.readouterr()


def test_a_file_is_described_by_its_columns(data, capsys):
    code, printed, error = run(capsys, data)
    assert code == 0, error
    assert printed.splitlines() == [
        "last.csv: 100 rows, 4 columns",
        "UTF-8, columns divided by semicolon",
        "1 row before the header left out, the first is 'Lastdaten'",
        "1 row of units or types left out: MW",
        "  Datum  times: %d.%m.%Y; 2024-02-10 to 2024-02-14; equal steps, 95 rows of a time that "
        "another row has",
        "  Zeit   text: 24 different, such as '00:00', '01:00', '02:00'",
        "  Last   numbers: thousands point, because of '980', which has none; 980 to 1079; none "
        "missing",
        "  Ort    text: 3 different, such as 'Ort 0', 'Ort 1', 'Ort 2'",
        "",
        "--target names the column to forecast, and --time the column of times",
    ]


def test_a_target_shows_the_series(data, capsys):
    code, printed, error = run(capsys, data, "--target", "Last", "--time", "Datum", "Zeit")
    assert code == 0, error
    assert (
        "Datum and Zeit: times of the form %d.%m.%Y %H:%M; 2024-02-10 to 2024-02-14 03:00:00"
        in (printed)
    )
    assert "Last: 100 steps, 980 to 1079, 0 missing; 2024-02-10 to 2024-02-14 03:00:00, freq" in (
        printed
    )


def test_standard_input_is_read_once(monkeypatch, capsys):
    content = io.BytesIO(b"date,load\n" + b"".join(b"2024-01-%02d,5\n" % i for i in range(1, 9)))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=content))
    code, printed, error = run(capsys, "-", "--target", "load", "--time", "date")
    assert code == 0, error
    assert "standard input: 8 rows" in printed
    assert "load: 8 steps, 5 to 5" in printed


@pytest.mark.parametrize(
    ("text", "more", "message"),
    [
        (
            "".join(f"01/{month:02}/2024,5\n" for month in range(1, 13)),
            ["--time", "date"],
            "data.csv, column 'date' can be read as 2024-01-01 to 2024-12-01 (%d/%m/%Y) or "
            "2024-01-01 to 2024-01-12 (%m/%d/%Y): name the right one with --time-format",
        ),
        ("2024-01-01,5,7\n" * 9, [], "a comma is the decimal mark of a number and divides it"),
        ("2024-01-01,5\n", ["--timezone", "UTC"], "--timezone says nothing without --time"),
        ("2024-01-01,x\n", [], "'x' in row 2, column 'load', is not a number"),
    ],
)
def test_what_is_refused_is_a_line_and_a_code(text, more, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text("date,load\n" + text)
    code, _, error = run(capsys, "data.csv", "--target", "load", *more)
    assert code == 1
    assert message in error
    assert error.count("\n") == 1


def test_a_frequency_without_a_target_is_refused(tmp_path, capsys):
    path = tmp_path / "data.csv"
    path.write_text("date,load\n2024-01-01,1\n2024-01-02,2\n", encoding="utf-8")
    assert cli.main(["inspect", str(path), "--frequency", "D"]) != 0
    assert "--frequency says nothing without --target" in capsys.readouterr().err
