"""Files: models that are saved and loaded again, and the writing of a file."""

import os
import re
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from saved_models import X, Y, trained

import gru_c
from gru_c import GRU, Dense, Input, Sequential, optimizers, schedules
from gru_c.losses import Huber
from gru_c.saving import files

# ---- models in a file ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_model_comes_back_to_the_bit(path, dtype):
    model = Sequential([GRU(5, input_shape=(6, 4)), Dense(2)], dtype=dtype)
    model.save(path)
    again = gru_c.load_model(path)
    assert again.dtype == dtype
    assert again.input_shape == (None, 6, 4)
    assert again.optimizer is None
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def test_layers_and_compilation_come_back(path):
    rate = schedules.CosineDecay(0.01, decay_steps=100)
    model = trained(optimizers.AdamW(rate, clipnorm=1.0), Huber(0.5), ["rmse", "mae"])
    model.save(str(path))
    again = gru_c.load_model(str(path))
    assert again.name == "weather"
    for layer, loaded in zip(model.layers, again.layers, strict=True):
        assert loaded.get_config() == layer.get_config()
    assert again.optimizer.get_config() == model.optimizer.get_config()
    assert again.optimizer.iterations == 0
    assert again.loss.get_config() == {"delta": 0.5}
    assert again.evaluate(X, Y, return_dict=True, verbose=0) == pytest.approx(
        model.evaluate(X, Y, return_dict=True, verbose=0), rel=1e-6
    )
    again.fit(X, Y, verbose=0)


@pytest.mark.parametrize(
    "optimizer", [optimizers.Adam(), optimizers.SGD(0.1, 0.9), optimizers.RMSprop(centered=True)]
)
def test_training_continues_to_the_bit_with_the_optimizer(path, optimizer):
    model = trained(type(optimizer)(**optimizer.get_config()))
    model.save(path, include_optimizer=True)
    again = gru_c.load_model(path)
    assert again.optimizer.iterations == model.optimizer.iterations > 0
    for each in (model, again):
        each.fit(X, Y, epochs=2, verbose=0, seed=9)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_first_layers_of_a_model_are_a_model_of_their_own_in_a_file(path):
    model = Sequential([Input((5, 4)), GRU(3), Dense(1)], seed=0)
    features = Sequential(model.layers[:-1])
    assert features.input_shape == (None, 5, 4)
    features.save(path)
    x = np.random.default_rng(0).standard_normal((2, 5, 4))
    again = gru_c.load_model(path)
    np.testing.assert_array_equal(again.predict(x), features.predict(x))


def test_a_model_of_layers_built_by_hand_in_a_file(path):
    layer = GRU(3)
    x = np.random.default_rng(0).standard_normal((2, 5, 4))
    expected = layer(x)
    Sequential([layer]).save(path)
    again = gru_c.load_model(path)
    assert again.input_shape == (None, None, 4)
    np.testing.assert_array_equal(again.predict(x), expected)


def test_a_model_built_for_a_batch_size(path):
    model = Sequential([GRU(3), Dense(1)])
    model.build((32, 5, 4))
    model.save(path)
    assert gru_c.load_model(path).input_shape == (None, 5, 4)


# ---- writing -------------------------------------------------------------------------------------


def test_a_file_is_replaced_whole_or_not_at_all(path, monkeypatch):
    model = trained()
    model.save(path)
    before = path.read_bytes()
    model.fit(X, Y, verbose=0)

    def broken(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="disk full"):
        model.save(path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]
    monkeypatch.undo()
    model.save(path)
    assert path.read_bytes() != before


@pytest.mark.parametrize(
    ("save", "message"),
    [
        (lambda p: Sequential([GRU(5)]).save(p), "no weights yet, so save is not possible"),
        (
            lambda p: Sequential([GRU(5, input_shape=(6, 4))]).save(p, include_optimizer=True),
            "the model has no optimizer: compile it first",
        ),
        (
            lambda p: trained().save(p.with_suffix(".npz")),
            "one of .safetensors, .keras, .h5, .hdf5",
        ),
        (lambda p: trained().save(p.parent / "no" / "m.safetensors"), "there is no folder"),
        (
            lambda p: Sequential(
                [GRU(5, input_shape=(6, 4), kernel_initializer=lambda s, d, r: np.zeros(s, d))]
            ).save(p),
            "layer 'gru' cannot be described in a file",
        ),
    ],
)
def test_what_cannot_be_saved(path, save, message):
    with pytest.raises((ValueError, OSError), match=message):
        save(path)
    assert os.listdir(path.parent) == []


