"""Static features: numbers and categories that belong to a series as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gru_c.forecast.panel import Panel
from gru_c.forecast.series import LARGEST, Series, is_frame

Row = dict[str, Any]  # the static features of a series, by name


@dataclass(frozen=True)
class StaticFeature:
    """A static feature, and the way in which it becomes numbers.

    Attributes
    ----------
    name : str
    mean, std : float
        The scale of a feature that is a number.
    categories : tuple of str
        The categories of a feature that is text: each is a number that is 1 where it applies.
        Empty for a number.
    """

    name: str
    mean: float = 0.0
    std: float = 1.0
    categories: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The number of numbers that the feature becomes."""
        return len(self.categories) or 1

    @classmethod
    def fit(cls, name: str, values: Sequence[Any]) -> StaticFeature:
        """Return the feature that has these values, one for each series."""
        are_texts = {isinstance(value, str) for value in values}
        if len(are_texts) > 1:
            raise ValueError(f"static feature {name!r} is text in some series, a number in others")
        if len(set(values)) < 2:
            raise ValueError(
                f"static feature {name!r} is {values[0]!r} in all series: it must tell them apart"
            )
        if are_texts.pop():
            return cls(name, categories=tuple(sorted(set(values))))
        numbers = np.array(values, np.float64)
        return cls(name, float(numbers.mean()), float(numbers.std()) or 1.0)

    def encode(self, label: str, value: Any) -> list[float]:
        """Return a value as numbers; ValueError if the training had none of its kind."""
        if not self.categories:
            if isinstance(value, str):
                raise ValueError(f"static feature {self.name!r} of {label} is {value!r}, no number")
            return [(value - self.mean) / self.std]
        if value not in self.categories:
            raise ValueError(
                f"static feature {self.name!r} of {label} is {value!r}: the model knows "
                f"{list(self.categories)}"
            )
        return [float(value == category) for category in self.categories]


def add_static(
    panel: Panel, static: Any, skip_bad: bool
) -> tuple[Panel, tuple[StaticFeature, ...]]:
    """Return the series of a training with their static features, and these features.

    Parameters
    ----------
    static : DataFrame, dict of dict, or None
        The features of each series: the index or the keys are the names of the series.
    skip_bad : bool
        Leave out a series without features.
    """
    if static is None:
        return panel, ()
    rows = _read(static)
    first = next((rows[item.name] for item in panel.series if item.name in rows), {})
    names = [str(name) for name in first]
    checked: list[Row] = []

    def check(item: Series) -> Series:
        checked.append(_row_of(item, rows, names))
        return item

    panel = panel.each(check, skip_bad)
    features = tuple(StaticFeature.fit(name, [row[name] for row in checked]) for name in names)
    return panel.each(lambda item: _encoded(item, rows, features), False), features


def _encoded(item: Series, rows: dict[str, Row], features: Sequence[StaticFeature]) -> Series:
    """Return a series with its static features; ValueError if they do not fit the model's."""
    row = _row_of(item, rows, [feature.name for feature in features])
    numbers = [n for f in features for n in f.encode(f"series {item.name!r}", row[f.name])]
    return replace(item, static=np.array(numbers))


def new_static(
    panel: Panel,
    static: Any,
    features: Sequence[StaticFeature],
    known: Sequence[Series],
    skip_bad: bool,
) -> Panel:
    """Return the series of a forecast with their static features.

    Those of a series that `static` does not name are those of the series of the same name in
    `known`, the series of the training.
    """
    if static is not None and not features:
        raise ValueError("the model was trained without static features")
    if not features:
        return panel
    rows = {} if static is None else _read(static)
    remembered = {item.name: item.static for item in known}

    def add(item: Series) -> Series:
        if item.name not in rows and item.name in remembered:
            return replace(item, static=remembered[item.name])
        return _encoded(item, rows, features)

    return panel.each(add, skip_bad)


def _row_of(item: Series, rows: dict[str, Row], names: Sequence[str]) -> Row:
    """Return the static features of a series as texts and finite floats."""
    if item.name not in rows:
        raise ValueError(f"there are no static features of series {item.name!r}")
    row = {str(name): value for name, value in rows[item.name].items()}
    if set(row) != set(names):
        raise ValueError(
            f"series {item.name!r} has the static features {list(row)}: wanted {list(names)}"
        )
    return {name: _checked(item.name, name, value) for name, value in row.items()}


def _read(static: Any) -> dict[str, Row]:
    """Return static features by the names of the series."""
    if is_frame(static):
        if not static.index.is_unique:
            repeated = static.index[static.index.duplicated()][0]
            raise ValueError(f"the static features have a row for {repeated!r} more than once")
        columns = [static[name].tolist() for name in static.columns]
        keys = list(static.columns)
        values = list(zip(*columns, strict=True)) if columns else []
        static = {
            name: dict(zip(keys, row, strict=True))
            for name, row in zip(static.index, values, strict=False)
        }
    is_read = isinstance(static, Mapping) and all(isinstance(r, Mapping) for r in static.values())
    if not is_read or not static or not all(static.values()):
        raise ValueError(
            "static must be a DataFrame with a row for each series, or a dict of dicts such as "
            f"{{'a': {{'size': 3}}}}, got {type(static).__name__}"
        )
    return {str(series): dict(row) for series, row in static.items()}


def _checked(series: Any, name: Any, value: Any) -> Any:
    """Return a value as a text or a finite float."""
    if isinstance(value, str):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not abs(number) <= LARGEST:
        raise ValueError(
            f"static feature {name!r} of series {series!r} must be a number or text, got {value!r}"
        )
    return number
