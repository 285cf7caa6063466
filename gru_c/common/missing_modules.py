"""Errors for modules that Keras had or has, and gru_c does not: where their names are."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from types import ModuleType

_PACKAGE = __name__.partition(".")[0]
_LAYERS, _UTILS = "its names are in gru_c.layers", "its names are in gru_c.utils"
_OPTIMIZERS = "its names are in gru_c.optimizers"

# Advice by the name of the module below gru_c.
ADVICE: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("layers.core", "layers.recurrent", "layers.recurrent_v2", "layers.embeddings"),
            *("layers.convolutional", "layers.wrappers", "layers.merge", "layers.merging"),
            *("layers.advanced_activations", "layers.regularization", "layers.reshaping"),
            *("layers.attention", "layers.experimental", "layers.preprocessing"),
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
    "ops": "use NumPy",
    "saving.legacy": "use model.save and gru_c.load_model",
}


class MissingModules:
    """Finds no module: raises ModuleNotFoundError with advice for those of `ADVICE`.

    It has the method of a MetaPathFinder, whose module takes longer to import than all of this one.
    It is the last finder, so that it is asked only for modules that do not exist.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> None:
        """Return None for a module of which nothing is known here."""
        package, _, name = fullname.partition(".")
        if package == _PACKAGE and name in ADVICE:
            raise ModuleNotFoundError(
                f"gru_c has no module {fullname}: {ADVICE[name]}", name=fullname
            )


def install() -> None:
    """Ask this finder after all others."""
    if not any(isinstance(finder, MissingModules) for finder in sys.meta_path):
        sys.meta_path.append(MissingModules())
