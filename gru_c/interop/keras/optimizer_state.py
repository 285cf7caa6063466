"""The state of an optimizer in Keras's files: its step count, and its slots weight by weight.

In a ``.keras`` it is ``optimizer/vars/<number>``: the step count; in Keras 3 the learning rate
unless that is a schedule; then the slots. In an older ``.h5`` it is ``optimizer_weights``, with
names that differ between versions: ``Adam/dense/kernel/m:0``, ``Adam/m/dense/kernel:0`` and
``adam/dense_kernel_momentum``. An ``.h5`` of gru_c has it where a ``.keras`` does. The arrays of a
slot are in the order of the model's weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gru_c import optimizers
from gru_c.common.arrays import Array
from gru_c.interop.keras import hdf5
from gru_c.models.model import Model
from gru_c.saving import contents

# Slots by optimizer, in the order of a .keras, with their names in an .h5.
_SLOTS: dict[type[optimizers.Optimizer], dict[str, tuple[str, ...]]] = {
    optimizers.Adam: {
        "momentum": ("m", "momentum"),
        "velocity": ("v", "velocity"),
        "velocity_hat": ("vhat", "velocity_hat"),
    },
    optimizers.SGD: {"momentum": ("m", "momentum")},
    optimizers.RMSprop: {
        "velocity": ("rms", "velocity"),
        "momentum": ("momentum",),
        "average": ("mg", "average_gradient"),
    },
    optimizers.Adagrad: {"accumulator": ("accumulator",)},
    optimizers.Adadelta: {
        "accumulated_grad": ("accum_grad", "accumulated_grad"),
        "accumulated_delta_var": ("accum_var", "accumulated_delta_var"),
    },
    optimizers.Adamax: {"momentum": ("m", "momentum"), "norm": ("v", "norm")},
    optimizers.Nadam: {"momentum": ("m", "momentum"), "velocity": ("v", "velocity")},
    optimizers.Lion: {"momentum": ("m", "momentum")},
}
# Slots that any optimizer may have; in a .keras they come first.
_SHARED = {"weight_average": ("average",), "gradient_sum": ("gradient_accumulator",)}
# Slots that alternate in a .keras: both of a weight, then those of the next weight.
_PAIRS = (
    ("momentum", "velocity"),
    ("momentum", "norm"),
    ("accumulated_grad", "accumulated_delta_var"),
)
_STEPS = ("iteration", "iterations", "iter")
_VARS, _LEGACY = "optimizer/vars", "optimizer_weights"


def restore(model: Model, file: Any, size: int) -> list[str]:
    """Restore the state of the model's optimizer from a file, if the file has one.

    Parameters
    ----------
    model : Model
        The model, compiled with the known parts of the file's compilation.
    file : h5py.File
    size : int
        Size of the file in bytes.

    Returns
    -------
    list of str
        The parts that are left out, with the reason.
    """
    if model.optimizer is None:
        return []
    try:
        places = _legacy_places(model, file, size) or _places(model, file)
        if places is not None:
            _fill(model, file, size, places)
    except ValueError as error:
        return [f"the optimizer's state, its steps and running means ({error})"]
    return []


def _fill(model: Model, file: Any, size: int, places: dict[str, str]) -> None:
    """Read the slots into the optimizer; raise ValueError if the file lacks one of them."""
    steps, slots = hdf5.integer(file, places.pop("")), contents.slot_tensors(model)
    wanted = {place: slots[key].shape for key, place in places.items()}
    slot_arrays = hdf5.read_weights(file, wanted, {}, size)
    contents.fill_optimizer(model, steps, {**slots, **dict(zip(places, slot_arrays, strict=True))})


def _trained(model: Model) -> list[str]:
    """Return the names of the trained weights, which have slots in Keras."""
    items = model.parameters.items
    trained = set(map(id, model.trainable_weights))
    names = zip(contents.weight_names(model), items, strict=True)
    return [name for name, item in names if id(item) in trained]


def _slots(optimizer: optimizers.Optimizer) -> dict[str, tuple[str, ...]]:
    """Return the slots that an optimizer uses, in Keras's order, with their names in an ``.h5``."""
    kind = next(kind for kind in _SLOTS if isinstance(optimizer, kind))
    known = {**_SHARED, **_SLOTS[kind]}
    return {s: names for s, names in known.items() if s in optimizer.all_slot_names()}