# ---- existing files ------------------------------------------------------------------------------


def test_a_file_that_is_replaced_keeps_its_links_and_permissions(tmp_path):
    model = Sequential([GRU(3, input_shape=(4, 2))], seed=0)
    target, link = tmp_path / "real.safetensors", tmp_path / "link.safetensors"
    model.save(target)
    target.chmod(0o600)
    link.symlink_to(target)
    changed = Sequential([GRU(3, input_shape=(4, 2))], seed=1)
    changed.save(link)
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o600
    read = gru_c.load_model(target)
    np.testing.assert_array_equal(read.get_weights()[0], changed.get_weights()[0])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_a_pipe_is_written_to(tmp_path):
    pipe, received = tmp_path / "pipe.safetensors", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    model = Sequential([GRU(3, input_shape=(4, 2))], seed=0)
    model.save(pipe)
    reader.join(60)
    assert pipe.is_fifo()
    (tmp_path / "file.safetensors").write_bytes(received[0])
    read = gru_c.load_model(tmp_path / "file.safetensors")
    np.testing.assert_array_equal(read.get_weights()[0], model.get_weights()[0])


# ---- files that killed processes left ------------------------------------------------------------


def leftovers(target):
    return sorted(target.parent.glob(f".{target.name}.*"))


@pytest.mark.parametrize("suffix", [".safetensors", ".keras", ".weights.h5"])
def test_leftovers_of_killed_processes_are_deleted_with_the_next_save(tmp_path, suffix):
    if suffix != ".safetensors":
        pytest.importorskip("h5py")
    target = tmp_path / f"model{suffix}"
    model = Sequential([GRU(3, input_shape=(4, 2))], seed=0)
    save = model.save_weights if "weights" in suffix else model.save
    others = [".other.safetensors.tmp", f".{target.name}.tmp", f".{target.name}.mine.tmp"]
    for name in others:
        (tmp_path / name).touch()
    for number in range(3):
        (tmp_path / f".{target.name}.{number:032x}.tmp").write_bytes(bytes(10))
    save(target)
    assert sorted(os.listdir(tmp_path)) == sorted([target.name, *others])


def test_a_system_without_locks_renames_files_that_are_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "fcntl", None)  # as on Windows
    for name in ("fchown", "fchmod"):
        monkeypatch.delattr(os, name)
    opened, rename = [], Path.replace

    def open_file(*arguments):
        opened.append(open(*arguments))  # noqa: SIM115
        return opened[-1]

    def replace(path, target):
        assert opened[-1].closed
        return rename(path, target)

    monkeypatch.setattr(files, "open", open_file, raising=False)
    monkeypatch.setattr(Path, "replace", replace)
    target = tmp_path / "model.safetensors"
    (tmp_path / f".{target.name}.{1:032x}.tmp").touch()
    for content in (b"first", b"second\n"):
        files.write_whole(target, content)
        assert target.read_bytes() == content
    assert len(opened) == 2
    assert os.listdir(tmp_path) == [target.name]


def test_a_process_that_is_killed_while_it_saves_leaves_nothing_for_long(tmp_path, run_python):
    target = tmp_path / "model.safetensors"
    code = (
        "import os, signal, gru_c\n"
        "from pathlib import Path\n"
        "model = gru_c.Sequential([gru_c.GRU(3, input_shape=(4, 2))], seed=0)\n"
        "Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"model.save({os.fspath(target)!r})\n"
    )
    assert run_python(code).returncode == -signal.SIGKILL
    assert len(leftovers(target)) == 1
    Sequential([GRU(3, input_shape=(4, 2))], seed=0).save(target)
    assert os.listdir(tmp_path) == [target.name]


def test_a_file_that_another_thread_writes_is_not_taken_for_a_leftover(path, monkeypatch):
    model = Sequential([GRU(3, input_shape=(4, 2))], seed=0)
    replace = Path.replace

    def replace_after_another_save(temporary, target):
        monkeypatch.setattr(Path, "replace", replace)
        changed = Sequential([GRU(3, input_shape=(4, 2))], seed=1)
        changed.save(path)
        assert temporary.exists()
        replace(temporary, target)

    monkeypatch.setattr(Path, "replace", replace_after_another_save)
    model.save(path)
    read = gru_c.load_model(path)
    np.testing.assert_array_equal(read.get_weights()[0], model.get_weights()[0])
    assert leftovers(path) == []


