"""Static features: numbers and categories of a series as a whole."""

import numpy as np
import pytest
from forecasters import NOISY, small

from gru_c.forecast import Forecaster

SERIES = {"a": NOISY, "b": NOISY + 30, "c": 2 * NOISY}
KINDS = {
    "a": {"size": 1, "kind": "shop"},
    "b": {"size": 5, "kind": "kiosk"},
    "c": {"size": 9, "kind": "shop"},
}


@pytest.fixture(scope="module")
def fitted():
    return small().fit(SERIES, static=KINDS)


def test_numbers_are_scaled_and_texts_are_categories(fitted):
    first, second, third = (item.static.tolist() for item in fitted.past.series)
    size = 4 / np.sqrt(32 / 3)
    np.testing.assert_allclose([first[0], second[0], third[0]], [-size, 0, size])
    assert (first[1:], second[1:], third[1:]) == ([0, 1], [1, 0], [0, 1])
    assert fitted.layout.features == 1 + 3


def test_a_category_is_learnt():
    rng = np.random.default_rng(0)
    signs = {"up": 1.0, "down": -1.0}
    series, static = {}, {}
    for number in range(6):
        kind = ("up", "down")[number % 2]
        series[str(number)] = np.cumsum(signs[kind] + 0.1 * rng.normal(size=60))
        static[str(number)] = {"kind": kind}
    forecaster = small(2, 1, hidden_units=8, epochs=40, learning_rate=0.02, patience=40)
    forecaster.fit(series, static=static)
    flat = np.zeros(10)
    for kind, sign in signs.items():
        flat = np.arange(10) * sign
        forecast = forecaster.predict(1, {"new": flat}, static={"new": {"kind": kind}})["new"][0]
        assert abs(forecast - 10 * sign) < 0.5


def test_a_frame_and_a_dict_give_the_same_forecasts(fitted):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(KINDS).T.astype({"size": float})
    again = small().fit(SERIES, static=frame[::-1]).predict()
    for name, forecast in fitted.predict().items():
        np.testing.assert_array_equal(forecast, again[name])
    with pytest.raises(ValueError, match="have a row for 'a' more than once"):
        small().fit(SERIES, static=pd.concat([frame, frame]))


def test_known_series_keep_their_features_and_new_ones_bring_theirs(fitted, tmp_path):
    fitted.save(tmp_path / "f.safetensors")
    for model in (fitted, Forecaster.load(tmp_path / "f.safetensors")):
        expected = model.predict()
        again = model.predict(4, {"new": NOISY, **SERIES}, static={"new": KINDS["a"]})
        for name in SERIES:
            np.testing.assert_array_equal(again[name], expected[name])
        np.testing.assert_array_equal(
            again["new"], model.predict(4, {"new": NOISY}, static={"new": KINDS["a"]})["new"]
        )
        with pytest.raises(ValueError, match="no static features of series 'new'"):
            model.predict(4, {"new": NOISY})
        with pytest.raises(ValueError, match=r"is 'bar': the model knows \['kiosk', 'shop'\]"):
            model.predict(4, {"new": NOISY}, static={"new": {"size": 3, "kind": "bar"}})
        with pytest.raises(ValueError, match=r"has the static features \['size'\]: wanted"):
            model.predict(4, {"new": NOISY}, static={"new": {"size": 3}})
        with pytest.raises(ValueError, match="'size' of series 'new' is 'x', no number"):
            model.predict(4, {"new": NOISY}, static={"new": {"size": "x", "kind": "shop"}})


def test_a_backtest_has_static_features():
    backtest = small().backtest(SERIES, folds=2, static=KINDS)
    assert np.isfinite(backtest.summary()[0]["mae"])


@pytest.mark.parametrize(
    ("static", "message"),
    [
        ({name: KINDS[name] for name in "ab"}, "no static features of series 'c'"),
        ({**KINDS, "c": {"size": 9}}, r"series 'c' has the static features \['size'\]"),
        ({**KINDS, "c": {"size": np.nan, "kind": "x"}}, "'size' of series 'c' must be a number or"),
        ({**KINDS, "c": {"size": None, "kind": "x"}}, "'size' of series 'c' must be a number or"),
        ({name: {"size": 3} for name in "abc"}, "'size' is 3.0 in all series: it must tell them"),
        (
            {"a": {"x": 1}, "b": {"x": 2}, "c": {"x": "z"}},
            "text in some series, a number in others",
        ),
        ([1, 2, 3], "must be a DataFrame with a row for each series, or a dict of dicts"),
        ({"a": 1, "b": 2, "c": 3}, "must be a DataFrame"),
        ({}, "must be a DataFrame"),
    ],
)
def test_static_features_that_are_refused(static, message):
    with pytest.raises(ValueError, match=message):
        small().fit(SERIES, static=static)


def test_one_series_has_no_static_features():
    with pytest.raises(ValueError, match=r"'size' is 1.0 in all series"):
        small().fit(NOISY, static={"y": {"size": 1}})
    with pytest.raises(ValueError, match="trained without static features"):
        small().fit(NOISY).predict(static={"y": {"size": 1}})


def test_a_series_without_static_features_is_left_out():
    with pytest.warns(UserWarning, match="left out: there are no static features of series 'b'"):
        forecaster = small(skip_bad=True).fit(
            SERIES, static={n: KINDS[n] for n in "ac"} | {"a": {"size": 1, "kind": "x"}}
        )
    assert forecaster.names_ == ["a", "c"]
