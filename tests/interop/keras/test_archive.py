"""The zip of a ``.keras`` file is read with limits."""

import zipfile

import pytest
from keras_rewriting import CONFIG, WEIGHTS, write

from gru_c.interop import keras


def test_a_zip_of_something_else(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(ValueError, match=r"no \.keras file: the zip has no 'config.json'"):
        keras.load(path)


@pytest.mark.parametrize(
    ("member", "size"), [(CONFIG, 2**25), (WEIGHTS, 2**27), ("metadata.json", 2**25)]
)
def test_a_zip_that_unpacks_to_a_thousand_times_its_size(path, member, size):
    write(path, {member: b" " * size}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < size / 500
    with pytest.raises(ValueError, match=f"'{member}' claims {size} bytes"):
        keras.load(path)


def test_a_zip_that_was_packed_again(path):
    write(path, {}, zipfile.ZIP_DEFLATED)
    assert keras.load(path).built
    write(path, {}, zipfile.ZIP_LZMA)
    with pytest.raises(ValueError, match="is compressed by method 14"):
        keras.load(path)