def test_a_new_file_that_is_deleted_before_it_is_locked_is_made_again(path, monkeypatch):
    flock, taken = files.fcntl.flock, []

    def flock_after_another_process(file, operation):
        if not taken:
            taken.extend(leftovers(path))
            taken[0].unlink()
        flock(file, operation)

    monkeypatch.setattr(files.fcntl, "flock", flock_after_another_process)
    Sequential([GRU(3, input_shape=(4, 2))], seed=0).save(path)
    assert len(taken) == 1
    assert os.listdir(path.parent) == [path.name]


def test_a_file_with_permissions_is_never_open_to_others_while_it_is_written(path, monkeypatch):
    model, modes, replace = Sequential([GRU(3, input_shape=(4, 2))], seed=0), [], Path.replace
    make = files._locked_file_beside

    def make_and_look(target, mode):
        temporary, file = make(target, mode)
        modes.append(temporary.stat().st_mode & 0o777)
        return temporary, file

    def look_and_replace(temporary, target):
        modes.append(temporary.stat().st_mode & 0o777)
        replace(temporary, target)

    monkeypatch.setattr(files, "_locked_file_beside", make_and_look)
    monkeypatch.setattr(Path, "replace", look_and_replace)
    before = os.umask(0o027)
    try:
        model.save(path)
        path.chmod(0o606)
        model.save(path)
    finally:
        os.umask(before)
    assert modes == [0o640, 0o640, 0o600, 0o606]


# ---- checksums -----------------------------------------------------------------------------------


def test_any_changed_bit_is_an_error(path):
    trained().save(path, include_optimizer=True)
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    header = range(8 * (8 + int.from_bytes(content[:8], "little")))
    for bit in [*header[:: len(header) // 150], *rng.integers(8 * len(content), size=150)]:
        content[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(content)
        with pytest.raises(ValueError, match=re.escape(str(path))):
            gru_c.load_model(path)
        content[bit // 8] ^= 1 << (bit % 8)
    path.write_bytes(content)
    gru_c.load_model(path, verify=True)


def test_a_bit_in_the_name_of_the_checksum_is_an_error(path):
    trained().save(path)
    content = path.read_bytes()
    for name in (b'"Digest"', b'"digesu"'):
        path.write_bytes(content.replace(b'"digest"', name))
        with pytest.raises(ValueError, match="is damaged: its contents do not match the checksum"):
            gru_c.load_model(path)


def test_files_without_a_checksum_are_read_unless_verify_asks_for_it(path):
    trained().save(path)
    tensors = load_file(path)
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    del metadata["digest"]
    save_file(tensors, path, metadata)
    assert gru_c.load_model(path).get_weights()
    assert gru_c.load_predictor(path, mmap=True, verify=False)
    for load in (gru_c.load_model, gru_c.load_predictor):
        with pytest.raises(ValueError, match="has no checksum of its contents, which verify=True"):
            load(path, verify=1)
    with pytest.raises(ValueError, match="verify=True asks for"):
        gru_c.load_predictor(path, verify=True, mmap=True)
    with pytest.raises(TypeError, match="verify must be True or False"):
        gru_c.load_model(path, verify=2)


def test_a_file_that_was_changed_on_purpose_is_read_without_the_check(path):
    model = trained()
    model.save(path)
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    save_file({name: array + 1 for name, array in load_file(path).items()}, path, metadata)
    with pytest.raises(ValueError, match=r"read it with load_model\(verify=False\)"):
        model.load_weights(path)
    with pytest.raises(ValueError, match="do not match the checksum"):
        gru_c.load_predictor(path, mmap=True)
    read = gru_c.load_model(path, verify=False)
    np.testing.assert_array_equal(read.get_weights()[0], model.get_weights()[0] + 1)


def test_files_of_keras_have_checksums_of_their_own_or_none(tmp_path):
    pytest.importorskip("h5py")
    model = Sequential([GRU(3, input_shape=(4, 2))], seed=0)
    for suffix in (".keras", ".h5"):
        model.save(tmp_path / f"model{suffix}")
        with pytest.raises(ValueError, match=r"verify=False is for a \.safetensors"):
            gru_c.load_model(tmp_path / f"model{suffix}", verify=False)
    with pytest.raises(ValueError, match="has no checksum of its contents"):
        gru_c.load_model(tmp_path / "model.h5", verify=True)
    assert gru_c.load_model(tmp_path / "model.keras", verify=True).get_weights()
    content = bytearray((tmp_path / "model.keras").read_bytes())
    content[content.index(model.get_weights()[0].tobytes()[:16])] ^= 1
    (tmp_path / "model.keras").write_bytes(content)
    with pytest.raises(ValueError, match="CRC"):
        gru_c.load_model(tmp_path / "model.keras", verify=True)
