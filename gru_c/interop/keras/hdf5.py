"""HDF5 files that anybody may have made: looked at first, then read.

Nothing is followed out of the file, and no array is made that is larger than what the file holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from gru_c.interop.keras.hdf5_check import DAMAGED, check
from gru_c.saving.contents import compare_shapes
from gru_c.utils.arrays import Array
from gru_c.utils.optional import require

# What is read of them besides datasets: the names of Keras's attributes.
ATTRIBUTES = ("model_config", "training_config", "keras_version", "weight_names")


def h5py() -> Any:
    """Return the library, or say how to install it."""
    return require("h5py", "keras")


@contextmanager
def opened(source: Path | bytes) -> Iterator[Any]:
    """Open a file to read, and say of whatever the library raises that the file is damaged."""
    try:
        check(source, ATTRIBUTES)
        stream = BytesIO(source) if isinstance(source, bytes) else source
        with h5py().File(stream, "r") as file:
            if file.id.get_create_plist().get_sizes() != (8, 8):
                raise ValueError("an HDF5 file whose addresses are not of 8 bytes is not read")
            yield file
    except (OSError, RuntimeError, KeyError) as error:
        raise ValueError(f"{DAMAGED} ({error})") from error


def member(group: Any, path: str) -> Any:
    """Return the group or dataset at a path, or None; ValueError for a link to somewhere else."""
    for name in path.split("/"):
        if name in ("", ".") or not isinstance(group, h5py().Group):
            return None
        link = group.get(name, getlink=True)
        if link is None:
            return None
        if not isinstance(link, h5py().HardLink):
            raise ValueError(f"{name!r} in {path!r} is a link to elsewhere, which is not followed")
        group = group[name]
    return group


def datasets_below(file: Any, path: str) -> dict[str, Any]:
    """Return all datasets in a group of a file, "" for the file, and in the groups below it."""
    group = member(file, path) if path else file
    found: dict[str, Any] = {}

    def keep(name: str, item: Any) -> None:
        if isinstance(item, h5py().Dataset):
            found[f"{path}/{name}" if path else name] = item

    if isinstance(group, h5py().Group):
        group.visititems(keep)  # follows no links to elsewhere
    return found


def read_weights(
    file: Any, wanted: Mapping[str, tuple[int, ...]], others: Mapping[str, Any], size: int
) -> list[Array]:
    """Read the datasets of these paths and shapes.

    Parameters
    ----------
    file : h5py.File
    wanted : dict of str to tuple of int
        Paths and shapes.
    others : dict of str to dataset
        Further datasets that stand where weights do.
    size : int
        Bytes of the file, which the datasets together cannot exceed.

    Raises
    ------
    ValueError
        When one is missing, superfluous, of another shape, of numbers that are no floats, or not
        kept in this file as it is.
    """
    found = {path: member(file, path) for path in wanted}
    datasets = {path: item for path, item in found.items() if isinstance(item, h5py().Dataset)}
    shapes = {path: item.shape or () for path, item in {**others, **datasets}.items()}
    compare_shapes("dataset", wanted, shapes)
    for path, dataset in datasets.items():
        _check_numbers(path, dataset)
    total = sum(dataset.id.get_storage_size() for dataset in datasets.values())
    if total > size:
        raise ValueError(f"the datasets claim {total} bytes, in a file of {size}")
    return [datasets[path][()] for path in wanted]


def integer(file: Any, path: str) -> int:
    """Return the integer at a path; ValueError where there is none."""
    dataset = member(file, path)
    if not isinstance(dataset, h5py().Dataset) or dataset.shape != ():
        raise ValueError(f"{path!r} is not a dataset of one number")
    _check_numbers(path, dataset, "iu")
    return int(dataset[()])


def _check_numbers(path: str, dataset: Any, kinds: str = "f") -> None:
    """Raise ValueError unless the dataset is a plain array of such numbers, all in the file."""
    h5d = h5py().h5d
    layout = dataset.id.get_create_plist().get_layout()
    if layout not in (h5d.CONTIGUOUS, h5d.COMPACT) or dataset.external:
        # Keras writes no others; chunks and virtual datasets may be small and stand for much.
        raise ValueError(f"the dataset {path!r} is chunked, virtual or in another file")
    try:
        dtype = dataset.dtype
    except TypeError as error:  # of HDF5 alone
        raise ValueError(f"the dataset {path!r} is of an unknown type: {error}") from None
    if dtype.kind not in kinds or dtype.itemsize > 8:
        wanted = "float16, 32 or 64" if kinds == "f" else "an integer"
        raise ValueError(f"the dataset {path!r} has dtype {dtype}, not {wanted}")
    needed, kept = dataset.size * dtype.itemsize, dataset.id.get_storage_size()
    if kept != needed:
        raise ValueError(f"the dataset {path!r} needs {needed} bytes, the file keeps {kept}")


def text(item: Any, name: str, size: int) -> str | None:
    """Return the attribute of that name, a string; None where there is none."""
    if name not in item.attrs:
        return None
    value = _strings(item, name, (), size)
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def texts(item: Any, name: str, count: int | None, size: int) -> list[str]:
    """Return the attribute of that name, so many strings, or any number of them."""
    if name not in item.attrs:
        raise ValueError(f"{item.name!r} has no attribute {name!r}")
    shape = item.attrs.get_id(name).shape
    if shape == (0,) and not count:
        return []  # of numbers, since it is empty
    any_number = shape if count is None and len(shape) == 1 else None
    values = _strings(item, name, any_number or (count or 1,), size)
    return [v.decode("utf-8") if isinstance(v, bytes) else str(v) for v in values]


def _strings(item: Any, name: str, shape: tuple[int, ...], size: int) -> Any:
    """Read an attribute of strings, once its shape and size are known to be right."""
    assert name in ATTRIBUTES  # checked when the file was opened
    attribute = item.attrs.get_id(name)
    if attribute.shape != shape or h5py().check_string_dtype(attribute.dtype) is None:
        wanted = f"{shape[0]} strings" if shape else "a string"
        raise ValueError(
            f"the attribute {name!r} of {item.name!r} is not {wanted} but of shape "
            f"{attribute.shape}, dtype {attribute.dtype}"
        )
    if attribute.get_storage_size() > size:
        raise ValueError(f"the attribute {name!r} of {item.name!r} is larger than the file")
    return item.attrs[name]
