"""Modules that do not exist: other names of those that do, and errors that say where names are."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType

_PACKAGE = __name__.partition(".")[0]
_LAYERS, _UTILS = "its names are in gru_c.layers", "its names are in gru_c.utils"
_OPTIMIZERS = "its names are in gru_c.optimizers"

# Other names of modules: Keras's, for ``from gru_c.optimizers.schedules import ...``, and those
# that older pickles give for the modules of their classes and functions.
OTHER_NAMES: Mapping[str, str] = {
    "optimizers.schedules": "schedules",
    "initializers.function": "initializers.user_function",
    "losses.function": "losses.user_function",
    "losses.functions": "losses.per_sample",
    "metrics.function": "metrics.user_function",
    "metrics.functions": "metrics.per_sample",
    "metrics.of_losses": "metrics.loss_means",
    "schedules.function": "schedules.user_function",
    "training.doubts": "training.loss_warnings",
}

# Advice by the name of the module below gru_c.
ADVICE: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("layers.core", "layers.recurrent", "layers.recurrent_v2", "layers.embeddings"),
            *("layers.convolutional", "layers.wrappers", "layers.merge"),
            *("layers.advanced_activations", "layers.regularization", "layers.reshaping"),
            *("layers.experimental", "layers.preprocessing"),
            *("layers.cudnn_recurrent", "layers.local", "layers.noise_layers"),
        ),
        _LAYERS,
    ),
    **dict.fromkeys(
        ("utils.vis_utils", "utils.data_utils", "utils.generic_utils", "utils.all_utils"), _UTILS
    ),
    **dict.fromkeys(("optimizers.legacy", "optimizers.experimental"), _OPTIMIZERS),
    **dict.fromkeys(("optimizer_v1", "optimizer_v2", "optimizers_v2"), _OPTIMIZERS),
    "engine": "Sequential is in gru_c.models, layers are in gru_c.layers",
    "legacy": "write what Keras 3 has in its place",
    "wrappers": "use gru_c.sklearn.GRURegressor or GRUClassifier",
    "objectives": "losses are in gru_c.losses",
    "initializations": "they are in gru_c.initializers",
    "preprocessing.image": "gru_c is for sequences and has nothing for images",
    "applications": "gru_c has no pretrained models",
    "estimator": "train with Sequential.fit",
    "saving.legacy": "use model.save and gru_c.load_model",
}


class Alias:
    """Loads a module under one of `OTHER_NAMES`: the same object as under its own name."""

    def create_module(self, spec: ModuleSpec) -> None:
        """Return None: Python makes an empty module, which `exec_module` replaces."""

    def exec_module(self, module: ModuleType) -> None:
        """Put the module of the other name into the place of an empty one."""
        name = module.__name__.partition(".")[2]
        sys.modules[module.__name__] = import_module(f"{_PACKAGE}.{OTHER_NAMES[name]}")


class MissingModules:
    """Finds the modules of `OTHER_NAMES`; raises ModuleNotFoundError with advice for `ADVICE`.

    It has the method of a MetaPathFinder, whose module takes longer to import than all of this one.
    It is the last finder, so that it is asked only for modules that do not exist.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return None for a module of which nothing is known here."""
        package, _, name = fullname.partition(".")
        if package == _PACKAGE and name in OTHER_NAMES:
            return ModuleSpec(fullname, Alias())  # type: ignore[arg-type]
        if package == _PACKAGE and name in ADVICE:
            raise ModuleNotFoundError(
                f"gru_c has no module {fullname}: {ADVICE[name]}", name=fullname
            )
        return None


def install() -> None:
    """Ask this finder after all others."""
    if not any(isinstance(finder, MissingModules) for finder in sys.meta_path):
        sys.meta_path.append(MissingModules())
