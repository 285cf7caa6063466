"""The options of commands that read a file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from gru_c.forecast.reading.frame import Roles
from gru_c.forecast.reading.options import DUPLICATES, ReadingOptions

_MOST_TIMES = 6  # columns that hold a time together: year, month, day, hour, minute, second


def add_columns(parser: argparse.ArgumentParser, time: str = "", group: str = "") -> None:
    """Add the options that name the columns; `time` and `group` end their help."""
    parser.add_argument(
        "--time",
        nargs="+",
        action="extend",
        metavar="NAME",
        help="column of times, or several that hold a time together, such as a date and a time "
        f"of day{time}",
    )
    parser.add_argument("--group", help=f"column that names several series{group}")


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the columns beside the target, and say which series to use."""
    parser.add_argument(
        "--covariates",
        type=_names,
        default=(),
        metavar="A,B",
        help="columns known ahead; the steps of the last rows, which have no target, are forecast",
    )
    parser.add_argument(
        "--past-covariates",
        type=_names,
        default=(),
        metavar="A,B",
        help="columns known only in the past",
    )
    parser.add_argument(
        "--static",
        type=_names,
        default=(),
        metavar="A,B",
        help="columns of numbers or categories that are the same in all rows of a group",
    )
    add_skip_bad(parser)


def add_skip_bad(parser: argparse.ArgumentParser) -> None:
    """Add the option that leaves out series."""
    parser.add_argument(
        "--skip-bad",
        action="store_true",
        help="leave out the groups that cannot be used, and name them; default: an error",
    )


def roles_of(options: argparse.Namespace) -> Roles:
    """Return the columns that the options of `add_columns` and `add_inputs` name."""
    return Roles(
        options.target,
        tuple(options.time or ()),
        options.covariates,
        options.group,
        options.past_covariates,
        options.static,
        options.skip_bad,
    )


def _names(text: str) -> tuple[str, ...]:
    """Return the names in a text that commas divide."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how to read a file; by default the file itself shows it."""
    group = parser.add_argument_group(
        "how to read the file",
        "By default the file itself shows this. What has two readings is refused.",
    )
    group.add_argument("--encoding", help="such as cp1252; default: UTF-8, or by its first bytes")
    group.add_argument("--separator", metavar="C", help="a character, or tab or space")
    group.add_argument(
        "--decimal", choices=(".", ","), metavar="MARK", help="decimal mark: a point or a comma"
    )
    group.add_argument(
        "--thousands",
        choices=(".", ",", " ", "'", ""),
        metavar="MARK",
        help="thousands mark: a point, a comma, a space or an apostrophe; '' for none",
    )
    group.add_argument(
        "--na",
        action="append",
        default=[],
        metavar="TEXT",
        help="text that stands for a missing number, as in --na=-999; may be given again",
    )
    group.add_argument("--time-format", metavar="FORMAT", help="such as '%%d.%%m.%%Y %%H:%%M'")
    group.add_argument("--timezone", metavar="ZONE", help="of local times, such as Europe/Berlin")
    group.add_argument(
        "--skip-rows", type=_lines, default=0, metavar="N", help="lines before the header to skip"
    )
    group.add_argument(
        "--no-header", action="store_true", help="columns are called 1, 2, ... and have no header"
    )
    group.add_argument("--frequency", metavar="F", help="of the times, in pandas's words: h, D, MS")
    group.add_argument(
        "--duplicates", choices=DUPLICATES, default="error", help="rows of one time; default: error"
    )


def reading_of(options: argparse.Namespace) -> ReadingOptions:
    """Return the options of `add_reading_options`."""
    return ReadingOptions(
        encoding=options.encoding,
        separator=options.separator,
        decimal=options.decimal,
        thousands=options.thousands,
        missing=tuple(options.na),
        time_format=options.time_format,
        timezone=options.timezone,
        skip_rows=options.skip_rows,
        header=not options.no_header,
        frequency=options.frequency,
        duplicates=options.duplicates,
    )


def _lines(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"wanted a number of lines, got {text!r}")
    return int(text)


def divide_times(arguments: Sequence[str]) -> list[str]:
    """Return arguments in which ``--time A B data.csv`` is ``--time=A --time=B data.csv``.

    Without this the parser would take a file after the columns for another column.
    """
    result: list[str] = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument != "--time":
            result.append(argument)
            continue
        count = 0
        while rest and count < _MOST_TIMES and not _ends_times(rest[0], count):
            result.append(f"--time={rest.pop(0)}")
            count += 1
        if not count:
            result.append(argument)
    return result


def _ends_times(argument: str, count: int) -> bool:
    """Return True for an option, standard input, or a file after the first column."""
    is_option = argument.startswith("-")
    return is_option or (count > 0 and ("/" in argument or Path(argument).is_file()))
