"""Errors and intervals of the default Forecaster on series that packages carry.

``python -m bench.forecasts`` forecasts thirteen series from five origins each, refitted, with three
seeds; ``--tuning`` the series on which the defaults were chosen, ``--taylor`` half-hourly loads.
Needs statsmodels, pmdarima, sktime, arch and vega_datasets, and takes ETS, Theta and AutoARIMA from
statsforecast where it is installed.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from bench.forecast_series import TAYLOR, THIRTEEN, TUNING, Case
from gru_c.forecast import Backtest, Forecaster

QUANTILES = (0.05, 0.1, 0.5, 0.9, 0.95)
FOLDS = 5


def measure(case: Case, seed: int) -> dict[str, Any]:
    """Return the errors of one series: MASE by method, coverage, and CPU seconds per fit."""
    series = case.load()
    season = case.period if series.index.dtype.kind == "i" else None
    forecaster = Forecaster(None, case.horizon, quantiles=QUANTILES, season=season, seed=seed)
    before = time.process_time()
    result = forecaster.backtest(series, FOLDS, compare=[] if seed else None)
    seconds = time.process_time() - before
    return {
        "name": case.name,
        "seed": seed,
        "mase": {row["method"]: row["mase"] for row in result.summary()},
        "mae": {row["method"]: row["mae"] for row in result.summary()},
        "inside": _inside(result),
        "seconds": seconds / FOLDS,  # with those of the other methods for the first seed
    }


def _inside(result: Backtest) -> list[float]:
    """Return the shares of the values within the 80 % and the 90 % interval."""
    measured = np.stack([fold.measured for fold in result.folds])
    levels = np.stack([fold.quantiles["GRU"] for fold in result.folds])
    return [
        float(((measured >= levels[..., low]) & (measured <= levels[..., high])).mean())
        for low, high in ((1, 3), (0, 4))
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tuning", action="store_true", help="the series of the tuning")
    parser.add_argument("--taylor", action="store_true", help="half-hourly loads")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", type=Path, help="a JSON file for the results")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    cases = [TAYLOR] if options.taylor else TUNING if options.tuning else THIRTEEN
    rows = []
    for seed in range(options.seeds):
        for case in cases:
            rows.append(measure(case, seed))
            print(_line(rows[-1]), flush=True)
            if options.output is not None:
                options.output.write_text(json.dumps(rows))
    print(f"mean MASE {np.mean([row['mase']['GRU'] for row in rows]):.3f}, inside 80 % and 90 %:")
    print(np.mean([row["inside"] for row in rows], axis=0).round(3))


def _line(row: dict[str, Any]) -> str:
    errors = "  ".join(f"{method} {error:.3f}" for method, error in row["mase"].items())
    inside = " ".join(f"{share:.2f}" for share in row["inside"])
    return f"{row['name']:14} seed {row['seed']}  {errors}  inside {inside}  {row['seconds']:.1f} s"


if __name__ == "__main__":
    main()
