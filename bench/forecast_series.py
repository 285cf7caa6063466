"""The series of bench.forecasts, from data of packages: thirteen to measure, others to tune on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pmdarima.datasets
import sktime.datasets
import statsmodels.api as sm
from arch.data import core_cpi, vix, wti
from vega_datasets import local_data


@dataclass(frozen=True)
class Case:
    """A series with the number of steps to forecast; `period` is its season, 0 for none."""

    name: str
    horizon: int
    period: int
    load: Callable[[], pd.Series]


def _monthly(values: Any, start: str) -> pd.Series:
    return _indexed(values, start, "MS")


def _indexed(values: Any, start: str, freq: str) -> pd.Series:
    array = np.asarray(values, np.float64)
    array = array[~np.isnan(array)]  # one is missing at the end of ausbeer
    return pd.Series(array, pd.date_range(start, periods=len(array), freq=freq, unit="s"))


def _macro(column: str) -> Callable[[], pd.Series]:
    return lambda: _indexed(sm.datasets.macrodata.load_pandas().data[column], "1959-01-01", "QS")


def _co2() -> pd.Series:
    weekly = sm.datasets.co2.load_pandas().data["co2"]
    return weekly.resample("MS").mean().ffill()


def _elnino() -> pd.Series:
    frame = sm.datasets.elnino.load_pandas().data
    return _monthly(frame.iloc[:, 1:].to_numpy().reshape(-1), "1950-01-01")


def _yearly(values: Any, first: int) -> pd.Series:
    return _indexed(values, f"{first}-01-01", "YS")


def _pmdarima(name: str, start: str, freq: str) -> Callable[[], pd.Series]:
    return lambda: _indexed(getattr(pmdarima.datasets, f"load_{name}")(), start, freq)


def _employment(column: str) -> Callable[[], pd.Series]:
    return lambda: _monthly(local_data.us_employment()[column], "2006-01-01")


def _stock(symbol: str) -> Callable[[], pd.Series]:
    def load() -> pd.Series:
        frame = local_data.stocks()
        return _monthly(frame.loc[frame["symbol"] == symbol, "price"], "2000-01-01")

    return load


def _plain(load: Callable[[], Any]) -> Callable[[], pd.Series]:
    """Return a loader of a series without times."""
    return lambda: pd.Series(np.asarray(load(), np.float64)).dropna().reset_index(drop=True)


THIRTEEN = [
    Case("co2", 12, 12, _co2),
    Case("elnino", 12, 12, _elnino),
    Case("GDP", 8, 4, _macro("realgdp")),
    Case("inflation", 8, 4, _macro("infl")),
    Case("nile", 6, 0, lambda: _yearly(sm.datasets.nile.load_pandas().data["volume"], 1871)),
    Case(
        "sunspots",
        6,
        0,
        lambda: _yearly(sm.datasets.sunspots.load_pandas().data["SUNACTIVITY"], 1700),
    ),
    Case("airpassengers", 12, 12, _pmdarima("airpassengers", "1949-01-01", "MS")),
    Case("wineind", 12, 12, _pmdarima("wineind", "1980-01-01", "MS")),
    Case("lynx", 6, 0, _pmdarima("lynx", "1821-01-01", "YS")),
    Case("woolyrnq", 8, 4, _pmdarima("woolyrnq", "1965-01-01", "QS")),
    Case("ausbeer", 8, 4, _pmdarima("ausbeer", "1956-01-01", "QS")),
    Case(
        "Seattle",
        14,
        7,
        lambda: _indexed(local_data.seattle_weather()["temp_max"], "2012-01-01", "D"),
    ),
    Case("shampoo", 3, 12, lambda: _monthly(sktime.datasets.load_shampoo_sales(), "1991-01-01")),
]

TUNING = [
    Case("austres", 8, 4, _pmdarima("austres", "1971-04-01", "QS")),
    Case("heartrate", 12, 0, _plain(pmdarima.datasets.load_heartrate)),
    Case("PBS", 12, 12, lambda: _monthly(sktime.datasets.load_PBS_dataset(), "1991-07-01")),
    Case("unemployment", 8, 4, _macro("unemp")),
    Case("tbill", 8, 4, _macro("tbilrate")),
    Case("investment", 8, 4, _macro("realinv")),
    Case(
        "German prices",
        8,
        4,
        lambda: _indexed(
            sm.datasets.interest_inflation.load_pandas().data["Dp"], "1972-04-01", "QS"
        ),
    ),
    Case(
        "Danish money",
        4,
        4,
        lambda: _indexed(sm.datasets.danish_data.load_pandas().data["lrm"], "1974-01-01", "QS"),
    ),
    Case("construction", 12, 12, _employment("construction")),
    Case("retail", 12, 12, _employment("retail_trade")),
    Case("employment", 12, 12, _employment("nonfarm_change")),
    Case("Amazon", 12, 12, _stock("AMZN")),
    Case(
        "core prices",
        12,
        12,
        lambda: _monthly(np.diff(np.log(core_cpi.load().to_numpy()[:, 0]))[-400:], "1985-08-01"),
    ),
    Case("oil", 10, 0, _plain(lambda: wti.load().dropna().to_numpy()[-1000:, 0])),
    Case("VIX", 10, 0, _plain(lambda: vix.load().dropna().to_numpy()[-1000:, 0])),
    Case(
        "San Francisco",
        24,
        24,
        lambda: _indexed(local_data.sf_temps()["temp"].iloc[:2000], "2010-01-01", "h"),
    ),
    Case(
        "consumption",
        8,
        4,
        lambda: _indexed(
            sktime.datasets.load_uschange()[0].to_numpy().reshape(-1)[:187], "1970-01-01", "QS"
        ),
    ),
]

TAYLOR = Case("Taylor", 48, 48, _pmdarima("taylor", "2000-06-05", "30min"))
