"""The command ``gru-c``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from gru_c._version import __version__
from gru_c.layers import GRU, Dense
from gru_c.models.sequential import Sequential
from gru_c.runtime.config import show_config

_DEMO = """\
A stacked GRU learns a regression: 100 random sequences of 10 steps x 8 features,
two layers of 50 units and a Dense(1), {epochs} epochs of Adam on the mean squared error.
"""


# Exit codes with which a shell reports a program that SIGINT or SIGPIPE has ended.
_INTERRUPTED = 128 + 2
_PIPE_CLOSED = 128 + 13


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    try:
        return _run(arguments)
    except BrokenPipeError:  # the reader of the output, such as `head`, has ended
        _discard_output()
        return _PIPE_CLOSED


def _run(arguments: Sequence[str] | None) -> int:
    """Run the command, flush its output, and return its exit code."""
    try:
        try:
            given = sys.argv[1:] if arguments is None else arguments
            options = _options(given)
            code = int(options.run(options))
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # an error at exit could not be reported any more
        return code
    except BrokenPipeError:
        raise
    except (ValueError, TypeError, ArithmeticError, MemoryError, OSError, ImportError) as error:
        words = " ".join(str(error).split()) or type(error).__name__  # one line
        print(f"gru-c: error: {words}", file=sys.stderr)
        if isinstance(error, OSError):
            _discard_output()  # the disk may be full
        return 1
    except KeyboardInterrupt:
        print("gru-c: interrupted", file=sys.stderr)
        return _INTERRUPTED


def _discard_output() -> None:
    """Discard output that could not be written, so that Python does not try again at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _options(given: Sequence[str]) -> argparse.Namespace:
    """Parse the arguments; `demo` and `info` do not import what the other commands need."""
    if given and given[0] in ("demo", "info"):
        return _parser()[0].parse_args(given)
    from gru_c.cli import bench, forecast, inspect
    from gru_c.cli.reading import divide_times

    parser, commands = _parser()
    inspect.add_command(commands)
    forecast.add_commands(commands, _positive)
    bench.add_command(commands, _positive)
    return parser.parse_args(divide_times(given))


def _parser() -> tuple[argparse.ArgumentParser, argparse._SubParsersAction[Any]]:
    """Return the parser with two of the commands, and the object to which others are added."""
    parser = argparse.ArgumentParser(
        prog="gru-c", description="Gated recurrent unit networks for NumPy."
    )
    parser.add_argument("--version", action="version", version=f"gru_c {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    demo = commands.add_parser(
        "demo",
        help="train the stacked regression of the Keras tutorial",
        description="Train the stacked regression of the Keras tutorial.",
        epilog="example: gru-c demo --epochs 20 --seed 1",
    )
    demo.add_argument("--epochs", type=_positive, default=10, help="default: 10")
    demo.add_argument("--seed", type=int, default=0, help="of data and weights; default: 0")
    demo.set_defaults(run=_demo)
    info = commands.add_parser(
        "info",
        help="show version, instruction set, BLAS and threads",
        description="Show version, instruction set, BLAS and threads.",
        epilog="example: gru-c info",
    )
    info.set_defaults(run=_info)
    return parser, commands


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"wanted a whole number of at least 1, got {text!r}")
    return int(text)


def _demo(options: argparse.Namespace) -> int:
    print(_DEMO.format(epochs=options.epochs))
    rng = np.random.default_rng(abs(options.seed))
    X, y = rng.standard_normal((100, 10, 8)), rng.standard_normal(100)
    model = Sequential(name="demo", seed=abs(options.seed))
    model.add(GRU(50, input_shape=(10, 8), return_sequences=True))
    model.add(GRU(50))
    model.add(Dense(1))
    model.compile(optimizer="adam", loss="mse")
    model.summary()
    print()
    start = time.perf_counter()
    history = model.fit(X, y, epochs=options.epochs, verbose=1)
    if history.interrupted:
        raise KeyboardInterrupt
    seconds = time.perf_counter() - start
    for epoch, loss in zip(history.epoch, history.history["loss"], strict=True):
        print(f"epoch {epoch + 1:3}  loss {loss:.4f}")
    predicted = np.asarray(model.predict(rng.standard_normal((1, 10, 8)), verbose=0))
    print(f"\n{options.epochs} epochs in {seconds:.3f} s")
    print(f"prediction for one new sequence: {predicted[0, 0]:.4f}")
    return 0


def _info(options: argparse.Namespace) -> int:
    show_config()
    return 0
