"""Reading of HDF5 files from untrusted sources: they are checked first.

Links out of the file are not followed, and no array is allocated that is larger than the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from gru_c.common.arrays import Array
from gru_c.common.optional import require
from gru_c.interop.keras.hdf5_check import DAMAGED, check
from gru_c.saving.contents import compare_shapes

# Names of Keras's attributes, which are read besides datasets.
ATTRIBUTES = ("model_config", "training_config", "keras_version", "layer_names", "weight_names")
LARGEST_ATTRIBUTE = 64512  # bytes of an attribute, in files that Keras writes


def h5py() -> Any:
    """Return the library; raise ImportError, which says how to install it."""
    return require("h5py", "keras")


@contextmanager
def opened(source: Path | bytes) -> Iterator[Any]:
    """Open a file to read; turn the library's exceptions into a ValueError: the file is damaged."""
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
    """Return the group or dataset at a path, or None; raise ValueError for a link to elsewhere."""
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
    """Return all datasets in a group and below it; the path "" stands for the whole file."""
    group = member(file, path) if path else file
    datasets: dict[str, Any] = {}

    def collect(name: str, item: Any) -> None:
        if isinstance(item, h5py().Dataset):
            datasets[f"{path}/{name}" if path else name] = item

    if isinstance(group, h5py().Group):
        group.visititems(collect)  # follows no links to elsewhere
    return datasets


def read_weights(
    file: Any, wanted: Mapping[str, tuple[int, ...]], others: Mapping[str, Any], size: int
) -> list[Array]:
    """Return the arrays of the datasets with these paths and shapes.

    Parameters
    ----------
    file : h5py.File
    wanted : dict of str to tuple of int
        Paths and shapes.
    others : dict of str to dataset
        All datasets in the group of the weights. There must not be any besides the wanted ones.
    size : int
        Size of the file in bytes, which limits the total size of the datasets.

    Raises
    ------
    ValueError
        When a dataset is missing, superfluous, of another shape or of numbers that are not floats,
        or is not stored in this file as a plain array.
    """
    members = {path: member(file, path) for path in wanted}
    datasets = {path: item for path, item in members.items() if isinstance(item, h5py().Dataset)}
    shapes = {path: item.shape or () for path, item in {**others, **datasets}.items()}
    compare_shapes("dataset", wanted, shapes)
    for path, dataset in datasets.items():
        _check_numbers(path, dataset, "fiu" if dataset.shape == () else "f")  # a count
    total = sum(dataset.id.get_storage_size() for dataset in datasets.values())
    if total > size:
        raise ValueError(f"the datasets claim {total} bytes, in a file of {size}")
    return [datasets[path][()] for path in wanted]


def integer(file: Any, path: str) -> int:
    """Return the integer at a path; raise ValueError if there is none."""
    dataset = member(file, path)
    if not isinstance(dataset, h5py().Dataset) or dataset.shape != ():
        raise ValueError(f"{path!r} is not a dataset of one number")
    _check_numbers(path, dataset, "iu")
    return int(dataset[()])


def _check_numbers(path: str, dataset: Any, kinds: str = "f") -> None:
    """Raise ValueError unless the dataset is a plain array of such numbers in this file."""
    h5d = h5py().h5d
    layout = dataset.id.get_create_plist().get_layout()
    if layout not in (h5d.CONTIGUOUS, h5d.COMPACT) or dataset.external:
        # Keras writes plain ones; chunked and virtual ones may be small but stand for much data.
        raise ValueError(f"the dataset {path!r} is chunked, virtual or in another file")
    try:
        dtype = dataset.dtype
    except TypeError as error:  # a type without a counterpart in NumPy
        raise ValueError(f"the dataset {path!r} is of an unknown type: {error}") from None
    if dtype.kind not in kinds or dtype.itemsize > 8:
        wanted = "float16, 32 or 64" if kinds == "f" else "an integer"
        raise ValueError(f"the dataset {path!r} has dtype {dtype}, not {wanted}")
    needed, stored = dataset.size * dtype.itemsize, dataset.id.get_storage_size()
    if stored != needed:
        raise ValueError(f"the dataset {path!r} needs {needed} bytes, the file keeps {stored}")


def text(item: Any, name: str, size: int) -> str | None:
    """Return the attribute of that name, a string; None if there is none."""
    if name not in item.attrs:
        return None
    value = _strings(item, name, (), size)
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def texts(item: Any, name: str, count: int | None, size: int) -> list[str]:
    """Return the attribute of that name, a list of `count` strings; None stands for any number."""
    if name not in item.attrs:
        raise ValueError(f"{item.name!r} has no attribute {name!r}")
    shape = item.attrs.get_id(name).shape
    if shape == (0,) and not count:
        return []  # an empty attribute is stored as one of numbers
    any_number = shape if count is None and len(shape) == 1 else None
    values = _strings(item, name, any_number or (count or 1,), size)
    return [v.decode("utf-8") if isinstance(v, bytes) else str(v) for v in values]


def _strings(item: Any, name: str, shape: tuple[int, ...], size: int) -> Any:
    """Return an attribute of strings after checks of its shape and size."""
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
