"""results.json: the results of a run, from which all tables and plots are made."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from bench.cases import Case, Shape
from bench.summary import summarise

FORMAT = 1
NAME = "results.json"


class ResultsError(Exception):
    """There are no results to read; the message has one line."""


def new(**run: Any) -> dict[str, Any]:
    """Return the results of a run that has not measured anything yet.

    Parameters
    ----------
    run
        Date, command, machine, versions and environment.
    """
    return {
        "format": FORMAT,
        "complete": False,
        **run,
        "labels": {},
        "skipped": [],
        "cases": [],
    }


def save(results: dict[str, Any], folder: Path) -> None:
    """Write results.json with a line for each case; an older file is replaced in one step."""
    rounded = map(_round_samples, results["cases"])
    cases = [{**case, "figures": summarise(case)} for case in rounded]
    lines = ",\n".join(json.dumps(case, default=list) for case in cases)
    head = json.dumps({key: value for key, value in results.items() if key != "cases"}, indent=1)
    text = head.rstrip().removesuffix("}").rstrip() + f',\n "cases": [\n{lines}\n ]\n}}\n'
    partial = folder / (NAME + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, folder / NAME)


def load(folder: Path) -> dict[str, Any]:
    """Read results.json.

    Raises
    ------
    ResultsError
        When there is no such file, or it has another format.
    """
    path = folder / NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResultsError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise ResultsError(f"{path} is not JSON: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ResultsError(f"{path} is not of format {FORMAT}")
    return content


def case_of(record: dict[str, Any]) -> Case:
    """Return the case that a record of results.json belongs to."""
    names = ("what", "workload", "dtype", "threads", "series")
    return Case(shape=Shape(*record["shape"]), **{name: record[name] for name in names})


def _round_samples(case: dict[str, Any]) -> dict[str, Any]:
    """Return a case with samples of six digits; the clock is not more exact."""
    seconds = {
        peer: [float(f"{value:.6g}") for value in values]
        for peer, values in case["seconds"].items()
    }
    peak = [float(f"{value:.6g}") for value in case["peak"]]
    return {**case, "seconds": seconds, "peak": peak}
