"""The docstrings of the package as Sphinx wants them, their formulas as MathML, and a check that none is left out."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

import xentropy

logger = logging.getLogger(__name__)

PUBLIC = {name for name, x in vars(xentropy).items() if not name.startswith("_") and callable(x)} | {"SEMANTICS"}
# what has a role already, or two backquotes, or only one
QUOTED = re.compile(r"(?P<done>:[\w:]+:`[^`]*`|``.+?``)|`(?P<name>[^`]+)`")


def linked(match: re.Match[str]) -> str:
    """A name in backquotes is a link if it is one of ours, and code if not."""
    name = match["name"]
    if name is None:
        return match["done"]
    return f":py:obj:`~xentropy.{name}`" if name in PUBLIC else f"``{name}``"


def prepare(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Before napoleon reads them."""
    out = []
    for line in lines:
        if line.startswith("All other parameters"):
            out.append("")  # two empty lines end a list of parameters: what follows is a sentence
        out.append(QUOTED.sub(linked, line))
    lines[:] = out


def all_are_documented(app: Any, env: Any) -> None:
    found = {name for name, *_ in env.get_domain("py").get_objects()}
    for name in sorted(PUBLIC):
        if f"xentropy.{name}" not in found:
            logger.warning("xentropy.%s is public and not in the reference", name)


# ---------------------------------------------------------------------------------------------
# formulas, which browsers draw by themselves: no script is loaded from anywhere


def plain(tex: str) -> str:
    """Without what the converter does not know: sizes of delimiters, and fractions without braces."""
    tex = re.sub(r"\\(?:big|Big|bigg|Bigg)[lrm]?(?![a-zA-Z])", "", tex)
    return re.sub(r"(\\[td]?frac)\s*(\d)(\d)", r"\1{\2}{\3}", tex)


def inline_math(self: Any, node: nodes.math) -> None:
    self.body.append(tex2mathml(plain(node.astext())))
    raise nodes.SkipNode


def block_math(self: Any, node: nodes.math_block) -> None:
    self.body.append(f'<div class="formula">{tex2mathml(plain(node.astext()), as_block=True)}</div>\n')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, Any]:
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", prepare, priority=100)
    app.connect("env-check-consistency", all_are_documented)
    app.add_html_math_renderer("mathml", (inline_math, None), (block_math, None))
    return {"version": "1", "parallel_read_safe": True}
