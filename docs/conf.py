"""How Sphinx makes these pages: `python -m sphinx -W --keep-going -b html docs docs/_build`.

Nothing is fetched, neither for building nor for reading: formulas become MathML, which browsers
show by themselves, fonts are those of the reader's system, and the pictures lie in this folder.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from docutils.nodes import SkipNode
from latex2mathml.converter import convert

sys.path.insert(0, str(Path(__file__).parent.parent))

from gru_c import __version__

project = "gru_c"
author = "The gru_c developers"
copyright = f"{author}, MIT licence"  # noqa: A001 - Sphinx's name
version = release = __version__

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
default_role = "py:obj"  # what docstrings have between single backticks

myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3

maximum_signature_line_length = 88
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say what arguments are, and of what shape
numpydoc_class_members_toctree = False
numpydoc_show_class_members = False  # autodoc does, whole

highlight_language = "none"  # of blocks that do not say
html_theme = "furo"
html_title = f"gru_c {release}"
html_static_path = ["_static"]
html_css_files = ["gru_c.css"]
html_show_sphinx = False
html_math_renderer = "mathml"  # below
pygments_style = "friendly"
pygments_dark_style = "github-dark"


PRIME = re.compile("<msup>(<mi>[^<]*</mi>)<mi>&#x02032;</mi></msup>")


def mathml(formula: str, display: str) -> str:
    """Return TeX as MathML, with primes of full size, and letters marked for the style sheet."""
    text = convert(formula, display=display)
    text = PRIME.sub(r"<mrow>\1<mo>&#x02032;</mo></mrow>", text)
    return re.sub(r"<mi>(\w)</mi>", r'<mi class="letter">\1</mi>', text)


def write_inline(writer: Any, node: Any) -> None:
    """Write a formula within a line."""
    writer.body.append(mathml(node.astext(), "inline"))
    raise SkipNode  # nothing below it is left to write


def write_block(writer: Any, node: Any) -> None:
    """Write a displayed formula."""
    writer.body.append(f'<div class="formula">{mathml(node.astext(), "block")}</div>')
    raise SkipNode


def find_by_its_end(app: Any, env: Any, node: Any, content: Any) -> Any:
    """Find what docstrings call `Layer.backward` or `Dense`: the one full name that ends so."""
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or not target[:1].isupper():
        return None
    domain = env.domains.python_domain
    names = [name for name in domain.objects if name.endswith("." + target)]
    if len(names) != 1:
        return None
    page = node["refdoc"]
    return domain.resolve_xref(env, page, app.builder, "obj", names[0], node, content)


def setup(app: Any) -> dict[str, Any]:
    """Register the writer of formulas, and the search for names."""
    app.connect("missing-reference", find_by_its_end)
    app.add_html_math_renderer("mathml", (write_inline, None), (write_block, None))
    return {"parallel_read_safe": True}
