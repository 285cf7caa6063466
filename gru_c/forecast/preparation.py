"""Preparation of training: find the season, scale each series, choose the samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gru_c.common.arrays import Array
from gru_c.forecast.accuracy import filled
from gru_c.forecast.base import path_of
from gru_c.forecast.differences import root_mean_square, sum_of_errors
from gru_c.forecast.effects import covariate_effects
from gru_c.forecast.features import Layout, Scale
from gru_c.forecast.frequency import DAY, usual_step
from gru_c.forecast.linear import LinearPath
from gru_c.forecast.moments import moments
from gru_c.forecast.panel import Panel
from gru_c.forecast.samples import Samples, SeriesWindows
from gru_c.forecast.series import Series
from gru_c.forecast.timestamps import calendar_of, season_of

_USUAL_WINDOW = 24
_LONGEST_WINDOW = 64


@dataclass(frozen=True)
class PlanSettings:
    """The arguments of `Forecaster` that the preparation depends on.

    Attributes
    ----------
    season : int or None
        None: the season that follows from the frequency, if all series have at least two of it.
    validation_fraction : float
        Share at the end of each series that is held out; with 0 nothing is held out.
    lower : float or None
        The lowest possible value.
    log : bool
        Forecast the logarithms of the values.
    skip_bad : bool
        Leave out series that are too short or have impossible values.
    """

    window: int | None
    horizon: int
    season: int | None
    calendar: bool
    validation_fraction: float
    lower: float | None = None
    log: bool | None = False
    skip_bad: bool = False
    linear: bool = False
    longer: int = 0
    counts: bool = False

    @property
    def known_window(self) -> int:
        """The window asked for, or the smallest one that may be chosen."""
        return 1 if self.window is None else self.window


@dataclass(frozen=True)
class Plan:
    """The series, the layout of the features, a scale for each series, and the samples.

    `path` is the linear path of the training parts, whose forecasts the targets differ from.
    """

    panel: Panel
    layout: Layout
    scales: dict[str, Scale]
    train: Samples
    held_out: Samples | None
    path: LinearPath | None = None


def make_plan(panel: Panel, settings: PlanSettings) -> Plan:
    """Measure the training part of each series, and choose its samples."""
    horizon, fraction = settings.horizon, settings.validation_fraction
    panel, season = usable(panel, settings)
    ends = [_end_of_training(item, horizon, fraction) for item in panel.series]
    window = settings.window or _choose_window(max(ends), horizon, season)
    if panel.series[0].covariates.shape[1] and window < horizon:
        raise ValueError(
            f"with covariates the window must be as long as the horizon: {window} < {horizon}"
        )
    shortest = max(window, season) + horizon
    if max(ends) < shortest:
        raise _too_short(panel, shortest, horizon, fraction)
    parts = [item.cut(end) for item, end in zip(panel.series, ends, strict=True)]
    layout = Layout(
        window=window,
        horizon=horizon,
        season=season,
        reference="last",
        marks_missing=any(np.isnan(part.values).any() for part in parts),
        calendar=_common_calendar(panel) if settings.calendar else (),
        **_scales_beside(parts),
        static=len(panel.series[0].static),
        log=bool(settings.log),
        lower=settings.lower,
        longer=settings.longer or (longer_season(panel, season) if settings.linear else 0),
        counts=settings.counts,
    )
    layout, scales, path = _measure(parts, layout, settings)
    samples = _samples(panel, ends, layout, scales, fraction > 0, path)
    return Plan(panel, layout, scales, *samples, path)


def most_lags(settings: PlanSettings, layout: Layout, shortest: int) -> int:
    """Return the number of last values that the linear path may see."""
    most = (shortest - layout.horizon) // 2
    return most if settings.window is None else min(most, layout.needed)


def _measure(
    parts: list[Series], layout: Layout, settings: PlanSettings
) -> tuple[Layout, dict[str, Scale], LinearPath | None]:
    """Return the layout with reference and logarithms chosen, the scales, and the linear path."""
    are_positive = all((part.values[~np.isnan(part.values)] > 0).all() for part in parts)
    logs = [layout.log]
    if settings.log is None and settings.linear and are_positive:
        logs = [False, True]
    best: tuple[float, Layout, dict[str, Scale], LinearPath | None] | None = None
    for log in logs:
        tried = replace(layout, log=log)
        tried = replace(tried, reference=_choose_reference(parts, tried))
        scales = {part.name: scale_of(tried, part) for part in parts}
        path, error = None, float("inf")
        if settings.linear:
            ordered = [scales[part.name] for part in parts]
            shortest = min(len(part) for part in parts if len(part) or len(parts) == 1)
            path = path_of(tried, parts, ordered, most_lags(settings, tried, shortest))
        if path is not None:
            error = _error_of(path, tried, parts, ordered)
            scales = {name: path_scale(scale, path.size) for name, scale in scales.items()}
        if best is None or error < best[0]:
            best = error, tried, scales, path
    assert best is not None
    return best[1:]


def path_scale(scale: Scale, size: float) -> Scale:
    """Return a scale whose step is the size of the errors of a linear path."""
    return replace(scale, step=max(scale.std * size, np.finfo(float).tiny))


def _error_of(path: LinearPath, layout: Layout, parts: list[Series], scales: list[Scale]) -> float:
    """Return the mean error of a linear path in the units of the series, each by its deviation."""
    ahead, total = np.arange(1, layout.horizon + 1), []
    for (number, origin), error in zip(path.origins, path.errors, strict=True):
        part, scale = parts[number], scales[number]
        measured = part.values[origin + ahead]
        on_scale = layout.measured(part, scale.effects)[origin + ahead]
        forecast = on_scale - error * scale.std
        if layout.log:
            off = measured - np.exp(forecast) * measured / np.exp(on_scale)
        else:
            off = on_scale - forecast
        total.append(np.abs(off[~np.isnan(off)]) / (np.nanstd(part.values) or 1.0))
    sizes = np.concatenate(total)
    return float(sizes.mean()) if len(sizes) else float("inf")


def _choose_window(steps: int, horizon: int, season: int) -> int:
    """Return the number of steps that the GRUs see of series whose training part has `steps`."""
    wanted = min(max(season + 1, horizon, _USUAL_WINDOW), max(_LONGEST_WINDOW, season))
    return max(min(wanted, (steps - horizon) // 2), 1, horizon if steps > 3 * horizon else 1)


def longer_season(panel: Panel, season: int) -> int:
    """Return the week of series that have a day as their season; 0 for others or short ones."""
    for item in panel.series:
        step = 0.0 if item.index is None else usual_step(item.index)
        if not 0 < step < DAY or season * step != DAY or len(item) < 4 * 7 * season:
            return 0
    return 7 * season


def _check_counts(item: Series) -> None:
    known = item.values[~np.isnan(item.values)]
    wrong = known[(known < 0) | (known != np.rint(known))]
    if len(wrong):
        raise ValueError(f"series {item.name!r} has the value {wrong[0]:g}, which is not a count")


def usable(panel: Panel, settings: PlanSettings) -> tuple[Panel, int]:
    """Return the series that a model can be trained on, and their season.

    Raises
    ------
    ValueError
        When a series is too short or has an impossible value, unless such series are left out.
    """
    panel = panel.each(lambda item: check_values(item, settings), settings.skip_bad)
    season = expected_season(panel, settings.season, settings.skip_bad)
    needed = max(settings.known_window, season)

    def check(item: Series) -> Series:
        if len(item) < needed:
            raise ValueError(
                f"series {item.name!r} has {len(item)} steps, a forecast needs window (or season) "
                f"{needed}"
            )
        return item

    return panel.each(check, settings.skip_bad), season


def check_values(item: Series, settings: PlanSettings | Layout) -> Series:
    """Return a series; ValueError if it has a value that is impossible with these settings."""
    label, lower = f"series {item.name!r}", settings.lower
    if settings.counts:
        _check_counts(item)
    if lower is not None and (item.values < lower).any():
        step = int(np.argmax(item.values < lower))
        raise ValueError(
            f"{label} is {item.values[step]:g} at {_place(item, step)}, which is below {lower=:g}"
        )
    if settings.log and not settings.counts and (item.values <= 0).any():
        step = int(np.argmax(item.values <= 0))
        raise ValueError(
            f"{label} is {item.values[step]:g} at {_place(item, step)}: a logarithmic scale is for "
            "values above 0; for values from 0 on there is lower=0"
        )
    return item


def _place(item: Series, step: int) -> str:
    return f"step {step}" if item.index is None else str(item.index[step])


def expected_season(panel: Panel, season: int | None, skip_bad: bool = False) -> int:
    """Return the season asked for, or the one that follows from the frequencies; 0 for none.

    All series must have at least two seasons; with `skip_bad` half of them, because shorter ones
    are left out.
    """
    if season is not None:
        return season
    expected = {season_of(item.index) for item in panel.series}
    common = expected.pop() if len(expected) == 1 else 0
    lengths = sorted(map(len, panel.series))
    return common if lengths[len(lengths) // 2 if skip_bad else 0] >= 2 * common else 0


def _common_calendar(panel: Panel) -> tuple[str, ...]:
    """Return the cycles of the calendar that are features of all series."""
    first, *others = [calendar_of(item.index) for item in panel.series]
    return tuple(cycle for cycle in first if all(cycle in other for other in others))


def _end_of_training(item: Series, horizon: int, fraction: float) -> int:
    held_out = max(horizon, round(fraction * len(item))) if fraction else 0
    return max(len(item) - held_out, 0)


def _too_short(panel: Panel, shortest: int, horizon: int, fraction: float) -> ValueError:
    longest = max(panel.series, key=len)
    held_out = " besides what is held out" if fraction else ""
    return ValueError(
        f"series {longest.name!r} has {len(longest)} steps: window (or season) and horizon need at "
        f"least {shortest}{held_out}, together {_steps_needed(shortest, horizon, fraction)}"
    )


def _steps_needed(shortest: int, horizon: int, fraction: float) -> int:
    """Return the smallest length whose training part has `shortest` steps."""
    steps = shortest
    while steps - (max(horizon, round(fraction * steps)) if fraction else 0) < shortest:
        steps += 1
    return steps


def _scales_beside(parts: list[Series]) -> dict[str, tuple[float, ...]]:
    """Return the scales of the covariates, as arguments of `Layout`."""
    known = [part.covariates[: len(part)] for part in parts]
    past = [part.past for part in parts]
    scales = {}
    for name, rows in (("covariate", known), ("past", past)):
        mean, deviation = moments(rows)
        scales[f"{name}_mean"] = tuple(mean.tolist())
        scales[f"{name}_std"] = tuple(np.where(deviation > 0, deviation, 1.0).tolist())
    return scales


def _choose_reference(parts: list[Series], layout: Layout) -> str:
    """Return the naive forecast with the smaller error in the training parts.

    Errors are divided by the deviation of each series.
    """
    if not layout.season:
        return "last"
    totals = np.zeros(2)
    for part in parts:
        if not len(part):
            continue
        origins = range(layout.shortest - 1, len(part) - layout.horizon)
        unit = np.nanstd(layout.model_values(part.values))
        for place, season in enumerate((1, layout.season)):
            measured = layout.measured(part, _effects(layout, part, season))
            error = sum_of_errors(measured, filled(measured), origins, layout.horizon, season)
            totals[place] += error / (unit if unit > 0 else 1.0)
    return "season" if totals[1] < totals[0] else "last"


def _effects(layout: Layout, part: Series, season: int) -> tuple[float, ...]:
    """Return the effects of the covariates, in the part given."""
    if not layout.covariate_mean:
        return ()
    values = layout.model_values(part.values)
    return covariate_effects(values, layout.scaled_covariates(part), season)


def scale_of(layout: Layout, part: Series) -> Scale:
    """Return the scale of a series, measured in the part given."""
    if not len(part):
        return Scale(0.0, 1.0, 1.0)
    season = layout.reference_season
    effects = _effects(layout, part, season)
    measured = layout.measured(part, effects)
    origins = range(layout.shortest - 1, len(part) - layout.horizon)
    step = root_mean_square(measured, filled(measured), origins, layout.horizon, season)
    return Scale.fit(measured, step, effects)


def _samples(
    panel: Panel,
    ends: Sequence[int],
    layout: Layout,
    scales: dict[str, Scale],
    validate: bool,
    path: LinearPath | None,
) -> tuple[Samples, Samples | None]:
    """Return the samples for training, and those whose targets lie after its end."""
    ordered = [scales[item.name] for item in panel.series]
    mapping = None if path is None else path.map
    windows = SeriesWindows(layout, panel.series, ordered, mapping)
    lags = 0 if mapping is None else len(mapping.coefficients)
    begin, horizon = max(layout.shortest, lags) - 1, layout.horizon
    train = Samples.between(windows, [(begin, end - horizon) for end in ends])
    lengths = [len(item) for item in panel.series]
    limits = zip(ends, lengths, strict=True)
    held_out = Samples.between(
        windows, [(max(begin, end - 1), length - horizon) for end, length in limits]
    )
    if not len(train) or (validate and not len(held_out)):
        part = "held-out part" if len(train) else "training part"
        raise ValueError(f"the {part} has no window with a value to forecast: all are missing")
    return train, held_out if validate else None


def continued(item: Series, values: Array) -> Series:
    """Return a series with forecast values at the end; past covariates stay at their last row."""
    index = item.index
    if index is not None:
        index = index.append(item.after(len(values)))
    return replace(item, values=np.concatenate([item.values, values]), index=index)
