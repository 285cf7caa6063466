"""The command ``gru-c inspect``."""

from __future__ import annotations

import argparse
from typing import Any

from gru_c.cli.forecast import describe_table
from gru_c.cli.reading import add_columns, add_inputs, add_reading_options, reading_of, roles_of
from gru_c.forecast.csv_table import read_roles
from gru_c.forecast.reading.inspection import describe_columns
from gru_c.forecast.reading.source import read_source


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
    add_inputs(parser)
    add_reading_options(parser)
    parser.set_defaults(run=_inspect)


def _inspect(options: argparse.Namespace) -> int:
    reading = reading_of(options)
    if reading.frequency is not None and options.target is None:
        raise ValueError("--frequency says nothing without --target and --time")
    source = read_source(options.data, reading)
    roles = roles_of(options)
    named = [name for name in roles.names if name is not None]
    described = describe_columns(source, reading, named)
    print("\n".join(described))
    if options.target is None:
        print("\n--target names the column to forecast, and --time the column of times")
        return 0
    lines = describe_table(read_roles(source, roles, reading), roles)[1:]
    new = [line for line in lines if line not in described]
    print("\nas gru-c forecast reads it:\n" + "\n".join(new))
    return 0
