"""Tables as docutils nodes, for the directives that make one of data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from docutils import nodes


class Cell(NamedTuple):
    """Some text, a smaller line below it, and classes for the style sheet."""

    text: str
    note: str = ""
    classes: tuple[str, ...] = ()
    code: bool = False

    def node(self) -> nodes.entry:
        shown = nodes.literal(self.text, self.text) if self.code else nodes.Text(self.text)
        paragraph = nodes.paragraph("", "", shown)
        if self.note:
            paragraph += nodes.inline(self.note, self.note, classes=["cell-note"])
        return nodes.entry("", paragraph, classes=list(self.classes))


def table(
    caption: str, head: Sequence[Cell], rows: Sequence[Sequence[Cell]], widths: Sequence[int], *classes: str
) -> nodes.table:
    """A table whose first column names the rows."""
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=width, stub=0 if i else 1) for i, width in enumerate(widths)]
    group += nodes.thead("", _row(head))
    group += nodes.tbody("", *map(_row, rows))
    out = nodes.table("", classes=["colwidths-given", *classes])
    if caption:
        out += nodes.title(caption, caption)
    out += group
    return out


def _row(cells: Sequence[Cell]) -> nodes.row:
    return nodes.row("", *(cell.node() for cell in cells))


def paragraph(*parts: Any, classes: Sequence[str] = ()) -> nodes.paragraph:
    """Text and nodes in a row."""
    out = nodes.paragraph(classes=list(classes))
    out += [nodes.Text(part) if isinstance(part, str) else part for part in parts]
    return out
