"""Keras files of a small model with some parts changed; without h5py their tests are skipped."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from tools import small_model

from gru_c.interop import keras

h5py = pytest.importorskip("h5py")

DATA = Path(__file__).parent / "data" / "keras"
CONFIG, WEIGHTS = "config.json", "model.weights.h5"


def members(source):
    with zipfile.ZipFile(source) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, changes, compression=zipfile.ZIP_STORED):
    """Write the file of the small model with changed or additional members."""
    keras.save(small_model(), path)
    content = {**members(path), **changes}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, member in content.items():
            archive.writestr(name, member)


def write_config(path, change):
    """Write the small model with a changed configuration; `change` may return a new one."""
    keras.save(small_model(), path)
    config = json.loads(members(path)[CONFIG])
    write(path, {CONFIG: json.dumps(change(config) or config)})


def write_weights(path, change):
    """Write the small model with changed weights."""
    keras.save(small_model(), path)
    content = io.BytesIO(members(path)[WEIGHTS])
    with h5py.File(content, "r+") as h5:
        change(h5)
    write(path, {WEIGHTS: content.getvalue()})


def layers(config):
    return config["config"]["layers"]


def change_gru(**options):
    return lambda config: layers(config)[1]["config"].update(options)


def spec(class_name, **config):
    return {"module": "keras.layers", "class_name": class_name, "config": {"name": "x", **config}}
