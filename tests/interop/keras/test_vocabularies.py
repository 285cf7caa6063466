"""Vocabularies in Keras's files, which Keras wrote with TensorFlow."""

import zipfile

import keras_texts
import numpy as np
import pytest

pytest.importorskip("h5py")
from gru_c import layers
from gru_c.interop import keras as files

EXPECTED = np.load(keras_texts.MODELS / "expected_texts.npz")


def inputs(name):
    _, _, data, shape = keras_texts.MODEL_CASES[name]
    return np.array(data).reshape(-1, *shape)


@pytest.mark.parametrize("name", keras_texts.MODEL_CASES)
def test_a_model_of_keras_has_its_vocabulary_here(name, tmp_path):
    model = files.load(keras_texts.MODELS / f"{name}.keras")
    kind, options, _, _ = keras_texts.MODEL_CASES[name]
    fresh = getattr(layers, kind)(**options)
    fresh.adapt(inputs(name))
    assert model.layers[0].get_vocabulary() == fresh.get_vocabulary()
    np.testing.assert_allclose(model(inputs(name)), EXPECTED[name], rtol=1e-6, atol=1e-7)
    files.save(model, tmp_path / "again.keras")
    again = files.load(tmp_path / "again.keras")
    np.testing.assert_array_equal(again(inputs(name)), model(inputs(name)))


def rewritten(tmp_path, name, change):
    """Return a copy of a file in which a function changes the members of the zip."""
    with zipfile.ZipFile(keras_texts.MODELS / f"{name}.keras") as source:
        members = {item: source.read(item) for item in source.namelist()}
    change(members)
    path = tmp_path / "changed.keras"
    with zipfile.ZipFile(path, "w") as target:
        for item, content in members.items():
            target.writestr(item, content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("integers", b"12\nx", "invalid literal"),
        ("strings", b"[UNK]\na\na", "more than once"),
        ("strings", b"\xff", "utf-8"),
        ("texts_tf_idf", b"[UNK]\na", "idf_weights"),
    ],
)
def test_a_damaged_vocabulary_is_refused(name, content, message, tmp_path):
    def change(members):
        for item in members:
            if item.startswith("assets"):
                members[item] = content

    with pytest.raises(ValueError, match=message):
        files.load(rewritten(tmp_path, name, change))


def test_a_name_in_the_file_is_no_path(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("a\nb\n")

    def change(members):
        text = members["config.json"].replace(
            b'"vocabulary": null', b'"vocabulary": "%s"' % str(secret).encode()
        )
        assert text != members["config.json"]
        members["config.json"] = text

    with pytest.raises(ValueError, match="vocabulary must be a list of tokens"):
        files.load(rewritten(tmp_path, "strings", change))
