"""Arrays in files: results equal to those of arrays in memory, and the parts that are read."""

import sys

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from gru_c import GRU, Dense, Embedding, Sequential, callbacks
from gru_c.data.array_file import ComputedArray, StoredArray, is_stored

RNG = np.random.default_rng(95)
X, Y = RNG.standard_normal((50, 6, 4)), RNG.standard_normal(50)


class Counting:
    """An array that takes slices only, and counts the samples that are read."""

    def __init__(self, array):
        self.array, self.reads = array, []
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, where):
        assert isinstance(where, slice), where
        part = self.array[where]
        self.reads.append(len(part))
        return part


class Computed(ComputedArray):
    """An array that is computed when it is read."""

    def __init__(self, array):
        super().__init__(array.shape, array.dtype)
        self.array = array

    def __getitem__(self, where):
        return self.array[where].copy()


def memmap(path, array):
    stored = np.memmap(path, array.dtype, "w+", shape=array.shape)
    stored[:] = array
    stored.flush()
    return np.memmap(path, array.dtype, "r", shape=array.shape)


def hdf5(path, array):
    h5py = pytest.importorskip("h5py")
    return h5py.File(path, "w").create_dataset("x", data=array, chunks=(7, *array.shape[1:]))


KINDS = {"memmap": memmap, "hdf5": hdf5, "slices": lambda _, array: Counting(array)}
KINDS["computed"] = lambda _, array: Computed(array)


@pytest.fixture(params=KINDS)
def store(request, tmp_path):
    """Return a function that puts an array into a file."""
    count = iter(range(9))
    return lambda array: KINDS[request.param](tmp_path / f"{next(count)}", array)


def compiled(*layers, loss="mse"):
    model = Sequential([*(layers or [GRU(5, input_shape=(None, 4)), Dense(1)])], seed=0)
    model.compile("adam", loss, ["mae"] if loss == "mse" else None)
    return model


def test_stored_arrays_are_recognised(store):
    stored = store(X)
    assert is_stored(stored)
    assert not is_stored(X)
    assert not is_stored(X.tolist())
    torch, pandas = pytest.importorskip("torch"), pytest.importorskip("pandas")
    assert not is_stored(torch.zeros(3))
    assert not is_stored(pandas.Series([1.0]))


def test_views_of_a_memmap_are_stored(tmp_path):
    stored = memmap(tmp_path / "x", X)
    for view in (np.asarray(stored), stored[3:], sliding_window_view(stored, 5, axis=0)):
        assert is_stored(view)
    for copy in (stored[[1, 2]], np.array(stored), stored + 1):
        assert not is_stored(copy)


def test_chosen_samples_are_read_in_the_order_asked(store):
    stored = StoredArray.wrap(store(X))[3:45]
    assert stored.shape == (42, 6, 4)
    np.testing.assert_array_equal(stored[5:9].read(), X[8:12])
    numbers = np.array([7, 0, 1, 41, 8, 2])
    np.testing.assert_array_equal(stored[numbers].read(), X[3:45][numbers])
    np.testing.assert_array_equal(stored[numbers][2:5][np.array([2, 0])].read(), X[[11, 4]])


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("y_stored", [False, True])
def test_fit_evaluate_and_predict_are_those_of_arrays_in_memory(store, shuffle, y_stored):
    results = []
    lengths = np.arange(50) % 6 + 1
    for x, y in ((X, Y), (store(X), store(Y) if y_stored else Y)):
        model = compiled()
        settings = {"epochs": 2, "batch_size": 8, "shuffle": shuffle, "verbose": 0}
        history = model.fit(x, y, validation_split=0.2, **settings).history
        model.fit((x, lengths), y, sample_weight=lengths, bucket=True, **settings)

        loss = model.evaluate(x, y, batch_size=7, verbose=0)
        outputs = [model.predict(x, batch_size=7, verbose=0), model.predict(x, lengths=lengths)]
        results.append((history, loss, outputs, model.get_weights()))
    ours, expected = results[1], results[0]
    assert ours[0] == expected[0]
    assert ours[1] == expected[1]
    for a, b in zip(ours[2] + ours[3], expected[2] + expected[3], strict=True):
        np.testing.assert_array_equal(a, b)
    validated = compiled().fit(X, Y, validation_data=(store(X), Y), verbose=0).history
    assert validated == compiled().fit(X, Y, validation_data=(X, Y), verbose=0).history


def test_targets_of_each_step_with_lengths(store):
    y, lengths = X.sum(axis=2, keepdims=True), np.arange(50) % 6 + 1
    histories = []
    for data in ((X, y), (store(X), store(y))):
        model = compiled(GRU(5, return_sequences=True, input_shape=(None, 4)), Dense(1))
        histories.append(model.fit(*data, lengths=lengths, epochs=2, verbose=0).history)
    assert histories[0] == histories[1]


