"""The command ``gru-c inspect``."""

from __future__ import annotations

import argparse
from typing import Any

from gru_c.cli.forecast import COVARIATES, describe_panel, names_of
from gru_c.cli.reading import add_columns, add_reading_options, reading_of
from gru_c.forecast.csv_table import read_table
from gru_c.forecast.reading.frame import Roles
from gru_c.forecast.reading.inspection import describe_columns
from gru_c.forecast.reading.source import read_source
from gru_c.forecast.series import read_panel


def add_command(commands: Any) -> None:
    """Add the parser of the command."""
    parser = commands.add_parser(
        "inspect",
        help="say how a file would be read, without training",
        description="Say how gru-c forecast would read a file: its separators, header, numbers "
        "and times, and with --target the series.",
        epilog="example: gru-c inspect data.csv --target demand --time date",
    )
    parser.add_argument("data", metavar="DATA.csv", help="a file, or - for standard input")
    parser.add_argument("--target", help="column to forecast")
    add_columns(parser)
    parser.add_argument("--covariates", type=names_of, default=(), metavar="A,B", help=COVARIATES)
    add_reading_options(parser)
    parser.set_defaults(run=_inspect)


def _inspect(options: argparse.Namespace) -> int:
    reading = reading_of(options)
    source = read_source(options.data, reading)
    time = tuple(options.time or ())
    groups = [] if options.group is None else [options.group]
    named = [*time, *groups, *options.covariates]
    if options.target is not None:
        named = Roles(options.target, time, options.covariates, options.group).names
    described = describe_columns(source, reading, named)
    print("\n".join(described))
    if options.target is None:
        print("\n--target names the column to forecast, and --time the column of times")
        return 0
    table = read_table(source, options.target, time, options.covariates, options.group, reading)
    panel = read_panel(table.series, None, options.covariates)
    notes = [note for note in table.notes[1:] if note not in described]
    lines = [*notes, *describe_panel(panel, options.covariates)]
    print("\nas gru-c forecast reads it:\n" + "\n".join(lines))
    return 0
