"""Preparation of training: find the season, scale each series, cut windows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gru_c.common.arrays import Array
from gru_c.forecast.accuracy import filled, repeated
from gru_c.forecast.features import Layout, Scale, Windows, make_windows
from gru_c.forecast.series import Panel, Series
from gru_c.forecast.timestamps import calendar_of, season_of


@dataclass(frozen=True)
class Plan:
    """The layout of the features, a scale for each series, and the samples."""

    layout: Layout
    scales: dict[str, Scale]
    train: Windows
    held_out: Windows | None


def make_plan(
    panel: Panel, window: int, horizon: int, season: int | None, calendar: bool, fraction: float
) -> Plan:
    """Measure the training part of each series and cut it into windows.

    Parameters
    ----------
    season : int or None
        None: the season that follows from the frequency, if all series have at least two of it.
    fraction : float
        Share at the end of each series that is held out; with 0 nothing is held out.
    """
    covariates = panel.series[0].covariates.shape[1]
    if covariates and window < horizon:
        raise ValueError(
            f"with covariates the window must be as long as the horizon: {window} < {horizon}"
        )
    season = expected_season(panel, season)
    for item in panel.series:
        if len(item) < max(window, season):
            raise ValueError(
                f"series {item.name!r} has {len(item)} steps, a forecast needs window (or season) "
                f"{max(window, season)}"
            )
    ends = [_end_of_training(item, horizon, fraction) for item in panel.series]
    shortest = max(window, season) + horizon
    if max(ends) < shortest:
        raise _too_short(panel, shortest, fraction)
    parts = [item.cut(end) for item, end in zip(panel.series, ends, strict=True)]
    known = np.concatenate([part.covariates[: len(part)] for part in parts])
    layout = Layout(
        window=window,
        horizon=horizon,
        season=season,
        reference=_choose_reference(parts, horizon, season, max(window, season)),
        marks_missing=any(np.isnan(part.values).any() for part in parts),
        calendar=_common_calendar(panel) if calendar else (),
        covariate_mean=tuple(known.mean(axis=0).tolist()),
        covariate_std=tuple(np.where(known.std(axis=0) > 0, known.std(axis=0), 1.0).tolist()),
    )
    scales = {part.name: scale_of(layout, part) for part in parts}
    return Plan(layout, scales, *_samples(panel, ends, layout, scales, fraction > 0))


def expected_season(panel: Panel, season: int | None) -> int:
    """Return the season asked for, or the one that follows from the frequencies; 0 for none."""
    if season is not None:
        return season
    expected = {season_of(item.index) for item in panel.series}
    common = expected.pop() if len(expected) == 1 else 0
    return common if min(map(len, panel.series)) >= 2 * common else 0


def _common_calendar(panel: Panel) -> tuple[str, ...]:
    """Return the cycles of the calendar that are features of all series."""
    first, *others = [calendar_of(item.index) for item in panel.series]
    return tuple(cycle for cycle in first if all(cycle in other for other in others))


def _end_of_training(item: Series, horizon: int, fraction: float) -> int:
    held_out = max(horizon, round(fraction * len(item))) if fraction else 0
    return max(len(item) - held_out, 0)


def _too_short(panel: Panel, shortest: int, fraction: float) -> ValueError:
    longest = max(panel.series, key=len)
    held_out = " besides what is held out" if fraction else ""
    return ValueError(
        f"series {longest.name!r} has {len(longest)} steps: window (or season) and horizon need at "
        f"least {shortest}{held_out}"
    )


def _origins(begin: int, end: int) -> Array:
    return np.arange(begin, max(begin, end))


def _choose_reference(parts: list[Series], horizon: int, season: int, begin: int) -> str:
    """Return the naive forecast with the smaller error in the training parts.

    Errors are divided by the deviation of each series.
    """
    if not season:
        return "last"
    totals = np.zeros(2)
    for part in parts:
        origins = _origins(begin - 1, len(part) - horizon)
        targets = part.values[origins[:, None] + np.arange(1, horizon + 1)]
        values = filled(part.values) if len(part) else part.values
        errors = [np.abs(repeated(values, horizon, s, origins) - targets) for s in (1, season)]
        unit = np.nanstd(part.values) if len(part) else 0.0
        totals += [np.nansum(e) / (unit if unit > 0 else 1.0) for e in errors]
    return "season" if totals[1] < totals[0] else "last"


def scale_of(layout: Layout, part: Series) -> Scale:
    """Return the scale of a series, measured in the part given."""
    if not len(part):
        return Scale(0.0, 1.0, 1.0)
    origins = _origins(layout.shortest - 1, len(part) - layout.horizon)
    references = layout.references(filled(part.values), origins)
    return Scale.fit(part.values, references, layout.targets(part, origins))


def _samples(
    panel: Panel, ends: list[int], layout: Layout, scales: dict[str, Scale], validate: bool
) -> tuple[Windows, Windows | None]:
    """Return the windows for training, and those whose targets lie after its end."""
    train, held_out = [], []
    for item, end in zip(panel.series, ends, strict=True):
        begin, horizon, scale = layout.shortest - 1, layout.horizon, scales[item.name]
        train.append(make_windows(layout, item, scale, _origins(begin, end - horizon)))
        origins = _origins(max(begin, end - 1), len(item) - horizon)
        held_out.append(make_windows(layout, item, scale, origins))
    samples, after = Windows.concatenate(train), Windows.concatenate(held_out)
    if not len(samples.x) or (validate and not len(after.x)):
        part = "held-out part" if len(samples.x) else "training part"
        raise ValueError(f"the {part} has no window with a value to forecast: all are missing")
    return samples, after if validate else None


def continued(item: Series, values: Array, index: object) -> Series:
    """Return a series with forecast values added at the end, and the index of all its steps."""
    return replace(item, values=np.concatenate([item.values, values]), index=index)