def _keys(model: Model) -> list[str]:
    """Return the names of the slots in `gru_c.saving`, in the order of a ``.keras``."""
    optimizer, names = model.optimizer, _trained(model)
    assert optimizer is not None
    slots = list(_slots(optimizer))
    groups: list[tuple[str, ...]] = [(slot,) for slot in slots]
    if not isinstance(optimizer, (optimizers.RMSprop, optimizers.SGD)):
        for pair in _PAIRS:
            if set(pair) <= set(slots):
                first = slots.index(pair[0])
                groups[first : first + 2] = [pair]
    return [f"optimizer/{slot}/{name}" for group in groups for name in names for slot in group]


def _places(model: Model, file: Any) -> dict[str, str] | None:
    """Return the paths of the datasets in a ``.keras`` by slot, and that of the step count by "".

    The result is None if the optimizer has not taken a step: then there is nothing to restore.
    """
    group = hdf5.member(file, _VARS)
    if group is None or "0" not in group or not hdf5.integer(file, f"{_VARS}/0"):
        return None
    second = hdf5.member(file, f"{_VARS}/1")
    head = 1 if getattr(second, "shape", None) != () else 2  # the step count; in Keras 3 the rate
    keys = _keys(model)
    # Nadam has a number at the end, which follows from the step count.
    count = len(group) - head - isinstance(model.optimizer, optimizers.Nadam)
    unused = len(_trained(model)) if isinstance(model.optimizer, optimizers.SGD) else 0
    if count != len(keys) and (keys or count != unused):  # Keras 2 stores a momentum that is 0
        raise ValueError(f"{count} arrays, where the optimizer here has {len(keys)}")
    numbers = range(head, head + len(keys))
    return {"": f"{_VARS}/0", **{key: f"{_VARS}/{i}" for key, i in zip(keys, numbers, strict=True)}}


def _legacy_places(model: Model, file: Any, size: int) -> dict[str, str] | None:
    """Return the same for an older ``.h5``."""
    group = hdf5.member(file, _LEGACY)
    if group is None:
        return None
    assert model.optimizer is not None
    slots = _slots(model.optimizer)
    listed: dict[str, list[str]] = {slot: [] for slot in slots}
    steps = []
    for name in hdf5.texts(group, "weight_names", None, size):
        parts = name.partition(":")[0].split("/")
        if parts[-1] in _STEPS:
            steps.append(name)
        for slot, names in slots.items():
            if _names_slot(parts, names):
                listed[slot].append(name)
    if len(steps) != 1:
        raise ValueError(f"the steps are not among the names of {_LEGACY!r}")
    places = {"": f"{_LEGACY}/{steps[0]}"}
    weights = _trained(model)
    if not hdf5.integer(file, places[""]):
        return None
    for slot, paths in listed.items():
        if len(paths) != len(weights):
            raise ValueError(f"{len(paths)} arrays of {slot}, for {len(weights)} weights")
        places |= {
            f"optimizer/{slot}/{weight}": f"{_LEGACY}/{name}"
            for weight, name in zip(weights, paths, strict=True)
        }
    return places


def _names_slot(parts: list[str], names: tuple[str, ...]) -> bool:
    """Return True if the parts of a name are those of a slot, in one of the three formats."""
    last = parts[-1]
    return (
        last in names
        or (len(parts) > 2 and parts[1] in names)
        or (len(parts) == 2 and any(last.endswith(f"_{name}") for name in names))
    )


# ---- writing ------------------------------------------------------------------------------------


def arrays(model: Model) -> dict[str, Array]:
    """Return the datasets of a compiled model's optimizer in a ``.keras`` of Keras 3."""
    optimizer = model.optimizer
    assert optimizer is not None
    written = {f"{_VARS}/0": np.array(optimizer.iterations, np.int32)}
    if isinstance(optimizer.rate_or_schedule, float):
        written[f"{_VARS}/1"] = np.array(optimizer.rate_or_schedule, np.float32)
    first = len(written)
    slots = contents.slot_tensors(model)
    written |= {f"{_VARS}/{first + i}": slots[key] for i, key in enumerate(_keys(model))}
    if isinstance(optimizer, optimizers.Nadam):
        written[f"{_VARS}/{len(written)}"] = np.array(optimizer.share_product(), model.dtype)
    return written
