"""The steps ahead: their covariates, and forecasts in the form of the series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.optional import require
from gru_c.forecast.covariates import known_rows, of_series
from gru_c.forecast.panel import Panel
from gru_c.forecast.series import Series, is_frame


def with_future(
    item: Series, covariates: Any, names: Sequence[str], steps: int, count: int
) -> Series:
    """Return a series with the covariates of the steps ahead added to its own.

    `covariates` has a row for each step ahead, or for each step of the series and ahead; or it is a
    dict of such by the names of the series. `count` is the number of covariates that the model
    wants.
    """
    covariates, times = of_series("covariates", covariates, item.name), item.after(steps)
    if not (is_frame(covariates) and times is not None):
        covariates = covariates if is_frame(covariates) else np.atleast_1d(covariates)
        covariates = covariates[-steps:]
    rows = known_rows(covariates, names, times, steps)
    if rows.shape[1] != count:
        raise ValueError(f"the model has {count} covariates, got {rows.shape[1]}")
    return replace(item, covariates=np.concatenate([item.covariates[: len(item)], rows]))


def forecast_form(panel: Panel, forecasts: Array, quantiles: Sequence[float] | None) -> Any:
    """Return forecasts (series, steps) or (series, steps, quantiles) in the form of the series."""
    if panel.form == "frame":
        return _frame(panel, forecasts, quantiles)
    each = [
        _single(item, y, quantiles, panel) for item, y in zip(panel.series, forecasts, strict=True)
    ]
    if panel.form == "dict":
        return {item.name: y for item, y in zip(panel.series, each, strict=True)}
    if panel.form == "columns":
        return np.stack(_in_places(panel, each), axis=1)
    return _in_places(panel, each) if panel.form == "list" else each[0]


def _in_places(panel: Panel, each: list[Any]) -> list[Any]:
    """Return the forecasts in the order of the series given; NaN for those that were left out.

    The names of the series are their numbers.
    """
    missing = np.full(np.shape(each[0]), np.nan)
    places = {int(item.name): y for item, y in zip(panel.series, each, strict=True)}
    return [places.get(i, missing) for i in range(len(each) + len(panel.skipped))]


def _single(item: Series, y: Array, quantiles: Sequence[float] | None, panel: Panel) -> Any:
    if item.index is None and panel.form != "series":
        return y
    pandas = require("pandas", "pandas")
    index = future_index(item, len(y))
    if quantiles is None:
        return pandas.Series(y, index, name=item.name)
    return pandas.DataFrame(y, index, columns=list(quantiles))


def _frame(panel: Panel, forecasts: Array, quantiles: Sequence[float] | None) -> Any:
    pandas = require("pandas", "pandas")
    names = [item.name for item in panel.series]
    index = future_index(panel.series[0], forecasts.shape[1])
    if quantiles is None:
        return pandas.DataFrame(forecasts.T, index, columns=names)
    columns = pandas.MultiIndex.from_product([names, quantiles], names=["series", "quantile"])
    return pandas.DataFrame(np.swapaxes(forecasts, 0, 1).reshape(len(index), -1), index, columns)


def future_index(item: Series, steps: int) -> Any:
    """Return the times of the steps ahead; without times, their numbers from 1."""
    if item.index is not None:
        return item.after(steps)
    return require("pandas", "pandas").RangeIndex(1, steps + 1, name="step")
