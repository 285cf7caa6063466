"""The options of commands that read a file."""

import argparse

import pytest

from gru_c.cli.reading import add_columns, add_reading_options, divide_times, reading_of
from gru_c.forecast.reading.options import ReadingOptions


def parse(*arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    add_columns(parser)
    add_reading_options(parser)
    return parser.parse_args(divide_times(arguments))


def test_without_options_the_file_shows_everything():
    assert reading_of(parse("data.csv")) == ReadingOptions()


def test_each_option_is_honoured():
    options = parse(
        *("data.csv", "--encoding", "cp1252", "--separator", ";", "--decimal", ","),
        *("--thousands", ".", "--na=-999", "--na", "n/v", "--time-format", "%d.%m.%Y"),
        *("--timezone", "Europe/Berlin", "--skip-rows", "2", "--no-header"),
        *("--frequency", "h", "--duplicates", "mean"),
    )
    assert reading_of(options) == ReadingOptions(
        encoding="cp1252",
        separator=";",
        decimal=",",
        thousands=".",
        missing=("-999", "n/v"),
        time_format="%d.%m.%Y",
        timezone="Europe/Berlin",
        skip_rows=2,
        header=False,
        frequency="h",
        duplicates="mean",
    )


@pytest.mark.parametrize(
    ("arguments", "time"),
    [
        (["data.csv", "--time", "date"], ["date"]),
        (["data.csv", "--time", "date", "clock"], ["date", "clock"]),
        (["data.csv", "--time", "year", "month", "day", "--group", "x"], ["year", "month", "day"]),
        (["--time", "date", "data.csv"], ["date"]),
        (["--time", "date", "clock", "data.csv"], ["date", "clock"]),
        (["--time", "date", "data/new.csv"], ["date"]),
        (["--time=date", "data.csv"], ["date"]),
    ],
)
def test_a_file_may_follow_the_columns_of_times(arguments, time, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text("a\n1\n")
    options = parse(*arguments)
    assert options.time == time
    assert options.data in ("data.csv", "data/new.csv")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--skip-rows", "x"], "wanted a number of lines, got 'x'"),
        (["--decimal", ";"], "invalid choice: ';'"),
        (["--duplicates", "first"], "invalid choice: 'first'"),
        (["--time"], "expected at least one argument"),
    ],
)
def test_options_that_are_refused(arguments, message, capsys):
    with pytest.raises(SystemExit):
        parse("data.csv", *arguments)
    assert message in capsys.readouterr().err
