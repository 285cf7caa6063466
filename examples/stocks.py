"""Forecast the S&P 500 a day ahead: the price is unpredictable, the size of its change is not.

A GRU reads twenty days: the change of the closing price, its size, and the range between the day's
highest and lowest price (changes are differences of logarithms, in percent). One model forecasts
tomorrow's change, another one its size, the absolute value.

- The model of the change learns nothing useful. Its error is 0.4 % smaller than that of "as today",
  which is less than chance: in 2011 to 2014 it was larger, 10.03 to 10.06 points compared with 9.98
  (ten seeds). In a plot the forecast seems to follow the price, but it only lags a day behind.
- The model of the size is better than three others: the mean of the training years, the exponential
  mean that risk managers use (RiskMetrics, decay 0.94), and a linear regression on the mean range
  of the last day, week and month (F. Corsi, "A Simple Approximate Long-Memory Model of Realized
  Volatility", Journal of Financial Econometrics 7, 2009).

The models learn from 1999 to 2014 and are tested on 2015 to 2018, which were not used for any
choice: the settings were chosen on 2011 to 2014 after learning from the years before.

    python examples/stocks.py

It takes four seconds and saves stocks.png. The mean absolute error of the price, seeds 0 to 19, is
13.41 to 13.46 points, "as today" 13.49; chance alone makes +-0.11. The root mean square error of
the size of the change is 0.557 to 0.561 %, regression 0.572, exponential mean 0.587, the mean
0.691.

Data: 5,031 trading days of the S&P 500, 1999 to 2018, ``arch.data.sp500`` of the package arch
(NCSA licence), which took them from Yahoo Finance. They are read from the installed package. None
of this is financial advice.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gru_c import GRU, Dense, Dropout, Sequential
from gru_c.optimizers import Adam
from gru_c.schedules import CosineDecay

try:
    import arch.data.sp500
    import matplotlib.pyplot as plt
    import pandas as pd
except ImportError as error:
    raise SystemExit(f'{error}: run pip install "gru_c[examples]"') from error

TEST_YEAR = 2015  # the first one
WINDOW = 20  # days that the model sees
MONTH = 22  # trading days
BATCH = 32
COLOR = "#d95f02"


def load() -> pd.DataFrame:
    """Return the days with their price, and change and range in percent."""
    days = arch.data.sp500.load()
    logarithm = 100 * np.log(days)
    return pd.DataFrame(
        {
            "price": days["Close"],
            "change": logarithm["Close"].diff(),
            "range": logarithm["High"] - logarithm["Low"],
        }
    ).iloc[1:]


def forecast(
    days: pd.DataFrame, target: pd.Series, test: np.ndarray, options: argparse.Namespace
) -> np.ndarray:
    """Train on the days before the test days; return forecasts of the target for these."""
    size = np.log(days["change"].abs() + 0.05)
    x = np.column_stack([days["change"], size, np.log(days["range"])])
    x = (x - x[~test].mean(axis=0)) / x[~test].std(axis=0)
    # The inputs known on the evening before each day: (samples, days, features).
    x = sliding_window_view(x, WINDOW, axis=0)[:-1].transpose(0, 2, 1)
    y, test = target.to_numpy()[WINDOW:], test[WINDOW:]
    scale = y[~test].std()

    head = Dense(1, activation="softplus" if y.min() >= 0 else None)
    model = Sequential([GRU(options.units), Dropout(0.2), head], seed=options.seed)
    steps = options.epochs * -(-(~test).sum() // BATCH)
    model.compile(Adam(CosineDecay(0.003, steps), global_clipnorm=1.0), loss="mse")
    model.fit(x[~test], y[~test] / scale, batch_size=BATCH, epochs=options.epochs, verbose=0)
    return scale * model.predict(x[test], verbose=0)[:, 0]


def regression(days: pd.DataFrame, size: pd.Series, test: np.ndarray) -> np.ndarray:
    """Return forecasts of the sizes by least squares from the ranges of the days before."""
    means = [days["range"].rolling(length).mean().shift(1) for length in (1, 5, MONTH)]
    x = np.column_stack([np.ones(len(days)), *means])
    learnt = ~test & np.isfinite(x).all(axis=1)
    return x[test] @ np.linalg.lstsq(x[learnt], size[learnt], rcond=None)[0]


def size_forecasts(
    days: pd.DataFrame, test: np.ndarray, options: argparse.Namespace
) -> dict[str, np.ndarray]:
    """Return forecasts of the size of the change on the test days, by name."""
    size = days["change"].abs()
    return {
        "GRU": forecast(days, size, test, options),
        "regression": regression(days, size, test),
        "exponential mean": size.ewm(alpha=0.06).mean().shift(1)[test].to_numpy(),
        "mean of training": np.full(test.sum(), size[~test].mean()),
    }


def plot(sizes: pd.Series, forecasts: dict[str, np.ndarray], path: str) -> None:
    """Save a plot of the sizes of the changes and of their forecasts."""
    plt.rcParams.update({"font.size": 12, "axes.spines.top": False, "axes.spines.right": False})
    figure, axes = plt.subplots(figsize=(11, 4.2), layout="constrained")
    axes.set_title(
        "Size of the S&P 500's daily change, %, and the forecast of the day before", loc="left"
    )
    axes.bar(sizes.index, sizes, width=1.5, color="0.75", label="measured")
    axes.plot(sizes.index, forecasts["GRU"], color=COLOR, linewidth=1.5, label="GRU")
    axes.axhline(
        forecasts["mean of training"][0], color="0.3", linestyle="--", label="mean of 1999 to 2014"
    )
    axes.legend(frameon=False, loc="upper center", ncols=3)
    axes.set_xlim(sizes.index[0], sizes.index[-1])
    figure.savefig(path, dpi=90)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Train, print the errors, save the plot, and return the errors."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=10, help="10 by default")
    parser.add_argument("--seed", type=int, default=0, help="0 by default")
    parser.add_argument("--units", type=int, default=32, help="of each GRU, 32 by default")
    parser.add_argument("--plot", default="stocks.png", metavar="PATH", help="stocks.png")
    options = parser.parse_args(arguments)

    days = load()
    test = np.asarray(days.index.year >= TEST_YEAR)
    change = days["change"]
    today = days["price"].shift(1)[test]
    expected = forecast(days, change, test, options)
    prices = {"GRU, price": today * np.exp(expected / 100), "as today": today}
    missed = {name: (value - days["price"][test]).abs() for name, value in prices.items()}
    errors = {name: values.mean() for name, values in missed.items()}
    print(f"Tomorrow's price, mean absolute error, {test.sum()} days from {TEST_YEAR} on:")
    for name, error in errors.items():
        print(f"  {name:17} {error:.2f} points")
    gain = missed["as today"] - missed["GRU, price"]
    chance = gain.std() / np.sqrt(len(gain))  # standard error of the mean
    print(f"  The GRU's is {gain.mean():+.2f} smaller, of which chance makes +-{2 * chance:.2f}.")

    sizes = size_forecasts(days, test, options)
    print("Size of tomorrow's change, root mean square error:")
    for name, values in sizes.items():
        errors[name] = np.sqrt(np.mean((values - change[test].abs()) ** 2))
        print(f"  {name:17} {errors[name]:.3f} %")
    plot(change[test].abs(), sizes, options.plot)
    return {name: float(error) for name, error in errors.items()}


if __name__ == "__main__":
    main()
