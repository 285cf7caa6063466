"""A fuzz target of Atheris: a reader of files, with any content, reads it or raises ValueError.

    python fuzz/readers.py READER [options of libFuzzer] [folder of inputs]

The first inputs are files that the package has written, those of tests/support/data, and the
tables in fuzz/corpus/csv. Where a checksum or an archive would refuse nearly all changed files at
the door, some inputs are the content, which the target packs.
"""

import contextlib
import io
import json
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))
import numpy as np
import safetensors.numpy

with atheris.instrument_imports(include=["gru_c"]):
    import gru_c
    from gru_c.forecast import Forecaster
    from gru_c.forecast.csv_table import columns_of, read_table
    from gru_c.forecast.reading.inspection import describe_columns
    from gru_c.forecast.reading.options import ReadingOptions
    from gru_c.forecast.reading.source import read_source
    from gru_c.interop import onnx as gru_onnx
    from gru_c.saving.files import digest_of

DATA = Path(__file__).parents[1] / "tests" / "support" / "data"
CORPUS = Path(__file__).parent / "corpus"
MARK = b"#"  # the first byte of an input that is a content to be packed


def model():
    layers = [gru_c.GRU(3, input_shape=(None, 2), return_sequences=True), gru_c.LSTM(2)]
    built = gru_c.Sequential([*layers, gru_c.Dense(1)], seed=0)
    built.compile("adam", "mse")
    built.fit(np.ones((4, 3, 2)), np.ones((4, 1)), verbose=0)
    return built


MODEL = model()


def written(write, name):
    """Return the bytes that ``write(path)`` writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        write(path)
        return path.read_bytes()


def with_digest(content):
    """A safetensors file with the checksum that belongs to its changed content."""
    try:
        size = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + size])["__metadata__"]
        tensors = safetensors.numpy.load(content)
        header["digest"] = digest_of(tensors, header)
        return safetensors.numpy.save(tensors, header)
    except Exception:  # a header that nobody can read is the reader's to refuse
        return content


def in_archive(config):
    """A Keras file whose configuration is the input."""
    file = io.BytesIO()
    with zipfile.ZipFile(ARCHIVE) as source, zipfile.ZipFile(file, "w") as target:
        for name in source.namelist():
            target.writestr(name, config if name == "config.json" else source.read(name))
    return file.getvalue()


def unpacked():
    for name in ("sequences_3", "functional_3", "integers", "strings", "trained_2_sgd"):
        with zipfile.ZipFile(DATA / "keras" / f"{name}.keras") as file:
            yield MARK + file.read("config.json")


ARCHIVE = io.BytesIO((DATA / "keras" / "sequences_3.keras").read_bytes())


def resume(path):
    model().fit(
        np.ones((4, 3, 2)), np.ones((4, 1)), checkpoint=path, resume=True, epochs=1, verbose=0
    )


def graph(path):
    gru_onnx.load(path).to_sequential()


def table(path):
    options = ReadingOptions()
    source = read_source(path, options)
    names = columns_of(source, options)
    describe_columns(source, options, names)
    if len(names) > 1:
        read_table(path, names[-1], names[0], names[1:-1])


def forecaster():
    pandas = __import__("pandas")
    days = pandas.date_range("2020-01-01", periods=40, freq="D")
    fitted = Forecaster(horizon=2, lookback=6, units=3, epochs=1, seed=0, verbose=0)
    return fitted.fit(pandas.Series(np.arange(40.0), days))


def checkpoint(path):
    MODEL.fit(np.ones((4, 3, 2)), np.ones((4, 1)), checkpoint=path, verbose=0)


def stored(folder, *patterns):
    return [file.read_bytes() for pattern in patterns for file in sorted(folder.glob(pattern))]


# name: the file's name, the reader, what packs a content, the first inputs
READERS = {
    "safetensors": (
        "model.safetensors",
        gru_c.load_model,
        with_digest,
        lambda: [written(MODEL.save, "a.safetensors")],
    ),
    "predictor": (
        "model.safetensors",
        gru_c.load_predictor,
        with_digest,
        lambda: [written(MODEL.save, "a.safetensors")],
    ),
    "checkpoint": (
        "run.safetensors",
        resume,
        with_digest,
        lambda: [written(checkpoint, "a.safetensors")],
    ),
    "forecaster": (
        "model.safetensors",
        Forecaster.load,
        with_digest,
        lambda: [written(forecaster().save, "a.safetensors")],
    ),
    "keras": (
        "model.keras",
        gru_c.load_model,
        in_archive,
        lambda: [*unpacked(), *stored(DATA / "keras", "*_3.keras")],
    ),
    "h5": ("model.h5", gru_c.load_model, bytes, lambda: stored(DATA / "keras", "*_?.h5")),
    "onnx": ("model.onnx", graph, bytes, lambda: stored(DATA / "onnx", "*.onnx")),
    "csv": ("data.csv", table, bytes, lambda: stored(CORPUS / "csv", "*")),
}


def main(name, *options):
    file_name, read, pack, first_inputs = READERS[name]
    warnings.simplefilter("ignore")  # files may be odd
    shared = Path("/dev/shm")
    folder = tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None)
    path = Path(folder.name, file_name)

    def target(data):
        path.write_bytes(pack(data[1:]) if data[:1] == MARK else data)
        with contextlib.suppress(ValueError, ImportError):  # of a package that is not here
            read(path)

    inputs = Path(folder.name, "first")
    inputs.mkdir()
    for number, content in enumerate(first_inputs()):
        Path(inputs, str(number)).write_bytes(content)
        if pack is with_digest:
            Path(inputs, f"{number}_packed").write_bytes(MARK + content)
    folders = [argument for argument in options if not argument.startswith("-")]
    rest = [argument for argument in options if argument.startswith("-")]
    # The first folder is the one that libFuzzer writes to.
    arguments = [*rest, *(folders or [str(inputs)]), str(inputs)]
    atheris.Setup([sys.argv[0], *arguments], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