def test_no_more_than_a_batch_is_read_at_a_time():
    x, y = Counting(X), Counting(Y)
    model = compiled(GRU(3), Dense(1))
    model.fit(x, y, batch_size=8, validation_split=0.2, verbose=0)
    model.evaluate(x, y, batch_size=8, verbose=0)
    model.predict(x, batch_size=8, verbose=0)
    assert max(x.reads) == max(y.reads) == 8
    assert sum(x.reads) == 1 + 50 + 1 + 50 + 50  # fit and evaluate first check one sample
    assert sum(y.reads) == 1 + 50 + 1 + 50


def test_indices_and_labels_are_checked_as_they_are_read(store):
    x, y = np.arange(80).reshape(20, 4) % 9, np.arange(20) % 3
    layers = [Embedding(9, 3), GRU(4), Dense(3, activation="softmax")]
    model = compiled(*layers, loss="sparse_categorical_crossentropy")
    model.fit(store(x), store(y), batch_size=4, verbose=0)
    before, steps = model.get_weights(), model.optimizer.iterations
    bad_y, bad_x = y.copy(), x.copy()
    bad_y[13], bad_x[17, 2] = 3, 9
    label = r"sample 13 of x, taken alone: .*label 3 "
    with pytest.raises(ValueError, match=label):
        model.fit(store(x), store(bad_y), batch_size=4, verbose=0)
    index = r"sample 17 of x, taken alone: .*index 9 of sample 0 \(x\[0, 2\]\)"
    for call in (
        lambda: model.fit(store(bad_x), y, batch_size=4, verbose=0),
        lambda: model.predict(store(bad_x), batch_size=4, verbose=0),
    ):
        with pytest.raises(ValueError, match=index):
            call()
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.optimizer.iterations == steps


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": Y[:49]}, r"x has 50 samples, y has shape \(49,\)"),
        ({"y": np.zeros((50, 2))}, "sample 0 of x, taken alone: loss 'mse' expects y of shape"),
        ({"sample_weight": np.ones(49)}, r"x has 50 samples, sample_weight has shape \(49,\)"),
        ({"lengths": np.full(50, 7)}, r"lengths\[0\] is 7"),
        ({"x": X[:, :, :3]}, r"x must have shape \(samples, any, 4\), got \(0, 6, 3\)"),
        ({"x": X.astype(complex)}, "x must hold real numbers"),
        ({"x": X[:0], "y": Y[:0]}, "x has no samples"),
        ({"validation_split": 0.999}, "leaves 0 to train on"),
    ],
)
def test_bad_data_are_refused_before_anything_is_changed(change, message):
    model = compiled()
    before = model.get_weights()
    arguments = {"x": X, "y": Y, **change}
    arguments["x"] = Counting(arguments["x"])
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(verbose=0, **arguments)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    assert sum(arguments["x"].reads) <= 2


def test_a_resumed_run_has_the_same_bits(store, tmp_path):
    class Ended(Exception):  # noqa: N818
        pass

    def end(batch, logs):
        if batch == 3:
            raise Ended

    file = {"checkpoint": tmp_path / "run.safetensors", "checkpoint_interval": 0}
    settings = {"epochs": 2, "batch_size": 8, "verbose": 0}
    ends = callbacks.LambdaCallback(on_train_batch_end=end)
    with pytest.raises(Ended):
        compiled().fit(store(X), Y, **settings, **file, callbacks=ends)
    model, whole = compiled(), compiled()
    history = model.fit(store(X), Y, **settings, **file, resume=True).history
    assert history == whole.fit(X, Y, **settings).history
    for a, b in zip(model.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process")
def test_a_memmap_larger_than_memory(run_python, tmp_path):
    """Train on 640 MB of float64 in a sparse file, with 200 MB of memory available."""
    done = run_python(f"""
import resource
import numpy as np
import gru_c
from gru_c import Dense, GRU, Sequential, timeseries_dataset

shape = (80_000, 10, 100)
np.memmap({str(tmp_path / "x")!r}, np.float64, "w+", shape=shape)
x = np.memmap({str(tmp_path / "x")!r}, np.float64, "r", shape=shape)
y = np.zeros(len(x))
model = Sequential([GRU(2, input_shape=(10, 100)), Dense(1)])
model.compile("adam", "mse")
model.fit(x[:100], y[:100], verbose=0)
with open("/proc/self/status") as status:
    used = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, (used + 200_000_000,) * 2)
try:
    x.astype(np.float32)
except MemoryError:
    print("too large")
model.fit(x, y, batch_size=1000, validation_split=0.1, verbose=0)
print(model.evaluate(x, y, batch_size=1000, verbose=0))
print(model.predict(x, batch_size=1000, verbose=0).shape)
windows = timeseries_dataset(x.reshape(-1, 100)[:10_000], None, 10, batch_size=1000)
print(model.predict(windows, verbose=0).shape)
""")
    lines = done.stdout.splitlines()
    assert lines[0] == "too large", done.stderr
    assert float(lines[1]) < 1e-6
    assert lines[2:] == ["(80000, 1)", "(9991, 1)"], done.stderr
