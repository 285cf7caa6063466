"""Writes guides/keras_names.md: which names of Keras gru_c has.

Run it as ``python docs/keras_names.py``, with Keras and one of its backends installed.
"""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from types import ModuleType

from gru_c.common.missing_names import ADVICE

PAGE = Path(__file__).parent / "guides" / "keras_names.md"
NAMESPACES = (
    *("layers", "models", "losses", "metrics", "optimizers", "optimizers.schedules", "callbacks"),
    *("activations", "initializers", "regularizers", "constraints", "utils"),
    *("preprocessing.sequence", "datasets", "backend", "ops"),
)
HEAD = """# Moving a Keras program: the names that gru_c has

In a program that uses `Sequential`, `import gru_c as keras` in place of `import keras` finds the
names in the first table. An attribute that is missing raises an error that says what to use
instead, or the nearest name. This page is written by `docs/keras_names.py`, which compares gru_c
with Keras {version}.
"""


def names_of(module: ModuleType) -> list[str]:
    """Return the public names of a namespace, without modules and aliases in lower case."""
    return sorted(
        name
        for name in dir(module)
        if not name.startswith("_")
        and (module.__name__.endswith("datasets") or not inspect.ismodule(getattr(module, name)))
    )


def page() -> str:
    """Return the text of the page."""
    keras = importlib.import_module("keras")
    there = ["", "## There", "", "| namespace | names |", "|---|---|"]
    missing = ["", "## Not there", "", "| namespace | names |", "|---|---|"]
    advice = ["", "## Instead", "", "| name | use |", "|---|---|"]
    for namespace in NAMESPACES:
        ours = importlib.import_module(f"gru_c.{namespace.removeprefix('optimizers.')}")
        names = names_of(importlib.import_module(f"keras.{namespace}"))
        for rows, listed in (
            (there, [name for name in names if hasattr(ours, name)]),
            (missing, [name for name in names if not hasattr(ours, name)]),
        ):
            text = " ".join(f"`{name}`" for name in listed)
            rows += [f"| `{namespace}` | {text} |"] if listed else []
    for namespace, table in ADVICE.items():
        for name, words in table.items():
            label = f"{namespace}.{name}" if namespace else name
            advice.append(f"| `{label}` | {words} |")
    lines = [HEAD.format(version=keras.__version__).rstrip(), *there, *missing, *advice]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
