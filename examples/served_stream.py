"""Serve a trained model to clients that send one value at a time.

A GRU learns to forecast, at every half-hour, the electricity demand of England and Wales in the
next half-hour. A server on this machine gives each connection its own stream (`model.stream()`):
the client sends a value and a line end, and gets the forecast before it sends the next value.
Streams share the weights, but not the states, so clients do not disturb each other. The forecasts
are those of `predict`, to the bit.

    python examples/served_stream.py

It trains, serves three clients that send the last two weeks, which were not used for training, and
stops. It takes seven seconds. The mean absolute error for the next half-hour's demand is 186 to 202
MW (seeds 0 to 4), that of the forecast "as now" 652 MW. A client waits 76 us for a forecast in the
median, nearly all of it for asyncio and the sockets: the model's step takes 0.7 us.

Data: half-hourly demand in megawatts, 5 June to 27 August 2000, ``load_taylor`` of the package
pmdarima (MIT licence), which has it from the R package forecast. It was provided by J. W. Taylor:
"Short-term electricity demand forecasting using double seasonal exponential smoothing", Journal of
the Operational Research Society 54, 2003.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gru_c import GRU, Dense, Sequential
from gru_c.optimizers import Adam
from gru_c.schedules import CosineDecay

try:
    from pmdarima.datasets import load_taylor
except ImportError as error:
    raise SystemExit(f'{error}: run pip install "gru_c[examples]"') from error

WEEK = 7 * 48  # half-hours
HELD_OUT = 2 * WEEK  # the last two weeks
WINDOW = 96  # half-hours in a training sequence
BATCH = 32
LONGEST_LINE = 64  # bytes


class Forecaster(NamedTuple):
    """A model with the scales of its inputs and outputs.

    The input is (value - mean) / deviation. The output is the difference between the next value and
    this one, in units of `step`.
    """

    model: Sequential
    mean: float
    deviation: float
    step: float

    def inputs(self, values: np.ndarray) -> np.ndarray:
        """Return the model's inputs (..., 1) for values (...)."""
        return ((values - self.mean) / self.deviation)[..., None].astype(np.float32)

    def forecasts(self, values: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Return the forecasts after values (...), from the model's outputs (..., 1)."""
        return values + self.step * outputs[..., 0]


def train(demand: np.ndarray, units: int, epochs: int, seed: int) -> Forecaster:
    """Train on sequences of two days, with a target at every time step."""
    model = Sequential(
        [GRU(units, return_sequences=True, input_shape=(None, 1)), Dense(1)], seed=seed
    )
    steps = np.diff(demand)
    forecaster = Forecaster(model, demand.mean(), demand.std(), steps.std())
    x = sliding_window_view(forecaster.inputs(demand[:-1])[:, 0], WINDOW)[::8, :, None]
    y = sliding_window_view(steps / forecaster.step, WINDOW)[::8, :, None]
    rate = CosineDecay(0.01, epochs * -(-len(x) // BATCH))
    model.compile(Adam(rate, global_clipnorm=1.0), "mse")
    model.fit(x, y, batch_size=BATCH, epochs=epochs, verbose=2)
    return forecaster


async def serve(
    forecaster: Forecaster, reader: asyncio.StreamReader, out: asyncio.StreamWriter
) -> None:
    """Answer a client line by line, until it closes or sends something that is not a number."""
    stream = forecaster.model.stream()
    try:
        while line := await reader.readline():
            value = np.array([float(line)])
            forecast = forecaster.forecasts(value, stream.step(forecaster.inputs(value)))
            out.write(b"%.1f\n" % forecast[0])
            await out.drain()
    except ValueError as error:  # not a number, or a line that is too long
        out.write(f"error: {error}\n".encode())
    finally:
        out.close()


async def ask(port: int, values: np.ndarray) -> tuple[list[float], list[float]]:
    """Send values one by one; return the answers and the seconds that each of them took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers, seconds = [], []
    for value in values:
        begin = time.perf_counter()
        writer.write(b"%d\n" % value)
        answers.append(float(await reader.readline()))
        seconds.append(time.perf_counter() - begin)
    writer.close()
    await writer.wait_closed()
    return answers, seconds


async def serve_and_ask(
    forecaster: Forecaster, values: np.ndarray, clients: int
) -> list[tuple[list[float], list[float]]]:
    """Start a server, let several clients ask it at the same time, and stop it."""
    server = await asyncio.start_server(
        lambda reader, out: serve(forecaster, reader, out), "127.0.0.1", 0, limit=LONGEST_LINE
    )
    async with server:
        port = server.sockets[0].getsockname()[1]
        return await asyncio.gather(*(ask(port, values) for _ in range(clients)))


def measure_step(forecaster: Forecaster, values: np.ndarray) -> float:
    """Return the median seconds of a step of the model without the server."""
    stream, seconds = forecaster.model.stream(), []
    for step in forecaster.inputs(values)[:, None]:
        begin = time.perf_counter()
        stream.step(step)
        seconds.append(time.perf_counter() - begin)
    return float(np.median(seconds))


def main(arguments: list[str] | None = None) -> None:
    """Train, serve, and print the accuracy and the speed of the answers."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=60, help="60 by default")
    parser.add_argument("--seed", type=int, default=0, help="0 by default")
    parser.add_argument("--units", type=int, default=50, help="of the GRU, 50 by default")
    parser.add_argument("--clients", type=int, default=3, help="3 by default")
    options = parser.parse_args(arguments)

    demand = np.asarray(load_taylor(), float)
    forecaster = train(demand[:-HELD_OUT], options.units, options.epochs, options.seed)
    values, truth = demand[-HELD_OUT - 1 : -1], demand[-HELD_OUT:]
    results = asyncio.run(serve_and_ask(forecaster, values, options.clients))

    forecasts = np.array(results[0][0])
    assert all(answers == results[0][0] for answers, _ in results), "clients disturbed each other"
    print(f"Mean absolute error of the next half-hour's demand, {len(truth)} forecasts:")
    print(f"  GRU    {np.abs(forecasts - truth).mean():5.0f} MW")
    print(f"  as now {np.abs(values - truth).mean():5.0f} MW")
    times = 1e6 * np.concatenate([seconds for _, seconds in results])
    print(f"{options.clients} clients at once, {len(times)} answers, from sending to having one:")
    print(f"  median {np.median(times):.0f} us, 99 of 100 within {np.percentile(times, 99):.0f} us")
    print(f"  of which the model's step takes {1e6 * measure_step(forecaster, values):.1f} us")


if __name__ == "__main__":
    main()
