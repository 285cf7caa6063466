"""The configuration of Sphinx: `python -m sphinx -W --keep-going -b html docs docs/_build`.

Building and reading the pages needs no network: formulas become MathML, which browsers display
without help, the fonts are those of the reader's system, and the pictures are in this folder.
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
default_role = "py:obj"  # for names between single backticks in docstrings

myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3

maximum_signature_line_length = 88
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings give types and shapes of arguments
numpydoc_class_members_toctree = False
numpydoc_show_class_members = False  # autodoc shows them completely

highlight_language = "none"  # for blocks that do not name a language
html_theme = "furo"
html_title = f"gru_c {release}"
html_static_path = ["_static"]
html_css_files = ["gru_c.css"]
html_show_sphinx = False
html_math_renderer = "mathml"  # registered in `setup`
pygments_style = "friendly"
pygments_dark_style = "github-dark"


PRIME = re.compile("<msup>(<mi>[^<]*</mi>)<mi>&#x02032;</mi></msup>")


def mathml(formula: str, display: str) -> str:
    """Return TeX as MathML with full-size primes and with letters marked for the style sheet."""
    text = convert(formula, display=display)
    text = PRIME.sub(r"<mrow>\1<mo>&#x02032;</mo></mrow>", text)
    return re.sub(r"<mi>(\w)</mi>", r'<mi class="letter">\1</mi>', text)


def write_inline(writer: Any, node: Any) -> None:
    """Write a formula within a line."""
    writer.body.append(mathml(node.astext(), "inline"))
    raise SkipNode  # the node's children are already written


def write_block(writer: Any, node: Any) -> None:
    """Write a displayed formula."""
    writer.body.append(f'<div class="formula">{mathml(node.astext(), "block")}</div>')
    raise SkipNode


def resolve_short_name(app: Any, env: Any, node: Any, content: Any) -> Any:
    """Resolve a short name, such as `Layer.backward` or `Dense`, if one full name ends with it."""
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
    """Register the writers of formulas and the resolver of short names."""
    app.connect("missing-reference", resolve_short_name)
    app.add_html_math_renderer("mathml", (write_inline, None), (write_block, None))
    return {"parallel_read_safe": True}
