"""``{safety-table}``: what each safeguard was measured to cost, from `benchmarks/results/safety.json`.

The file is made by `benchmarks/safety.py`. Where it is not there, or holds no rows, the page says so.
"""

from __future__ import annotations

import json
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from sphinx.util.docutils import SphinxDirective
from tables import Cell, paragraph, table

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "safety.json"
# key of the cost, its unit, keys of what the whole call takes and of how far two equal ones were apart
FIGURES = (
    ("call_us", "µs", "call_whole_us", "spread_call"),
    ("element_ns", "ns", "element_whole_ns", "spread_element"),
)


def read(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The machine and the rows; nothing of a file that is absent or is no such file."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}, []
    machine, rows = (found.get("machine"), found.get("rows")) if isinstance(found, dict) else ({}, found)
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return machine if isinstance(machine, dict) else {}, rows


def number(row: dict[str, Any], key: str) -> float | None:
    value = row.get(key)
    usable = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return float(value) if usable else None


def figure(row: dict[str, Any], keys: tuple[str, str, str, str]) -> Cell:
    cost, whole, spread = number(row, keys[0]), number(row, keys[2]), number(row, keys[3])
    if cost is None:
        return Cell("not measured")
    of = "" if whole is None else f"of {digits(whole)} {keys[1]}"
    if whole is not None and spread is not None and abs(cost) <= spread * whole:
        return Cell("within the noise", of, ("figure",))
    return Cell(f"{digits(cost)} {keys[1]}", of, ("figure",))


def digits(x: float) -> str:
    """Two significant ones, without an exponent."""
    shown = f"{x:.0f}" if abs(x) >= 100 or abs(x) < 1e-4 else f"{x:.2g}"
    return shown.replace("-", "−")  # noqa: RUF001


def measured_on(machine: dict[str, Any]) -> str:
    versions = machine.get("versions")
    parts = [str(machine[key]) for key in ("processor", "system") if machine.get(key)]
    parts += [f"{machine['cores']} cores"] if machine.get("cores") else []
    parts += [f"{name} {version}" for name, version in versions.items()] if isinstance(versions, dict) else []
    date = f" on {machine['date']}" if machine.get("date") else ""
    return f"Measured{date}: {', '.join(parts)}." if parts else ""


class SafetyTable(SphinxDirective):
    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(RESULTS))
        machine, rows = read(RESULTS)
        if not rows:
            command = nodes.literal("", "python benchmarks/safety.py")
            return [paragraph("The benchmark has not been run here. It is ", command, ".", classes=["not-measured"])]
        head = [Cell("safeguard"), Cell("library"), Cell("adds to a call"), Cell("adds to a logit")]
        body = [
            [Cell(str(row.get("what", ""))), Cell(str(row.get("library", "")))]
            + [figure(row, keys) for keys in FIGURES]
            for row in sorted(rows, key=lambda row: str(row.get("what", "")))
        ]
        out: list[nodes.Node] = [table("", head, body, [3, 2, 3, 3], "safety")]
        text = measured_on(machine)
        return [*out, paragraph(text, classes=["measured-on"])] if text else out


def setup(app: Any) -> dict[str, Any]:
    app.add_directive("safety-table", SafetyTable)
    return {"version": "1", "parallel_read_safe": True}
